from __future__ import annotations

from typing import Any, Generic, TypeVar, cast

import pytest

from perdure.iwf.command_request import CommandRequest
from perdure.iwf.communication import Communication
from perdure.iwf.persistence import Persistence
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state import (
    T,
    WorkflowState,
    get_input_type,
    get_state_execution_id,
    get_state_id,
    get_state_id_by_class,
    should_skip_wait_until,
)
from tests.iwf.everything import Begin, Choose, Order, Rest

U = TypeVar("U")


class Mixin:
    pass


class Named(Generic[U]):
    pass


class Waits(WorkflowState[int]):
    def wait_until(
        self, ctx: WorkflowContext, input: int, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.empty()


class Inherits(Mixin, Waits):
    pass


class InheritsAgain(Inherits):
    pass


class Between(Named[str], WorkflowState[list[U]], Generic[U]):
    pass


class Concrete(Between[int]):
    pass


class Untyped(WorkflowState):  # type: ignore[type-arg]  # as authors of iWF write it
    pass


class StillOpen(WorkflowState[T]):
    pass


@pytest.mark.parametrize(
    ("state", "skips"), [(Waits(), False), (Inherits(), False), (InheritsAgain(), False), (Rest(), True)]
)
def test_a_wait_is_skipped_where_nobody_has_written_one(state: WorkflowState[Any], skips: bool) -> None:
    assert should_skip_wait_until(state) is skips


@pytest.mark.parametrize(
    ("state", "declared"),
    [
        (Begin(), Order),
        (Rest(), str),
        (InheritsAgain(), int),
        (Concrete(), list[int]),
        (Untyped(), Any),
        (StillOpen(), Any),
    ],
)
def test_the_input_type_is_found_through_all_bases(state: WorkflowState[Any], declared: object) -> None:
    assert get_input_type(state) == declared


def test_ids_are_those_of_the_options_or_of_the_class() -> None:
    assert get_state_id(Choose()) == "choose"
    assert get_state_id(Rest()) == get_state_id_by_class(Rest) == "Rest"
    assert get_state_execution_id(Rest, 2) == "Rest-2"


def test_what_is_not_written_cannot_be_called() -> None:
    nothing = cast("Any", None)
    with pytest.raises(NotImplementedError, match="Rest has no wait_until"):
        Rest().wait_until(nothing, "", nothing, nothing)
    with pytest.raises(NotImplementedError, match="Waits has no execute"):
        Waits().execute(nothing, 1, nothing, nothing, nothing)
