"""Long polls: who waits for which run to end, and for which state to complete.

Costs no thread and no look into the store, and keeps no run in memory.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

from perdure.engine.inputs import Reply
from perdure.engine.outputs import Answered, Output, Refused
from perdure.model.errors import WaitTimedOut
from perdure.model.ids import RunId, WorkflowId
from perdure.model.outcome import RunInfo
from perdure.model.value import EncodedValue
from perdure.store.rows import RunKey

RESULT_TIMED_OUT = "workflow is still running, waiting has exceeded timeout limit, please retry"
STATE_TIMED_OUT = "waiting has exceeded timeout limit, please retry"

StateKey = tuple[WorkflowId, str]
"""A workflow and what its completion is recorded under."""


@dataclass(slots=True, eq=False)
class _Waiter:
    reply: Reply
    place: RunKey | StateKey
    asked_run: RunId | None = None
    """The run whose end was asked for; its retries end in its name."""
    done: bool = False


class Waiters:
    """Everybody who waits for something that has not happened yet."""

    def __init__(self) -> None:
        self._results: dict[RunKey, dict[_Waiter, None]] = {}
        self._states: dict[StateKey, dict[_Waiter, None]] = {}
        self._by_reply: dict[int, _Waiter] = {}
        self._timeouts: list[tuple[int, int, _Waiter]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._by_reply)

    def wait_for_result(self, reply: Reply, run: RunKey, *, asked_run: RunId, until_ms: int | None) -> None:
        """Wait until *run* and its retries have ended, or the monotonic moment *until_ms* has come."""
        waiter = _Waiter(reply, run, asked_run)
        self._results.setdefault(run, {})[waiter] = None
        self._remember(waiter, until_ms)

    def wait_for_state(self, reply: Reply, workflow_id: WorkflowId, key: str, *, until_ms: int | None) -> None:
        waiter = _Waiter(reply, (workflow_id, key))
        self._states.setdefault((workflow_id, key), {})[waiter] = None
        self._remember(waiter, until_ms)

    def _remember(self, waiter: _Waiter, until_ms: int | None) -> None:
        self._by_reply[id(waiter.reply)] = waiter
        if until_ms is not None:
            self._count += 1
            heapq.heappush(self._timeouts, (until_ms, self._count, waiter))

    def awaits(self, run: RunKey) -> bool:
        return run in self._results

    def run_ended(self, run: RunKey, info: RunInfo) -> list[Output]:
        """Answer those who wait for this run."""
        waiters = self._results.pop(run, {})
        said: list[Output] = []
        for waiter in waiters:
            self._settle(waiter)
            said.append(Answered(waiter.reply, ended_as(info, waiter.asked_run)))
        return said

    def run_retried(self, run: RunKey, again: RunKey) -> None:
        """Let those who wait for this run wait for the one that retries it."""
        waiters = self._results.pop(run, None)
        if waiters:
            for waiter in waiters:
                waiter.place = again
            self._results.setdefault(again, {}).update(waiters)

    def run_lost(self, run: RunKey, error: Exception) -> list[Output]:
        """Refuse those who wait for a run that never came to be."""
        waiters = self._results.pop(run, {})
        for waiter in waiters:
            self._settle(waiter)
        return [Refused(waiter.reply, error) for waiter in waiters]

    def state_completed(self, workflow_id: WorkflowId, key: str, output: EncodedValue | None) -> list[Output]:
        waiters = self._states.pop((workflow_id, key), {})
        for waiter in waiters:
            self._settle(waiter)
        return [Answered(waiter.reply, output) for waiter in waiters]

    def forget(self, reply: Reply) -> None:
        waiter = self._by_reply.get(id(reply))
        if waiter is not None:
            self._leave(waiter)

    def expire(self, monotonic_ms: int) -> list[Output]:
        """Tell those whose time is over."""
        said: list[Output] = []
        while self._timeouts and (self._timeouts[0][2].done or self._timeouts[0][0] <= monotonic_ms):
            _, _, waiter = heapq.heappop(self._timeouts)
            if not waiter.done:
                self._leave(waiter)
                text = STATE_TIMED_OUT if isinstance(waiter.place, tuple) else RESULT_TIMED_OUT
                said.append(Refused(waiter.reply, WaitTimedOut(text)))
        return said

    def next_ms(self) -> int | None:
        """Return the monotonic moment at which somebody's time is over."""
        while self._timeouts and self._timeouts[0][2].done:
            heapq.heappop(self._timeouts)
        return self._timeouts[0][0] if self._timeouts else None

    def refuse_all(self, error: Exception) -> list[Output]:
        """Tell everybody that there is nothing to wait for any more."""
        waiters = list(self._by_reply.values())
        for waiter in waiters:
            self._leave(waiter)
        return [Refused(waiter.reply, error) for waiter in waiters]

    def _leave(self, waiter: _Waiter) -> None:
        place = waiter.place
        if isinstance(place, tuple):
            others = self._states[place]
            others.pop(waiter)
            if not others:
                del self._states[place]
        else:
            those = self._results[place]
            those.pop(waiter)
            if not those:
                del self._results[place]
        self._settle(waiter)

    def _settle(self, waiter: _Waiter) -> None:
        waiter.done = True
        del self._by_reply[id(waiter.reply)]


def ended_as(info: RunInfo, asked_run: RunId | None) -> RunInfo:
    """Return how a run ended under the id that was asked for: a retry ends in its first run's name (iWF 1.12)."""
    return info if asked_run in (None, info.run_id) else replace(info, run_id=asked_run)
