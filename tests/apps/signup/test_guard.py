import pytest
from flask import Flask, request, session

from signup.guard import Guard
from signup.settings import Settings

SETTINGS = Settings(secret_key=bytes(32), token_keys={1: bytes(32)}, base_url="https://example.org")
GUARD = Guard(SETTINGS)
APP = Flask("signup")
APP.secret_key = SETTINGS.secret_key


@pytest.mark.parametrize(
    ("headers", "cross_site"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, True),
        ({"Sec-Fetch-Site": "same-site"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://example.org"}, True),
        ({"Origin": "https://example.org"}, False),
        ({"Origin": "https://www.example.org"}, True),
        ({"Origin": "https://example.org.evil.test"}, True),
        ({"Origin": "http://localhost"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
def test_who_made_the_browser_send_it(headers: dict[str, str], cross_site: bool) -> None:
    with APP.test_request_context("/signup/submit", method="POST", headers=headers):
        assert GUARD.is_cross_site(request) is cross_site


def test_a_seal_holds_for_what_it_was_made_for() -> None:
    seal = GUARD.seal("ada's browser")
    assert GUARD.holds(seal, "ada's browser")
    assert not GUARD.holds(seal, "eve's browser")
    assert not GUARD.holds(seal[:-1], "ada's browser")
    assert not GUARD.holds("", "")


def test_a_seal_of_another_key_does_not_hold() -> None:
    other = Guard(Settings(secret_key=bytes(range(32)), token_keys={1: bytes(32)}))
    assert not GUARD.holds(other.seal("ada"), "ada")


def test_a_browser_is_known_by_its_cookie() -> None:
    with APP.test_request_context("/"):
        first = GUARD.visitor()
        assert GUARD.visitor() == first
        assert session["visitor"] == first
    with APP.test_request_context("/"):
        assert GUARD.visitor() != first
