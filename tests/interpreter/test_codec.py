import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.interpreter import codec
from perdure.interpreter.codec import KINDS, EncodedEvent, EncodedSnapshot, decode_event, encode_event
from perdure.interpreter.events import DeadlinePassed, Event, MessagesPublished, SignalReceived
from perdure.model.errors import InternalError
from perdure.model.options import StateOptions
from perdure.model.value import EncodedValue, Message

GOLDEN = Path(__file__).parent / "golden"
SAME = EncodedValue('{"a": 1}', "json")

st.register_type_strategy(float, st.floats(allow_nan=False))  # which is not even equal to itself
st.register_type_strategy(
    StateOptions,
    st.builds(StateOptions, recover_options=st.none() | st.builds(StateOptions, recover_options=st.none())),
)


def test_every_event_has_a_kind() -> None:
    assert set(KINDS.values()) == set(get_args(Event))


# Snapshots are too large to be drawn at random: test_laws.py takes them from runs.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "resumed"])
def test_an_event_comes_back_as_it_was(kind: str) -> None:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.from_type(KINDS[kind]))
    def comes_back(event: Event) -> None:
        encoded = encode_event(event)
        assert encoded.kind == kind
        json.loads(encoded.body)
        assert decode_event(encoded) == event

    comes_back()


def test_the_authors_values_stand_beside_the_body_each_once() -> None:
    event = MessagesPublished((Message("a", SAME), Message("b", EncodedValue('{"a": 1}', "json")), Message("c", None)))
    encoded = encode_event(event)
    assert encoded.values == (SAME,)
    assert "json" not in encoded.body


def test_no_value_and_an_empty_value_are_not_the_same() -> None:
    for value in (None, EncodedValue(), EncodedValue(""), EncodedValue(None, "json")):
        event = SignalReceived("c", value)
        assert decode_event(encode_event(event)) == event


def test_a_half_character_survives() -> None:
    event = SignalReceived("lone \ud800 surrogate")
    encoded = encode_event(event)
    encoded.body.encode("utf-8")
    assert decode_event(encoded) == event


def test_an_event_of_a_later_release_is_refused_naming_both() -> None:
    with pytest.raises(InternalError, match=r"'telepathy' of version 1"):
        decode_event(EncodedEvent("telepathy", 1, "{}"))
    with pytest.raises(InternalError, match=r"'signal' of version 7, expected .* at most version 1"):
        decode_event(EncodedEvent("signal", 7, "{}"))


def test_a_snapshot_of_another_version_is_not_read() -> None:
    with pytest.raises(InternalError, match="snapshot of version 0"):
        codec.decode_snapshot(EncodedSnapshot(0, "{}"))


def test_an_older_body_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codec.VERSIONS, "signal", 3)
    monkeypatch.setitem(codec.UPCASTERS, ("signal", 1), lambda body: {"chanel": body["name"]})
    monkeypatch.setitem(codec.UPCASTERS, ("signal", 2), lambda body: {"channel": body["chanel"]})
    assert decode_event(EncodedEvent("signal", 1, '{"name": "c"}')) == SignalReceived("c")
    assert encode_event(SignalReceived("c")).version == 3


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_journals_of_every_release_are_still_read(path: Path) -> None:
    """One file a release. Where a body has changed since, ``today`` says what it must be now."""
    lines = json.loads(path.read_text(encoding="utf-8"))
    assert {line["kind"] for line in lines} >= {"started", "call-succeeded", "deadline"}
    for line in lines:
        values = tuple(EncodedValue(*value) for value in line["values"])
        event = decode_event(EncodedEvent(line["kind"], line["version"], line["body"], values))
        today = json.loads(encode_event(event).body)
        assert today == line.get("today", json.loads(line["body"])), "read as something else: write an upcaster"


def test_an_event_without_content_is_an_empty_body() -> None:
    assert encode_event(DeadlinePassed()) == EncodedEvent("deadline", 1, "{}")
