"""The sign-up service as a process of its own, to be looked at from outside and killed."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from signup.inbox import Mail, MailStore
from tests.apps.signup.browser import Browser, Page
from tests.apps.signup.waiting import wait_for
from tests.ports import quiet_port

ROOT = Path(__file__).parents[3]
ADA = {"username": "ada", "email": "ada@example.org", "first_name": "Ada", "last_name": "Lovelace"}
VERIFY, REMINDER, WELCOME = (
    "Please confirm your e-mail address",
    "Reminder: please confirm your e-mail address",
    "Welcome",
)


class DidNotStart(Exception):
    """The service ended before it said that it runs; here is what it said, and its exit code."""


class Demo:
    """The service as a process of its own."""

    def __init__(self, folder: Path, *, remind_every: str) -> None:
        self.folder = folder
        self.port, self.smtp_port = quiet_port(), quiet_port()
        self.remind_every = remind_every
        self.inbox = MailStore(folder / "inbox")
        self.process: subprocess.Popen[str] | None = None

    def start(self, **environment: str) -> None:
        command = [sys.executable, "-m", "signup.demo", "--port", str(self.port), "--smtp-port", str(self.smtp_port)]
        command += ["--directory", str(self.folder), "--remind-every", self.remind_every]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SIGNUP_")}
        self.process = subprocess.Popen(
            command,
            env={**inherited, "PYTHONPATH": str(ROOT / "apps"), "PYTHONFAULTHANDLER": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if "Stop it with Ctrl-C." in line:
                return
        self.process.communicate(timeout=60)
        raise DidNotStart(said, self.process.returncode)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)
        assert self.process.returncode == -signal.SIGKILL

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Stop it gently; return what it says at the end."""
        assert self.process is not None
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said
        return said

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    def browser(self) -> Browser:
        return Browser(f"http://127.0.0.1:{self.port}")

    def mails(self, subject: str) -> list[Mail]:
        return [mail for mail in self.inbox.mails() if mail.subject == subject]

    def wait_for_mail(self, subject: str, count: int = 1) -> Mail:
        mails = wait_for(
            lambda: found if len(found := self.mails(subject)) >= count else None, f"mail {count} {subject!r}"
        )
        return mails[count - 1]

    def sign_up(self, browser: Browser) -> Page:
        page = browser.submit(browser.open("/signup"), ADA)
        assert page.heading == "Check your mail", page.text
        return page

    def click(self, browser: Browser, mail: Mail) -> Page:
        (link,) = mail.links
        page = browser.open(link)
        assert page.heading == "Confirm your e-mail address", page.text
        return browser.submit(page)

    def assert_no_two_mails(self) -> None:
        """Each mail once; one that a crash repeated bears the same Message-ID, and counts as one."""
        distinct = Counter(mail.subject for mail in self.inbox.mails() if mail.repeat_of is None)
        reminders = distinct.pop(REMINDER, 0)
        assert distinct == {VERIFY: 1, WELCOME: 1}, distinct
        assert reminders <= 3
