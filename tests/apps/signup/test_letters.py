from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from typing import Any

import pytest

from signup.form import Form
from signup.letters import Kind, Letter, Letters
from signup.settings import Settings

SETTINGS = Settings(secret_key=bytes(32), token_keys={1: bytes(32)}, mail_from="hello@example.org")
LETTER = Letter(
    kind=Kind.VERIFY,
    number=1,
    workflow_id="signup:ada",
    run_id="run-1",
    form=Form("ada", "ada@example.net", "Ada", "Lovelace"),
    link="https://example.org/signup/verify/c2lnbnVwOmFkYQ/" + "T" * 44,
    expires_at=datetime(2026, 12, 1, 14, 5, tzinfo=UTC),
)


def sent(**changes: Any) -> EmailMessage:
    """A letter as it comes out at the other end of the wire."""
    message = message_from_bytes(Letters(SETTINGS).write(replace(LETTER, **changes)).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content())


@pytest.mark.parametrize("kind", Kind)
def test_every_mail_says_what_it_is(kind: Kind) -> None:
    message = sent(kind=kind)
    assert message["To"] == "ada@example.net"
    assert message["From"] == "hello@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Signup-Ref"] == "signup:ada"
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"]
    assert not message.defects
    assert message.get_content_type() == "multipart/alternative"
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert "Hello Ada" in part(message, "plain")
    assert "Hello Ada" in part(message, "html")
    assert len(message.as_bytes()) < 100_000


@pytest.mark.parametrize("kind", [Kind.VERIFY, Kind.REMINDER])
def test_the_link_arrives_whole_in_both_parts_with_the_day_it_dies(kind: Kind) -> None:
    message = sent(kind=kind)
    assert LETTER.link in part(message, "plain").splitlines()
    assert f'href="{LETTER.link}"' in part(message, "html")
    for subtype in ("plain", "html"):
        assert "1 December 2026, 14:05 UTC" in part(message, subtype)


def test_the_welcome_has_no_link() -> None:
    message = sent(kind=Kind.WELCOME)
    assert LETTER.link not in part(message, "plain") + part(message, "html")


def test_a_repeat_bears_the_same_name_and_anything_else_another() -> None:
    name = sent()["Message-ID"]
    assert sent()["Message-ID"] == name
    others = [sent(kind=Kind.REMINDER), sent(number=2), sent(workflow_id="signup:bob"), sent(run_id="run-2")]
    assert len({name, *(other["Message-ID"] for other in others)}) == 5


def test_a_reminder_stands_below_the_first_mail() -> None:
    reminder = sent(kind=Kind.REMINDER, number=2)
    assert reminder["In-Reply-To"] == sent()["Message-ID"]
    assert reminder["References"] == sent()["Message-ID"]
    assert "This is reminder 2 of 3." in part(reminder, "plain")


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


def test_a_name_is_text_and_nothing_else() -> None:
    message = sent(form=Form("ada", "ada@example.net", "<img src=x> & Ada", "Lovelace"))
    tags = Tags()
    tags.feed(part(message, "html"))
    assert "img" not in tags.names
    assert "Hello <img src=x> & Ada" in part(message, "plain")
    assert "Ada" not in message["Subject"]
