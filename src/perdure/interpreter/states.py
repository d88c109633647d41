"""State executions under way: where each is on its way, and the call it makes next."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.interpreter.locks import LockKey, Table
from perdure.interpreter.snapshot import Phase, StateSnapshot
from perdure.interpreter.waits import OpenWait
from perdure.model.attributes import DataAttribute
from perdure.model.calls import LoadedAttributes, StateCall, StateMethod
from perdure.model.conditions import ConditionResult
from perdure.model.decisions import Movement
from perdure.model.ids import CallId, StateExecutionId
from perdure.model.options import CallOptions


@dataclass(slots=True)
class StateExecution:
    """One state execution under way."""

    id: StateExecutionId
    movement: Movement
    number: int
    phase: Phase = Phase.CALLING
    call_id: CallId | None = None
    wait: OpenWait | None = None
    method: StateMethod = StateMethod.EXECUTE
    """Of the call under way or the next one; the two fields below go with it."""
    results: tuple[ConditionResult, ...] | None = None
    wait_until_failed: bool = False
    locals: tuple[DataAttribute, ...] = ()
    search_locked: bool = False
    listed: bool = False

    @property
    def options(self) -> CallOptions:
        """Of the call under way or the next one."""
        options = self.movement.options
        return options.wait_until if self.method is StateMethod.WAIT_UNTIL else options.execute

    def call(self, attributes: LoadedAttributes) -> StateCall:
        method = self.method
        return StateCall(
            method,
            self.id,
            self.movement.state_id,
            self.movement.input,
            attributes,
            self.locals if method is StateMethod.EXECUTE else (),
            self.results,
            self.wait_until_failed,
        )

    def locks(self) -> tuple[tuple[LockKey, ...], tuple[LockKey, ...]]:
        """Return the search attribute keys and the data attribute keys that the call locks."""
        options = self.options
        search, data = options.search_loading.locks, options.data_loading.locks
        return (
            tuple([LockKey(Table.SEARCH, key) for key in search]) if search else (),
            tuple([LockKey(Table.DATA, key) for key in data]) if data else (),
        )

    def snapshot(self) -> StateSnapshot:
        return StateSnapshot(
            id=self.id,
            movement=self.movement,
            number=self.number,
            phase=self.phase,
            call_id=self.call_id,
            wait=None if self.wait is None else self.wait.snapshot(),
            pending=self.call(_NOT_LOADED) if self.phase in (Phase.LOCKING, Phase.HELD) else None,
            locals=self.locals,
            search_locked=self.search_locked,
            listed=self.listed,
        )

    @classmethod
    def restore(cls, saved: StateSnapshot, call: StateCall | None) -> StateExecution:
        """Return what *saved* was taken of.

        Args:
            call: the one under way, or the next, if there is one.
        """
        return cls(
            saved.id,
            saved.movement,
            saved.number,
            saved.phase,
            saved.call_id,
            None if saved.wait is None else OpenWait.restore(saved.wait, saved.number),
            StateMethod.EXECUTE if call is None else call.method,
            None if call is None else call.results,
            call is not None and call.wait_until_failed,
            saved.locals,
            saved.search_locked,
            saved.listed,
        )


_NOT_LOADED = LoadedAttributes()
