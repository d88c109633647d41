"""What a run remembers between two events; written down as a snapshot, and read back from one.

Everything that ``Execution`` knows is a field here, and ``snapshot`` has all of it but the rules it
is under: who takes it up is under their own.
"""

from __future__ import annotations

from typing import Self

from perdure.interpreter.attributes import Attributes
from perdure.interpreter.card import Card
from perdure.interpreter.deadlines import BEGINNING, EXPIRY, Deadlines, Due
from perdure.interpreter.effects import Invoke
from perdure.interpreter.locks import Locks
from perdure.interpreter.rpcs import LockingRpcs, locks_of
from perdure.interpreter.rules import RULES_VERSION
from perdure.interpreter.snapshot import CallSnapshot, Phase, Snapshot
from perdure.interpreter.states import StateExecution
from perdure.interpreter.waits import ChannelName, Channels, OpenWait
from perdure.model.calls import RunContext
from perdure.model.decisions import Movement
from perdure.model.ids import CallId, StateExecutionId, StateId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import Outcome, StateOutput
from perdure.model.requests import StartRequest, TimerRef


class Memory:
    """The state of one run. How it changes is not said here."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.rules = RULES_VERSION
        """The version that the journal's present segment is under."""
        self._request: StartRequest | None = None
        self._run: RunContext | None = None
        self._attempt = 1
        self._begins_at_ms: int | None = None
        self._expires_at_ms: int | None = None
        self._config = _NO_CONFIG
        self._state_counts: dict[StateId, int] = {}
        self._state_number = self._wait_number = self._call_number = 0
        self._queued: list[Movement] = []
        self._states: dict[int, StateExecution] = {}
        self._state_by_id: dict[StateExecutionId, StateExecution] = {}
        self._calls: dict[CallId, Invoke] = {}
        self._caller: dict[CallId, StateExecution] = {}
        self._rpcs = LockingRpcs()
        self._attributes = Attributes()
        self._channels = Channels()
        self._locks = Locks()
        self._deadlines = Deadlines()
        self._card = Card()
        self._outputs: list[StateOutput] = []
        self._completing = False
        self._holding = False
        self._skips: list[TimerRef] = []

    @property
    def begun(self) -> bool:
        """Its genesis has happened."""
        return self._run is not None

    @property
    def run(self) -> RunContext:
        assert self._run is not None, "the first event of a run is Started or Resumed"
        return self._run

    @property
    def request(self) -> StartRequest:
        assert self._request is not None, "the first event of a run is Started or Resumed"
        return self._request

    @property
    def closed(self) -> bool:
        return self.outcome is not None

    def snapshot(self) -> Snapshot:
        """Return everything this execution remembers, as a value."""
        return Snapshot(
            request=self.request,
            run=self.run,
            attempt=self._attempt,
            begins_at_ms=self._begins_at_ms,
            expires_at_ms=self._expires_at_ms,
            config=self._config,
            state_counts=tuple(sorted(self._state_counts.items())),
            state_number=self._state_number,
            wait_number=self._wait_number,
            call_number=self._call_number,
            rpc_number=self._rpcs.number,
            queued=tuple(self._queued),
            states=tuple(self._states[number].snapshot() for number in sorted(self._states)),
            calls=tuple(
                CallSnapshot(call_id, invoke.call, invoke.timeout_ms, invoke.retry, invoke.limit_ms)
                for call_id, invoke in sorted(self._calls.items())
            ),
            rpcs=self._rpcs.snapshot(),
            data=tuple(self._attributes.data.values()),
            search=tuple(self._attributes.search.values()),
            channels=self._channels.snapshot(),
            outputs=tuple(self._outputs),
            completing=self._completing,
            holding=self._holding,
            skips=tuple(self._skips),
            listed_states=self._card.listed,
            outcome=self.outcome,
            asked_again=self._rpcs.asked_again,
        )

    @classmethod
    def restore(cls, snapshot: Snapshot) -> Self:
        """Return an execution that goes on exactly as the one the snapshot was taken of."""
        execution = cls()
        execution._restore(snapshot)
        return execution

    def _restore(self, snapshot: Snapshot) -> None:
        self.outcome = snapshot.outcome
        self._request = snapshot.request
        self._run = snapshot.run
        self._attempt = snapshot.attempt
        self._config = snapshot.config
        self._state_counts = dict(snapshot.state_counts)
        self._state_number, self._wait_number = snapshot.state_number, snapshot.wait_number
        self._call_number = snapshot.call_number
        self._queued = list(snapshot.queued)
        self._attributes.write(snapshot.data, snapshot.search)
        self._channels.restore(snapshot.channels)
        self._outputs = list(snapshot.outputs)
        self._completing = snapshot.completing
        self._holding = snapshot.holding
        self._skips = list(snapshot.skips)
        self._begins_at_ms = snapshot.begins_at_ms
        if snapshot.begins_at_ms is not None:
            self._deadlines.add(BEGINNING, snapshot.begins_at_ms)
        self._expires_at_ms = snapshot.expires_at_ms
        if snapshot.expires_at_ms is not None and snapshot.outcome is None:
            self._deadlines.add(EXPIRY, snapshot.expires_at_ms)
        self._restore_calls(snapshot)
        self._restore_states(snapshot)

    def _restore_calls(self, snapshot: Snapshot) -> None:
        for call in snapshot.calls:
            self._calls[call.id] = Invoke(call.id, self.run, call.call, call.timeout_ms, call.retry, call.limit_ms)
        for opened in self._rpcs.restore(snapshot.rpc_number, snapshot.rpcs, snapshot.asked_again):
            self._locks.take(-opened.number, locks_of(opened))

    def _restore_states(self, snapshot: Snapshot) -> None:
        for saved in snapshot.states:
            call = saved.pending if saved.call_id is None else self._calls[saved.call_id].call
            state = StateExecution.restore(saved, call)
            self._states[state.number] = state
            self._state_by_id[state.id] = state
            search, data = state.locks()
            if state.call_id is not None:
                self._caller[state.call_id] = state
                self._locks.take(state.number, (*search, *data))
            elif state.phase is Phase.LOCKING and state.search_locked:
                self._locks.take(state.number, search)
                self._locks.wait(state.number, data)
            elif state.phase is Phase.LOCKING:
                self._locks.wait(state.number, search)
        states = self._states.values()
        self._card.restore(snapshot.listed_states, [state.movement.state_id for state in states if state.listed])
        if self.closed:
            return
        waits = [state.wait for state in states if state.wait is not None]
        for wait in sorted(waits, key=lambda wait: wait.number):
            self._arm(wait)

    def _arm(self, wait: OpenWait) -> list[ChannelName]:
        """Line up for the messages and moments that *wait* still lacks; return the channels, to be matched."""
        for index, at_ms in enumerate(wait.deadlines_ms):
            if at_ms is not None and not wait.met[index]:
                self._deadlines.add(Due(wait.state, index), at_ms)
        return self._channels.register(wait)


_NO_CONFIG = WorkflowConfig()
