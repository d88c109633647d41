import pytest

from perdure.interpreter.attributes import Attributes
from perdure.model.attributes import (
    LOAD_ALL,
    LOAD_NONE,
    DataAttribute,
    Loading,
    LoadingPolicy,
    SearchAttribute,
    SearchAttributeType,
)
from perdure.model.value import EncodedValue
from perdure.testing import rule

X, Y = EncodedValue("x"), EncodedValue("y")
PARTIAL = Loading.PARTIAL


def written(*keys: str) -> Attributes:
    attributes = Attributes()
    attributes.write(tuple(DataAttribute(key, X) for key in keys), ())
    return attributes


def loaded(attributes: Attributes, policy: LoadingPolicy) -> list[str]:
    return [attribute.key for attribute in attributes.load(policy, LOAD_NONE).data]


@rule("4.1")
def test_the_last_write_wins_and_one_without_a_value_keeps_the_key() -> None:
    attributes = Attributes()
    attributes.write((DataAttribute("a", X), DataAttribute("a", Y), DataAttribute("b", X)), ())
    attributes.write((DataAttribute("b"),), ())
    assert attributes.load(LOAD_ALL, LOAD_ALL).data == (DataAttribute("a", Y), DataAttribute("b"))


@rule("4.1")
def test_keys_sort_as_their_bytes_do() -> None:
    assert loaded(written("a", "B", "ä", "z", "\U0001f600", "\uffee"), LOAD_ALL) == [
        "B",
        "a",
        "z",
        "ä",
        "\uffee",
        "\U0001f600",
    ]


@rule("4.6")
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (LOAD_ALL, ["ab", "abc", "b"]),
        (LOAD_NONE, []),
        (LoadingPolicy(locks=("b",)), ["ab", "abc", "b"]),
        (LoadingPolicy(PARTIAL), []),
        (LoadingPolicy(PARTIAL, ("b", "ab", "no", "b")), ["ab", "b"]),
        (LoadingPolicy(PARTIAL, ("ab",), locks=("b",)), ["ab", "b"]),
        (LoadingPolicy(PARTIAL, ("ab",), keys_are_prefixes=True), ["ab", "abc"]),
        (LoadingPolicy(PARTIAL, ("no",), keys_are_prefixes=True), []),
        (LoadingPolicy(PARTIAL, (), keys_are_prefixes=True), []),
        (LoadingPolicy(Loading.NONE, ("ab",), locks=("b",)), []),
    ],
)
def test_what_a_policy_loads(policy: LoadingPolicy, expected: list[str]) -> None:
    assert loaded(written("b", "abc", "ab"), policy) == expected


@rule("4.6")
def test_the_two_tables_have_policies_of_their_own_and_a_call_is_told_which() -> None:
    attributes = written("a")
    found = SearchAttribute("City", SearchAttributeType.KEYWORD, "Ulm")
    attributes.write((), (found,))
    seen = attributes.load(LOAD_NONE, LoadingPolicy(PARTIAL, ("City",)))
    assert (seen.data, seen.search, seen.data_loading, seen.search_loading) == ((), (found,), Loading.NONE, PARTIAL)


def test_what_was_loaded_before_a_write_stays_as_it_was() -> None:
    attributes = written("a")
    before = attributes.load(LOAD_ALL, LOAD_ALL)
    attributes.write((DataAttribute("b", X),), ())
    assert [attribute.key for attribute in before.data] == ["a"]
    assert loaded(attributes, LOAD_ALL) == ["a", "b"]
    attributes.write((), (SearchAttribute("n", SearchAttributeType.INT, 1),))
    assert len(attributes.load(LOAD_ALL, LOAD_ALL).search) == 1
