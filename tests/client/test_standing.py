from __future__ import annotations

from typing import Any

import pytest

from perdure.client.standing import standing_of
from perdure.model.calls import StateMethod
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, WaitMode
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.progress import Awaited, CallProgress, RunProgress, Standing, StateProgress


def run(*states: StateProgress, **more: Any) -> RunProgress:
    return RunProgress(WorkflowId("ada"), RunId("r"), RunStatus.RUNNING, 3, states=states, **more)


def at(standing: Standing, call: CallProgress | None = None, *, name: str = "mail-1") -> StateProgress:
    return StateProgress(StateExecutionId(name), StateId("mail"), standing, call)


def waiting(mode: WaitMode, *awaits: Awaited) -> StateProgress:
    return StateProgress(StateExecutionId("mail-1"), StateId("mail"), Standing.WAITING, None, mode, awaits)


LETTERS = Awaited(ChannelCondition("letters"))
TWO = Awaited(ChannelCondition("post", ChannelKind.SIGNAL, at_least=2))
LATE = Awaited(TimerCondition("late", duration_ms=5), due_ms=1_000)
NAMELESS = Awaited(TimerCondition(duration_ms=5), due_ms=1_000)


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (run(waiting(WaitMode.ALL, LETTERS)), "mail-1 waits for a message in the channel 'letters'"),
        (
            run(waiting(WaitMode.ANY, TWO, LATE)),
            "mail-1 waits for 2 messages in the signal 'post' or the timer 'late' at 1970-01-01T00:00:01+00:00",
        ),
        (run(waiting(WaitMode.ALL, NAMELESS)), "mail-1 waits for the timer at 1970-01-01T00:00:01+00:00"),
        (
            run(waiting(WaitMode.ALL, Awaited(ChannelCondition("here"), met=True), LETTERS)),
            "mail-1 waits for a message in the channel 'letters'",
        ),
        (
            run(waiting(WaitMode.ALL, Awaited(TimerCondition("far"), due_ms=1 << 60))),
            f"mail-1 waits for the timer 'far' at {1 << 60} ms after 1970",
        ),
        (
            run(at(Standing.RETRYING, CallProgress(StateMethod.EXECUTE, 3, 0, 0, 1_000, ("one", "two")))),
            "mail-1: execute has failed 3 times, at last with two; it is tried again at 1970-01-01T00:00:01+00:00",
        ),
        (
            run(at(Standing.RETRYING, CallProgress(StateMethod.WAIT_UNTIL, 1, 0, 0, 1_000, ("one",)))),
            "mail-1: wait_until has failed once, at last with one; it is tried again at 1970-01-01T00:00:01+00:00",
        ),
        (run(at(Standing.CALLING, CallProgress(StateMethod.EXECUTE, 1, 0, 0))), "mail-1: execute is being called"),
        (
            run(at(Standing.CALLING, CallProgress(StateMethod.EXECUTE, 2, 0, 0, errors=("one",)))),
            "mail-1: execute is being called, attempt 2, after one",
        ),
        (run(at(Standing.LOCKING)), "mail-1 waits for attributes that another call has locked"),
        (run(at(Standing.HELD)), "mail-1 is held back by a reset under way"),
        (run(begins_ms=1_000), "it begins at 1970-01-01T00:00:01+00:00"),
        (run(), "no state of it is open: it idles until an RPC starts one, or it is stopped"),
        (run(quarantine="it broke"), "nothing happens to it any more: it broke"),
    ],
)
def test_what_a_run_waits_for_is_said(progress: RunProgress, words: str) -> None:
    assert standing_of(progress) == words


def test_what_fails_comes_first_and_of_many_their_number() -> None:
    failing = at(Standing.RETRYING, CallProgress(StateMethod.EXECUTE, 1, 0, 0, 1_000, ("no",)), name="bad-1")
    held = [at(Standing.HELD, name=f"s-{number}") for number in range(4)]
    told = standing_of(run(*held, failing))
    assert told.startswith("bad-1: execute has failed once")
    assert told.endswith("; s-0 is held back by a reset under way; s-1 is held back by a reset under way; and 2 more")
