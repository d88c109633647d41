"""Declarations and values become names and sealed values, and back."""

from __future__ import annotations

import pytest

from perdure.authoring.converter import ConversionError
from perdure.client.result import MissingValue
from perdure.client.translator import Translator
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.ids import WorkflowId
from perdure.model.value import EncodedValue, Message
from tests.client.workflows import Order, Shop, Twice

ADA = WorkflowId("ada")
KNOWN = Translator(Shop, ADA)
UNKNOWN = Translator(None, ADA)


def json(text: str) -> EncodedValue:
    return EncodedValue(text, "json")


def test_messages_carry_the_stored_name() -> None:
    sealed = json('{"item":"tea","count":1}')
    assert KNOWN.message(Shop.changes, Order("tea")) == Message("order-changes", sealed)
    assert KNOWN.message(Shop.boxes["a"], "x") == Message("boxes/a", json('"x"'))
    assert KNOWN.message(Shop.paid, None) == Message("paid")
    assert UNKNOWN.message(Shop.changes, {"item": "tea", "count": 1}) == Message("order-changes", sealed)
    assert UNKNOWN.message("order-changes", {"item": "tea", "count": 1}) == Message("order-changes", sealed)


def test_indexed_attribute_is_written_twice() -> None:
    data = (DataAttribute("status", json('"x"')),)
    assert KNOWN.writes(Shop.status, "x") == (data, (SearchAttribute("status", SearchAttributeType.KEYWORD, "x"),))
    assert KNOWN.writes("status", "x") == (data, ())
    assert UNKNOWN.writes(Shop.status, "x") == (data, ())


def test_map_is_written_by_its_keys() -> None:
    expected = (DataAttribute("votes/a", json("1")), DataAttribute("votes/b", json("2")))
    assert KNOWN.writes(Shop.votes, {"a": 1, "b": 2}) == (expected, ())
    with pytest.raises(InvalidRequest, match="expected a mapping from its keys"):
        KNOWN.writes(Shop.votes, 3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: KNOWN.message(Shop.changes, "tea"),
        lambda: KNOWN.writes(Shop.status, 3),
        lambda: KNOWN.writes(Shop.votes, {"a": "one"}),
        lambda: KNOWN.state(Twice.one),
        lambda: KNOWN.rpc(Shop.mark, (), {}, run_id=None),
        lambda: UNKNOWN.seal_plain(1j),
    ],
)
def test_what_does_not_fit_is_refused_in_the_caller_s_words(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(InvalidRequest) as refused:
        ask()
    assert refused.value.workflow_id == ADA


def test_attribute_that_was_never_written_has_its_default() -> None:
    assert KNOWN.open_attribute(KNOWN.attribute(Shop.status), ()) == "new"
    assert KNOWN.open_attribute(KNOWN.attribute(Shop.notes), [DataAttribute("notes")]) == []
    with pytest.raises(MissingValue):
        KNOWN.open_attribute(KNOWN.attribute(Shop.order), ())


def test_attributes_are_opened_by_their_types() -> None:
    found = [
        DataAttribute("order", json('{"item":"tea"}')),
        DataAttribute("votes/a", json("1")),
        DataAttribute("votes/gone"),
        DataAttribute("foreign", json("[1]")),
    ]
    assert KNOWN.open_all(found) == {"order": Order("tea"), "votes/a": 1, "foreign": [1]}
    assert UNKNOWN.open_all(found) == {"order": {"item": "tea"}, "votes/a": 1, "foreign": [1]}
    assert KNOWN.open_map(KNOWN.attribute(Shop.votes), found) == {"a": 1}


def test_output_is_opened_by_the_class() -> None:
    assert KNOWN.open_output(json('{"item":"tea"}')) == Order("tea")
    assert UNKNOWN.open_output(json('{"item":"tea"}')) == {"item": "tea"}
    with pytest.raises(ConversionError):
        KNOWN.open_output(json("3"))
