from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from signup.inbox import MailServer, MailStore, pages
from signup.mail import Mailer, Outcome
from signup.settings import Settings
from tests.ports import quiet_port

LINK = "http://127.0.0.1:8000/signup/verify/c2lnbnVw/" + "T" * 44


def message(message_id: str = "<1@example.org>", *, html: str = "") -> EmailMessage:
    mail = EmailMessage()
    mail["Message-ID"] = message_id
    mail["Subject"] = "Hello <b>"
    mail["To"] = "ada@example.org"
    mail.set_content(f"Open this:\n\n{LINK}\n")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail


@pytest.fixture
def store(tmp_path: Path) -> MailStore:
    return MailStore(tmp_path / "inbox")


@pytest.fixture
def port(store: MailStore) -> Iterator[int]:
    number = quiet_port()
    server = MailServer(store, port=number)
    server.start()
    yield number
    server.stop()


@pytest.fixture
def browser(store: MailStore) -> FlaskClient:
    app = Flask("signup")
    app.register_blueprint(pages(store))
    app.template_folder = str(Path(pages.__code__.co_filename).parent / "templates")
    return app.test_client()


def send(port: int, mail: EmailMessage) -> Outcome:
    settings = Settings(
        secret_key=bytes(32), token_keys={1: bytes(32)}, smtp_port=port, smtp_timeout=timedelta(seconds=5)
    )
    return Mailer(settings).send(mail, to="ada@example.org").outcome


def test_a_mail_sent_by_smtp_is_on_the_disk_when_it_is_accepted(store: MailStore, port: int, tmp_path: Path) -> None:
    assert send(port, message()) is Outcome.ACCEPTED
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == ["000001.eml"]
    (mail,) = store.mails()
    assert (mail.number, mail.subject, mail.to, mail.message_id) == (
        1,
        "Hello <b>",
        "ada@example.org",
        "<1@example.org>",
    )
    assert "Open this:" in mail.text


def test_another_process_goes_on_where_the_first_one_stopped(store: MailStore, tmp_path: Path) -> None:
    store.keep(message("<1@x>").as_bytes())
    store.keep(message("<2@x>").as_bytes())
    later = MailStore(tmp_path / "inbox")
    assert later.keep(message("<3@x>").as_bytes()) == 3
    assert [mail.message_id for mail in later.mails()] == ["<1@x>", "<2@x>", "<3@x>"]


def test_half_a_mail_left_by_a_crash_is_not_seen(store: MailStore, tmp_path: Path) -> None:
    (tmp_path / "inbox" / "unfinished").write_bytes(b"Subject: ha")
    assert store.mails() == []
    assert store.keep(message().as_bytes()) == 1


def test_a_mail_that_was_sent_again_is_shown_as_a_repeat(store: MailStore, browser: FlaskClient) -> None:
    for message_id in ("<1@x>", "<2@x>", "<1@x>", "<1@x>"):
        store.keep(message(message_id).as_bytes())
    assert [mail.repeat_of for mail in store.mails()] == [None, None, 1, 1]
    assert browser.get("/inbox").text.count("repeat of 1") == 2


def test_mails_without_a_name_are_nobodys_repeat(store: MailStore) -> None:
    store.keep(b"Subject: one\r\n\r\nhello")
    store.keep(b"Subject: two\r\n\r\nhello")
    assert [mail.repeat_of for mail in store.mails()] == [None, None]


def test_links_are_found_once_in_text_and_html(store: MailStore) -> None:
    store.keep(
        message(
            html=f'<a href="{LINK}">here</a> <a href="javascript:alert(1)">x</a> <a href="https://example.org/?a=1&amp;b=2">y</a>'
        ).as_bytes()
    )
    assert store.mails()[0].links == [LINK, "https://example.org/?a=1&b=2"]


def test_the_pages_show_the_mail_and_its_links(store: MailStore, browser: FlaskClient) -> None:
    store.keep(message().as_bytes())
    listing = browser.get("/inbox").text
    assert "Hello &lt;b&gt;" in listing
    assert "<b>" not in listing
    assert 'href="/inbox/1"' in listing
    page = browser.get("/inbox/1").text
    assert f'href="{LINK}"' in page
    assert "&lt;1@example.org&gt;" in page
    assert browser.get("/inbox/1.eml").data.startswith(b"Message-ID: <1@example.org>")


def test_an_empty_inbox_says_so(browser: FlaskClient) -> None:
    assert "No mail yet" in browser.get("/inbox").text


def test_a_mail_that_is_not_there(browser: FlaskClient) -> None:
    assert browser.get("/inbox/7").status_code == 404
    assert browser.get("/inbox/7.eml").status_code == 404
