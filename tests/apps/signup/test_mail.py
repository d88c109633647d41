import socket
from datetime import timedelta
from email.message import EmailMessage

from signup.mail import Delivery, Mailer, Outcome
from signup.settings import Settings, SmtpTls
from tests.apps.signup.mail_server import ScriptedMailServer
from tests.ports import quiet_port


def mailer(port: int, *, tls: SmtpTls = SmtpTls.OFF, user: str = "") -> Mailer:
    settings = Settings(
        secret_key=bytes(32),
        token_keys={1: bytes(32)},
        smtp_port=port,
        smtp_tls=tls,
        smtp_user=user,
        smtp_timeout=timedelta(seconds=0.5),
    )
    return Mailer(settings)


def send(port: int, *, tls: SmtpTls = SmtpTls.OFF, user: str = "") -> Delivery:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message.set_content("Hello")
    return mailer(port, tls=tls, user=user).send(message, to="ada@example.org")


def test_a_mail_that_is_taken_is_accepted() -> None:
    server = ScriptedMailServer()
    with server.listening() as port:
        assert send(port).outcome is Outcome.ACCEPTED
    assert len(server.taken) == 1
    assert server.taken[0].subject == "Hello"


def test_a_mail_that_is_put_off_is_taken_the_next_time() -> None:
    server = ScriptedMailServer("451 4.7.1 come back later")
    with server.listening() as port:
        first, second = send(port), send(port)
    assert (first.outcome, first.code) == (Outcome.TEMPORARY, 451)
    assert "come back later" in first.text
    assert second.outcome is Outcome.ACCEPTED
    assert len(server.taken) == 1


def test_an_address_that_does_not_exist_is_permanent() -> None:
    with ScriptedMailServer("550 5.1.1 no such user", at="RCPT").listening() as port:
        delivery = send(port)
    assert (delivery.outcome, delivery.code) == (Outcome.PERMANENT, 550)
    assert "no such user" in delivery.text


def test_an_address_may_be_put_off_too() -> None:
    with ScriptedMailServer("450 4.2.0 greylisted", at="RCPT").listening() as port:
        assert send(port).outcome is Outcome.TEMPORARY


def test_a_mail_whose_content_is_refused_is_permanent() -> None:
    with ScriptedMailServer("554 5.7.1 no").listening() as port:
        assert send(port).outcome is Outcome.PERMANENT


def test_a_sender_that_is_refused_is_our_fault_not_the_recipients() -> None:
    with ScriptedMailServer("550 5.7.1 not you", at="MAIL").listening() as port:
        delivery = send(port)
    assert (delivery.outcome, delivery.code) == (Outcome.TEMPORARY, 550)


def test_how_the_server_says_goodbye_changes_nothing() -> None:
    server = ScriptedMailServer("554 bad mood", at="QUIT")
    with server.listening() as port:
        assert send(port).outcome is Outcome.ACCEPTED
    assert len(server.taken) == 1


def test_nobody_listens() -> None:
    delivery = send(quiet_port())
    assert (delivery.outcome, delivery.code) == (Outcome.TEMPORARY, 0)
    assert "ConnectionRefusedError" in delivery.text


def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        delivery = send(silent.getsockname()[1])
    assert delivery.outcome is Outcome.TEMPORARY
    assert "timed out" in delivery.text


def test_a_server_without_tls_is_not_spoken_to_when_tls_is_demanded() -> None:
    server = ScriptedMailServer()
    with server.listening() as port:
        assert send(port, tls=SmtpTls.STARTTLS).outcome is Outcome.TEMPORARY
    assert server.taken == []


def test_a_login_that_is_not_possible_is_our_fault() -> None:
    server = ScriptedMailServer()
    with server.listening() as port:
        assert send(port, user="ada").outcome is Outcome.TEMPORARY
    assert server.taken == []
