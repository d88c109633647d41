"""A condition brought into the one form that is compiled: no negation but in a comparison, few comparisons.

``NOT`` moves inwards, to the comparisons: ``NOT (a = 1 OR b > 2)`` is ``a != 1 AND b <= 2``. So what
is not set stays unknown under a ``NOT``, as SQL has it. A choice among values of one field becomes a list:
``a = 1 OR a = 2`` is ``a IN (1, 2)``, one look into the index instead of two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from perdure.model.errors import InvalidRequest
from perdure.model.limits import QUERY_COMPARISONS_MAX
from perdure.store.query_syntax import AllOf, AnyOf, Comparison, Condition, Literal, Negation, Operator

"""Each costs a search through the index, or a look into it for each run."""

_LISTED = {
    AnyOf: (frozenset({Operator.EQUAL, Operator.IN}), Operator.IN),
    AllOf: (frozenset({Operator.NOT_EQUAL, Operator.NOT_IN}), Operator.NOT_IN),
}
"""Which comparisons with one field can be said at once in a choice or a conjunction, and how."""


def normal_form(condition: Condition) -> Condition:
    """Say a condition without any ``Negation``.

    Raises:
        InvalidRequest: it has too many comparisons even then.
    """
    normal = _normal(condition, negated=False)
    count = _comparisons_in(normal)
    if count > QUERY_COMPARISONS_MAX:
        raise InvalidRequest(
            f"invalid query: it has {count} comparisons, expected no more than {QUERY_COMPARISONS_MAX}: "
            "IN and NOT IN take lists of values"
        )
    return normal


def _normal(condition: Condition, *, negated: bool) -> Condition:
    match condition:
        case Negation(part):
            return _normal(part, negated=not negated)
        case Comparison(field, operator, values, position):
            return Comparison(field, operator.opposite if negated else operator, values, position)
        case AllOf(parts):
            return _united(AnyOf if negated else AllOf, (_normal(part, negated=negated) for part in parts))
        case AnyOf(parts):
            return _united(AllOf if negated else AnyOf, (_normal(part, negated=negated) for part in parts))
        case _:
            assert_never(condition)


def _united(kind: type[AllOf] | type[AnyOf], parts: Iterable[Condition]) -> Condition:
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    united = _with_lists(flat, *_LISTED[kind])
    return united[0] if len(united) == 1 else kind(tuple(united))


def _with_lists(parts: list[Condition], listed: frozenset[Operator], as_list: Operator) -> list[Condition]:
    """Say the comparisons of one field that can be listed as one, at the place of the first."""
    united: list[Condition] = []
    places: dict[str, int] = {}
    for part in parts:
        if not isinstance(part, Comparison) or part.operator not in listed:
            united.append(part)
        elif part.field not in places:
            places[part.field] = len(united)
            united.append(part)
        else:
            first = united[places[part.field]]
            assert isinstance(first, Comparison), "only comparisons have places"
            values: tuple[Literal, ...] = first.values + part.values
            united[places[part.field]] = Comparison(part.field, as_list, values, first.position)
    return united


def _comparisons_in(condition: Condition) -> int:
    if isinstance(condition, AllOf | AnyOf):
        return sum(map(_comparisons_in, condition.parts))
    return 1
