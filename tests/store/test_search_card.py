from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.model.attributes import SearchAttribute, SearchAttributeType, SearchValue
from perdure.store.search_card import entry_of, read_card
from perdure.store.search_values import format_datetime, normalise

T = SearchAttributeType
storable = st.text(st.characters(codec="utf-8"), max_size=20)
attributes = st.one_of(
    st.builds(SearchAttribute, st.just("x"), st.just(T.KEYWORD), storable),
    st.builds(SearchAttribute, st.just("x"), st.just(T.TEXT), storable),
    st.builds(SearchAttribute, st.just("x"), st.just(T.KEYWORD_ARRAY), st.lists(storable, min_size=1).map(tuple)),
    st.builds(SearchAttribute, st.just("x"), st.just(T.INT), st.integers(-(2**63), 2**63 - 1)),
    st.builds(SearchAttribute, st.just("x"), st.just(T.DOUBLE), st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(SearchAttribute, st.just("x"), st.just(T.BOOL), st.booleans()),
    st.integers(-(2**63), 2**63 - 1).map(lambda moment: SearchAttribute("x", T.DATETIME, format_datetime(moment))),
)


@given(attributes)
def test_an_attribute_is_read_from_its_entry_as_it_was_written(attribute: SearchAttribute) -> None:
    normal = normalise(attribute, now_ms=0)
    entry, _ = entry_of(normal)
    card = json.loads(json.dumps({"7": entry}))
    assert attribute.type is not None
    assert read_card(card, {7: ("x", attribute.type)}) == {"x": normal}


@given(attributes)
def test_all_terms_of_an_attribute_are_in_its_entry(attribute: SearchAttribute) -> None:
    entry, terms = entry_of(normalise(attribute, now_ms=0))
    assert set(terms) <= set(entry if isinstance(entry, list) else [entry])


@pytest.mark.parametrize("value", [(), None])
def test_a_list_without_an_item_is_no_value(value: SearchValue | None) -> None:
    entry, terms = entry_of(normalise(SearchAttribute("x", T.KEYWORD_ARRAY, value), now_ms=0))
    assert (entry, terms) == (None, ())
    assert read_card({"7": None}, {7: ("x", T.KEYWORD_ARRAY)}) == {}


def test_a_card_is_read_in_the_order_of_its_keys() -> None:
    types = {1: ("b", T.INT), 2: ("a", T.INT)}
    assert list(read_card({"1": 1, "2": 2}, types)) == ["a", "b"]
