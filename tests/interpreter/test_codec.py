import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.interpreter import codec
from perdure.interpreter.codec import KINDS, EncodedEvent, decode_event, encode_event
from perdure.interpreter.events import AttributesSet, DeadlinePassed, Event, MessagesPublished, SignalReceived, Started
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType, SearchValue
from perdure.model.errors import InternalError
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import StartOptions, StateOptions
from perdure.model.requests import StartRequest
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


def test_what_tells_runs_apart_stands_beside_the_body() -> None:
    def started(number: int, email: str) -> Started:
        options = StartOptions(request_id=f"request-{number}")
        found = SearchAttribute("email", SearchAttributeType.KEYWORD, email)
        request = StartRequest(WorkflowId(f"w-{number}"), WorkflowType("Signup"), options=options, search=(found,))
        return Started(request, RunId(f"run-{number}"), RunId(f"run-{number}"))

    one, other = encode_event(started(1, "ada@example.org")), encode_event(started(2, "bob@example.org"))
    assert one.body == other.body
    assert [value.data for value in one.values] == ["w-1", "request-1", '"ada@example.org"', "run-1"]
    assert decode_event(one) == started(1, "ada@example.org")
    assert decode_event(other) == started(2, "bob@example.org")


def test_a_search_value_is_written_once_with_the_attributes_own() -> None:
    found = SearchAttribute("email", SearchAttributeType.KEYWORD, "ada@example.org")
    own = DataAttribute("email", EncodedValue('"ada@example.org"', "json"))
    assert len(encode_event(AttributesSet((own,), (found,))).values) == 1


@pytest.mark.parametrize("value", [None, "", "x", 0, True, 1.5, (), ("x",), ("1", "2")])
def test_every_kind_of_search_value_comes_back(value: SearchValue | None) -> None:
    event = AttributesSet((), (SearchAttribute("a", SearchAttributeType.KEYWORD, value),))
    [found] = decode_event(encode_event(event)).search  # type: ignore[union-attr]  # it is what was encoded
    assert found.value == value
    assert type(found.value) is type(value)


def test_an_erased_search_value_is_none() -> None:
    event = AttributesSet((), (SearchAttribute("a", SearchAttributeType.KEYWORD, "secret"),))
    encoded = encode_event(event)
    erased = decode_event(replace(encoded, values=(EncodedValue(),)))
    assert erased == AttributesSet((), (SearchAttribute("a", SearchAttributeType.KEYWORD, None),))


def test_bodies_that_are_read_once_do_not_share_values() -> None:
    for data in ("1", "2"):
        event = SignalReceived("c", EncodedValue(data, "json"))
        assert decode_event(encode_event(event)) == event


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


def test_an_event_that_could_not_be_read_is_refused_saying_why() -> None:
    with pytest.raises(InternalError, match="the disk ate it"):
        decode_event(EncodedEvent("signal", 1, "", fault="the disk ate it"))


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
        again = encode_event(event)
        assert decode_event(again) == event
        today = json.loads(again.body)
        assert today == line.get("today", json.loads(line["body"])), "read as something else: write an upcaster"


def test_an_event_without_content_is_an_empty_body() -> None:
    assert encode_event(DeadlinePassed()) == EncodedEvent("deadline", 1, "{}")
