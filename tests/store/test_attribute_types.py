from __future__ import annotations

import pytest

from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InternalError, InvalidRequest
from perdure.store.attribute_types import AttributeTypes

INT, KEYWORD = SearchAttributeType.INT, SearchAttributeType.KEYWORD


@pytest.fixture
def types() -> AttributeTypes:
    return AttributeTypes([(1, "age", INT)])


def test_a_known_type_must_be_kept_to(types: AttributeTypes) -> None:
    assert types.check([SearchAttribute("age", INT, 3)]) is None
    problem = types.check([SearchAttribute("age", KEYWORD, "three")])
    assert problem == "invalid value for search attribute age of type Int: it was given as Keyword"


def test_what_does_not_fit_its_own_type_is_refused(types: AttributeTypes) -> None:
    problem = types.check([SearchAttribute("age", INT, "three")])
    assert problem is not None
    assert "three" in problem


def test_attributes_of_one_call_must_agree(types: AttributeTypes) -> None:
    problem = types.check([SearchAttribute("name", KEYWORD, "ada"), SearchAttribute("name", INT, 3)])
    assert problem is not None
    assert "name of type Keyword" in problem


def test_the_first_that_was_checked_decides_before_it_is_written(types: AttributeTypes) -> None:
    assert types.check([SearchAttribute("name", KEYWORD, "ada")]) is None
    assert types.check([SearchAttribute("name", INT, 3)]) is not None
    assert "name" not in types.by_key


def test_a_call_that_is_refused_decides_nothing(types: AttributeTypes) -> None:
    assert types.check([SearchAttribute("name", KEYWORD, "ada"), SearchAttribute("age", KEYWORD, "x")]) is not None
    assert types.check([SearchAttribute("name", INT, 3)]) is None


def test_new_attributes_are_numbered_on(types: AttributeTypes) -> None:
    written = [SearchAttribute(key, INT, 1) for key in ("b", "age", "c", "b")]
    numbers, added = types.numbers_of(written)
    assert numbers == {"age": 1, "b": 2, "c": 3}
    assert added == [(2, "b", INT), (3, "c", INT)]
    assert dict(types.by_key) == {"age": INT}
    types.add(added)
    assert dict(types.by_key) == {"age": INT, "b": INT, "c": INT}
    assert dict(types.by_number) == {1: ("age", INT), 2: ("b", INT), 3: ("c", INT)}
    assert types.numbers_of(written)[1] == []


def test_what_was_never_checked_is_not_written_as_another_type(types: AttributeTypes) -> None:
    with pytest.raises(InternalError, match="'age' is INT in this file, found KEYWORD"):
        types.numbers_of([SearchAttribute("age", KEYWORD, "three")])


def test_the_systems_names_are_not_an_authors(types: AttributeTypes) -> None:
    problem = types.check([SearchAttribute("StartTime", INT, 3)])
    assert problem is not None
    assert "StartTime is the system's own" in problem
    assert types.check([SearchAttribute("IwfWorkflowType", KEYWORD, "Mine")]) is None


def test_once_some_are_registered_no_other_is_taken(types: AttributeTypes) -> None:
    types.register({"age": INT, "city": KEYWORD})
    assert types.check([SearchAttribute("age", INT, 3), SearchAttribute("city", KEYWORD, "Ulm")]) is None
    assert types.check([SearchAttribute("street", KEYWORD, "Main")]) == (
        "search attribute street is not registered, expected one of: age, city. Register it, with its type"
    )
    assert types.check([SearchAttribute("city", INT, 3)]) == (
        "invalid value for search attribute city of type Keyword: it was given as Int"
    )


def test_a_registration_that_contradicts_the_file_is_refused(types: AttributeTypes) -> None:
    with pytest.raises(InvalidRequest, match="age is registered as KEYWORD, and the file has it as INT"):
        types.register({"age": KEYWORD})
