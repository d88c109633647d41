from __future__ import annotations

from typing import Any

import pytest

from perdure.iwf import rpc as module
from perdure.iwf.communication import Communication
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models import PersistenceLoadingPolicy, PersistenceLoadingType
from perdure.iwf.persistence import Persistence
from perdure.iwf.rpc import Role, is_rpc, rpc, rpc_info
from perdure.iwf.workflow_context import WorkflowContext
from perdure.model.attributes import LOAD_ALL, LOAD_NONE, LoadingPolicy

LOCK = PersistenceLoadingPolicy(PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK, locking_keys=["k"])
ARGUMENTS: dict[Role, object] = {role: role.value for role in Role}


class Desk:
    @rpc()
    def nothing(self) -> list[Any]:
        return []

    @rpc()
    def word(this, text: str) -> list[Any]:
        return [text]

    @rpc()
    def mixed(self, com: Communication, text: str, pers: Persistence, ctx: WorkflowContext) -> list[Any]:
        return [com, text, pers, ctx]

    @rpc()
    def only_persistence(self, pers: Persistence) -> list[Any]:
        return [pers]

    @rpc()
    def loose(self, one, two) -> list[Any]:  # type: ignore[no-untyped-def]  # as authors of iWF may write it
        return [one, two]

    @rpc()
    def by_name(self, pers: Persistence, *, text: str) -> list[Any]:
        return [pers, text]

    @rpc
    def bare(self, text: str) -> list[Any]:
        return [text]

    @rpc(timeout_seconds=3, data_attribute_loading_policy=LOCK)
    def locks(self, pers: Persistence) -> list[Any]:
        return [pers]

    @rpc(data_attribute_loading_policy=LOCK)
    def loads_for_nobody(self) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("method", "received"),
    [
        (Desk().nothing, []),
        (Desk().word, ["input"]),
        (Desk().mixed, ["communication", "input", "persistence", "context"]),
        (Desk().only_persistence, ["persistence"]),
        (Desk().loose, ["input", "input"]),
        (Desk().by_name, ["persistence", "input"]),
        (Desk().bare, ["input"]),
    ],
)
def test_each_parameter_receives_what_it_is_annotated_with(method: Any, received: list[str]) -> None:
    assert is_rpc(method)
    assert rpc_info(method).call(ARGUMENTS) == received


def test_an_annotation_that_cannot_be_evaluated_is_known_by_its_name_or_is_the_input() -> None:
    def late(self, pers, value):  # type: ignore[no-untyped-def]  # annotated below
        return [pers, value]

    late.__annotations__ = {"pers": "only_for_checkers.Persistence", "value": "DefinedInAFunction"}

    assert rpc_info(rpc()(late)).params_order == [Role.PERSISTENCE, Role.INPUT]
    assert rpc_info(rpc()(late)).input_type is Any


def test_what_an_rpc_says_of_itself() -> None:
    info = rpc_info(Desk.word)

    assert (info.timeout_seconds, info.input_type, info.bypass_caching_for_strong_consistency) == (10, str, False)
    assert rpc_info(Desk.locks).timeout_seconds == 3
    assert not is_rpc(Desk.__init__)


def test_attributes_are_loaded_for_those_who_can_read_them() -> None:
    assert rpc_info(Desk.only_persistence).loading == LOAD_ALL
    assert rpc_info(Desk.locks).loading == LoadingPolicy(locks=("k",))
    assert rpc_info(Desk.nothing).loading == rpc_info(Desk.loads_for_nobody).loading == LOAD_NONE


def two_inputs(self: object, one: str, two: int) -> None: ...


def too_many(
    self: object, a: str, ctx: WorkflowContext, pers: Persistence, com: Communication, again: Persistence
) -> None: ...


@pytest.mark.parametrize("function", [two_inputs, too_many])
def test_more_than_there_is_to_receive_is_refused_where_it_is_written(function: Any) -> None:
    with pytest.raises(WorkflowDefinitionError, match=f"RPC {function.__name__} takes .*; expected, in any order"):
        module.rpc()(function)
