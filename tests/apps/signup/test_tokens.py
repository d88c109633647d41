from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signup.tokens import Claim, Tokens

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
CLAIM = Claim(salt="5a17", workflow_id="signup:ada", run_id="run-1", email="ada@example.org")

texts = st.text(max_size=20)
claims = st.builds(
    Claim,
    salt=texts,
    workflow_id=texts,
    run_id=texts,
    email=texts,
    purpose=texts,
    sequence=st.integers(min_value=0, max_value=1000),
)


@given(claims)
def test_a_claim_always_has_the_same_token_and_it_matches(claim: Claim) -> None:
    token = Tokens({1: KEY}).make(claim)
    assert token == Tokens({1: KEY}).make(claim)
    assert Tokens({1: KEY}).matches(token, claim)


@given(claims)
def test_a_token_is_44_characters_that_are_safe_in_a_url(claim: Claim) -> None:
    token = Tokens({255: KEY}).make(claim)
    assert len(token) == 44
    assert all(character.isascii() and (character.isalnum() or character in "-_") for character in token)


@given(claims, claims)
def test_another_claim_has_another_token(one: Claim, other: Claim) -> None:
    tokens = Tokens({1: KEY})
    assert tokens.matches(tokens.make(one), other) == (one == other)


@pytest.mark.parametrize("name", [field.name for field in fields(Claim)])
def test_every_field_counts(name: str) -> None:
    tokens = Tokens({1: KEY})
    change: dict[str, Any] = {name: 2 if name == "sequence" else "other"}
    changed = replace(CLAIM, **change)
    assert not tokens.matches(tokens.make(CLAIM), changed)


def test_text_does_not_slip_from_one_field_into_the_next() -> None:
    tokens = Tokens({1: KEY})
    one, other = replace(CLAIM, salt="ab", workflow_id="c"), replace(CLAIM, salt="a", workflow_id="bc")
    assert tokens.make(one) != tokens.make(other)


@given(st.data())
def test_a_token_changed_anywhere_is_refused(data: st.DataObject) -> None:
    tokens = Tokens({1: KEY})
    token = tokens.make(CLAIM)
    place = data.draw(st.integers(min_value=0, max_value=len(token) - 1))
    character = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"))
    changed = token[:place] + character + token[place + 1 :]
    assert tokens.matches(changed, CLAIM) == (changed == token)


@given(st.text())
def test_what_is_no_token_is_refused_and_nothing_worse(text: str) -> None:
    assert not Tokens({1: KEY}).matches(text, CLAIM)


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: t.lower(), lambda t: "", lambda t: f" {t}"],
)
def test_a_token_of_another_length_or_spelling_is_refused(spoil: Callable[[str], str]) -> None:
    tokens = Tokens({1: KEY})
    assert not tokens.matches(spoil(tokens.make(CLAIM)), CLAIM)


def test_the_links_of_the_old_key_work_while_it_is_kept() -> None:
    sent_before = Tokens({1: KEY}).make(CLAIM)
    while_changing = Tokens({2: OTHER_KEY, 1: KEY})
    assert while_changing.matches(sent_before, CLAIM)
    assert while_changing.make(CLAIM) == Tokens({2: OTHER_KEY}).make(CLAIM)
    assert not Tokens({2: OTHER_KEY}).matches(sent_before, CLAIM)


def test_a_key_id_alone_makes_no_token_valid() -> None:
    assert not Tokens({1: KEY}).matches(Tokens({1: OTHER_KEY}).make(CLAIM), CLAIM)
    assert not Tokens({1: KEY}).matches(Tokens({2: bytes(32)}).make(CLAIM), CLAIM)


@pytest.mark.parametrize("keys", [{}, {1: b"short"}, {-1: KEY}, {256: KEY}])
def test_keys_that_protect_nothing_are_refused(keys: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Tokens(keys)
