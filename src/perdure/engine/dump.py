"""What a snapshot holds, in the words that every room shares."""

from __future__ import annotations

from perdure.engine.hot import HotRun, fold
from perdure.interpreter.snapshot import Snapshot, StateSnapshot, WaitSnapshot
from perdure.model.dump import DumpedChannel, DumpedState, DumpedWait, RunDump
from perdure.model.errors import InternalError
from perdure.model.ids import CallId
from perdure.store.rows import StoredRun


def dump_of(stored: StoredRun) -> RunDump:
    """Return what a run remembers, by what the file has of it.

    Raises:
        InternalError: its journal cannot be folded.
    """
    run, _ = folded(stored)
    return _dumped(run.execution.snapshot())


def folded(stored: StoredRun) -> tuple[HotRun, dict[CallId, int]]:
    """Return what ``fold`` gives, for whoever asks about a run and is to be told why there is no answer.

    Raises:
        InternalError: its journal cannot be folded.
    """
    row = stored.row
    try:
        return fold(stored)
    except Exception as error:
        raise InternalError(
            f"the journal of run {row.run_id} of workflow {row.workflow_id!r} cannot be read: "
            f"{type(error).__name__}: {error}"
        ) from error


def _dumped(snapshot: Snapshot) -> RunDump:
    return RunDump(
        config=snapshot.config,
        queued=snapshot.queued,
        states=tuple(_state(state) for state in sorted(snapshot.states, key=lambda state: state.number)),
        started_counts=snapshot.state_counts,
        channels=tuple(DumpedChannel(channel.kind, channel.name, channel.messages) for channel in snapshot.channels),
        outputs=snapshot.outputs,
        skips=snapshot.skips,
        data=snapshot.data,
        search=snapshot.search,
    )


def _state(state: StateSnapshot) -> DumpedState:
    return DumpedState(state.id, state.movement, None if state.wait is None else _wait(state.wait), state.locals)


def _wait(wait: WaitSnapshot) -> DumpedWait:
    skipped = wait.skipped or (False,) * len(wait.met)
    return DumpedWait(wait.wait, wait.deadlines_ms, wait.met, wait.taken, skipped)
