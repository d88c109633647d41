"""The journey of a person who signs up, against the real service: a process, its disk, HTTP and SMTP."""

import re
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from signup.demo import _options, demo_settings, main
from signup.settings import Settings, SettingsError
from tests.apps.signup.process import ADA, REMINDER, VERIFY, WELCOME, Demo, DidNotStart
from tests.apps.signup.waiting import wait_for


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    demos: list[Demo] = []

    def started(*, remind_every: str) -> Demo:
        demo = Demo(tmp_path / "var", remind_every=remind_every)
        demos.append(demo)
        demo.start()
        return demo

    yield started
    for demo in demos:
        demo.end()


def test_from_the_form_to_the_welcome(start: Callable[..., Demo]) -> None:
    demo = start(remind_every="60s")
    browser = demo.browser()
    demo.sign_up(browser)

    # The mail is there, on the inbox's page too, and its link leads to a button.
    mail = demo.wait_for_mail(VERIFY)
    assert mail.to == "ada@example.org"
    assert mail.links[0] in browser.open("/inbox").links
    assert demo.click(demo.browser(), mail).heading == "Your address is confirmed"

    demo.wait_for_mail(WELCOME)
    assert browser.open("/signup/describe").heading == "You are signed up"
    assert demo.mails(REMINDER) == []

    # The sign-up has ended, and its link still knows what it was.
    wait_for(lambda: browser.open(mail.links[0]).heading == "Already verified", "the link to be done")
    taken = browser.submit(browser.open("/signup"), {**ADA, "email": "bob@example.org"})
    assert (taken.status, taken.title) == (422, "Error: Sign up – sign-up")
    assert "This user name is not available." in taken.text

    demo.assert_no_two_mails()
    assert "goes on where it was" in demo.stop()


def test_from_the_form_over_a_reminder_to_the_welcome(start: Callable[..., Demo]) -> None:
    demo = start(remind_every="1s")
    browser = demo.browser()
    demo.sign_up(browser)
    first = demo.wait_for_mail(VERIFY)
    reminder = demo.wait_for_mail(REMINDER)
    assert reminder.links == first.links
    assert (
        reminder.received_at - first.received_at >= first.received_at.resolution * 900_000
    )  # never early: a second, less the disk
    assert reminder.message["In-Reply-To"] == first.message_id

    assert demo.click(browser, reminder).heading == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)
    sent = len(demo.inbox.mails())
    time.sleep(1.5)  # longer than to the next reminder, had it not been called off
    assert len(demo.inbox.mails()) == sent
    demo.assert_no_two_mails()


def test_killed_between_the_mail_and_the_click_it_goes_on_where_it_was(start: Callable[..., Demo]) -> None:
    demo = start(remind_every="4s")  # longer than from the mail to the kill
    browser = demo.browser()
    demo.sign_up(browser)
    first = demo.wait_for_mail(VERIFY)
    demo.kill()
    assert demo.mails(REMINDER) == []

    demo.start()
    assert browser.open("/signup/describe").heading == "Check your mail"
    demo.wait_for_mail(REMINDER)
    demo.kill()

    demo.start()
    assert demo.click(browser, first).heading == "Your address is confirmed"
    demo.wait_for_mail(WELCOME)
    demo.kill()

    demo.start()
    wait_for(lambda: browser.open(first.links[0]).heading == "Already verified", "the link to be done")
    assert browser.open("/signup/describe").heading == "You are signed up"
    demo.assert_no_two_mails()
    assert "goes on where it was" in demo.stop(signal.SIGINT)


def test_settings_that_cannot_work_are_told_before_anything_starts(tmp_path: Path) -> None:
    demo = Demo(tmp_path, remind_every="soon")
    with pytest.raises(DidNotStart) as caught:
        demo.start()
    said, code = caught.value.args
    assert "SIGNUP_REMIND_EVERY: 'soon' is no duration" in said
    assert code == 2


def test_a_second_one_is_told_what_is_taken(start: Callable[..., Demo], tmp_path: Path) -> None:
    first = start(remind_every="60s")
    for taken, said in {
        "port": "choose another one: make demo ARGS='--port ",
        "smtp_port": "choose another one: make demo ARGS='--smtp-port ",
        "folder": "is in use by another demo; stop that one, or choose another folder: make demo ARGS='--directory ",
    }.items():
        second = Demo(tmp_path / taken, remind_every="60s")
        setattr(second, taken, getattr(first, taken))
        with pytest.raises(DidNotStart) as caught:
            second.start()
        assert said in caught.value.args[0]
        assert caught.value.args[1] == 1


def test_what_it_prints_is_where_to_look(start: Callable[..., Demo], tmp_path: Path) -> None:
    demo = start(remind_every="60s")
    assert demo.process is not None
    assert demo.browser().open("/").heading == "Sign up"
    assert (tmp_path / "var" / "signup.db").exists()
    keys = tmp_path / "var" / "keys.env"
    assert keys.stat().st_mode & 0o077 == 0, "the keys are nobody else's business"
    assert re.fullmatch(r"SIGNUP_SECRET_KEY=\w{64}\nSIGNUP_TOKEN_KEYS=1:\w{64}\n", keys.read_text())


def settings_of(folder: Path, *arguments: str, **environ: str) -> Settings:
    options = _options(["--directory", str(folder), *arguments])
    return demo_settings(options, environ)


@pytest.mark.parametrize(
    ("every", "lives"), [("30s", timedelta(minutes=10)), ("10m", timedelta(minutes=40)), ("24h", timedelta(days=4))]
)
def test_a_link_outlives_the_reminders_that_are_asked_for(tmp_path: Path, every: str, lives: timedelta) -> None:
    assert settings_of(tmp_path, "--remind-every", every).expire_after == lives
    if every != "30s":
        with pytest.raises(SettingsError, match="set SIGNUP_EXPIRE_AFTER higher"):
            settings_of(tmp_path, "--remind-every", every, SIGNUP_EXPIRE_AFTER="10m")


def test_a_number_of_reminders_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SIGNUP_REMINDERS_MAX: 'x' is no whole number"):
        settings_of(tmp_path, SIGNUP_REMINDERS_MAX="x")


@pytest.mark.parametrize("option", ["--port", "--smtp-port"])
@pytest.mark.parametrize("port", ["80000", "0", "-1", "web"])
def test_what_is_no_port_is_refused(capsys: pytest.CaptureFixture[str], option: str, port: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([f"{option}={port}"])
    assert caught.value.code == 2
    assert capsys.readouterr().err.endswith(
        f"python -m signup.demo: error: argument {option}: found {port!r}, expected a port, 1 to 65535\n"
    )


def test_what_to_write_instead_keeps_what_was_asked_for(start: Callable[..., Demo], tmp_path: Path) -> None:
    first = start(remind_every="60s")
    second = Demo(tmp_path / "b c", remind_every="60s")
    second.smtp_port = first.smtp_port
    with pytest.raises(DidNotStart) as caught:
        second.start()
    told = caught.value.args[0]
    command = shlex.split(told[told.index("make demo ARGS=") :].splitlines()[0])[2]
    flags = shlex.split(command.removeprefix("ARGS="))
    given = dict(zip(flags[::2], flags[1::2], strict=True))
    assert given.pop("--smtp-port") != str(first.smtp_port)
    assert given == {"--port": str(second.port), "--directory": str(second.folder), "--remind-every": "60s"}
