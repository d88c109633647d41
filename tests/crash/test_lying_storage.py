"""The power is cut at every sync and between, the disk fails in every way: what was acknowledged is there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partialmethod
from itertools import count
from pathlib import Path
from random import Random

import apsw
import pytest

from perdure.engine import Engine, open_engine
from perdure.interpreter.codec import EncodedEvent
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import UnavailableError
from perdure.model.ids import CallId, RunId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.ports.backend import Backend
from perdure.store.rows import Batch, CallRow, CompletionRow, EventRow, RunKey
from perdure.store.store import Store
from perdure.testing.clock import VirtualClock
from tests.crash.lying_vfs import LyingDisk, Medium, Synced, Written, lying_disk, nothing
from tests.crash.outside import Outside
from tests.crash.power_cuts import Cut, contents, cuts
from tests.crash.process import Knobs
from tests.crash.program import Program
from tests.crash.programs import LARGE_VALUES, LOCKS, POLLING, RESTART, SIGNUP
from tests.crash.simulation import Simulation, begin, run
from tests.engine.script import Worker, done, starting
from tests.store.samples import LONG, event, value
from tests.store.samples import run as run_row

BATCHES = 15


@pytest.fixture
def disk() -> Iterator[LyingDisk]:
    with lying_disk() as disk:
        yield disk


@pytest.fixture
def after(tmp_path: Path) -> Path:
    folder = tmp_path / "after"
    folder.mkdir()
    return folder


# The store


def batches() -> list[Batch]:
    """Return batches of every kind of row, that grow the file, write it anew and take from it; and one more."""
    return [_batch(number) for number in range(1, BATCHES + 2)]


def _batch(number: int) -> Batch:
    kinds = SearchAttributeType
    mail = SearchAttribute("mail", kinds.KEYWORD, f"{number}@example.org")
    seen = SearchAttribute("seen", kinds.KEYWORD_ARRAY, tuple(f"s{n}" for n in range(number % 5)))
    before = max(1, number - 3)
    events = [event(number, seq, value(f"{number} {seq}")) for seq in range(1, 6)]
    large = EventRow(RunKey(number), 6, 3_000, EncodedEvent("signal", 1, "{}", (value(f"{number % 4} {LONG}"),)))
    ended = run_row(before, str(before), events=6, status=RunStatus.COMPLETED, closed_ms=5_000)
    runs = {number: run_row(number, str(number), events=6, deadline_ms=9_000 + number, busy=True)}
    if number > 3:
        runs[before] = ended
    return Batch(
        runs=tuple(runs.values()),
        events=(*events, large),
        calls=(CallRow(RunKey(number), CallId(1), number, 0, 7_000, ("no",)),),
        ended_calls=((RunKey(before), CallId(1)),) if number > 3 else (),
        completions=(CompletionRow(WorkflowId(str(number)), RunId(f"run-{number}"), "submit-1", value("done")),),
        index={RunKey(number): (mail, seen)},
        removed=(RunKey(number - 5),) if number > 5 and number % 2 else (),
    )


def write_all(path: Path, disk: LyingDisk, *, synchronous: str = "FULL") -> list[int]:
    """Write the batches with everything that is done between them; return how much had happened at each acknowledgement."""
    acknowledged = []
    store = Store.open(path, vfs=disk.name, synchronous=synchronous)
    for number, batch in enumerate(batches()[:BATCHES], 1):
        store.write(batch)
        acknowledged.append(len(disk.happened))
        if batch.removed:
            store.give_back(pages=4)
        if number % 3 == 0:
            store.checkpoint(pages=1)
        if number % 6 == 0:
            store.close()
            store = Store.open(path, vfs=disk.name, synchronous=synchronous)
    store.close()
    return acknowledged


def stages(folder: Path) -> list[dict[str, list[tuple[object, ...]]]]:
    """Return what a file holds that nothing happened to: empty, then after each batch."""
    path = folder / "sound.db"
    store = Store.open(path, synchronous="OFF")
    found = [contents(path)]
    for batch in batches():
        store.write(batch)
        found.append(contents(path))
    store.close()
    return found


def cut_everywhere(tmp_path: Path, after: Path, disk: LyingDisk, *, synchronous: str, between: float) -> Counter[str]:
    """Cut the power on a store at work. Raises ``AssertionError`` at the first thing that is lost or half there."""
    known = stages(tmp_path)
    acknowledged = write_all(tmp_path / "a.db", disk, synchronous=synchronous)
    seen: Counter[str] = Counter()
    for cut in cuts(disk.happened, after, dice=Random(1), between=between):
        seen["at a sync" if cut.at_sync else "between syncs"] += 1
        finished = sum(moment <= cut.happened for moment in acknowledged)
        store = Store.open(after / "a.db", synchronous="OFF")
        assert store.check() == (), cut
        found = contents(after / "a.db")
        # Whoever was being answered when the power went may find it done, wholly.
        assert found in known[finished : finished + 2], f"{cut}: not what {finished} acknowledged batches make"
        there = known.index(found)
        seen["with the batch that was under way"] += there > finished
        store.write(_batch(there + 1))
        assert store.check() == (), cut
        assert contents(after / "a.db") == known[there + 1], cut
        store.close()
    return seen


def test_store_keeps_what_it_acknowledged_whole(
    tmp_path: Path, after: Path, disk: LyingDisk, tell: Callable[[str], None]
) -> None:
    seen = cut_everywhere(tmp_path, after, disk, synchronous="FULL", between=0.05)
    syncs = sum(isinstance(one, Synced) for one in disk.happened)
    points = seen["at a sync"] + seen["between syncs"]
    tell(f"lying storage, store: {points} crash points ({syncs} syncs, {dict(sorted(seen.items()))})")
    assert min(seen.values()) > 0


@pytest.mark.long
def test_store_keeps_what_it_acknowledged_whole_at_every_write(
    tmp_path: Path, after: Path, disk: LyingDisk, tell: Callable[[str], None]
) -> None:
    seen = cut_everywhere(tmp_path, after, disk, synchronous="FULL", between=1)
    tell(f"lying storage, store: {seen['at a sync'] + seen['between syncs']} crash points, all there are ({seen})")


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_store_that_does_not_wait_for_its_disk_is_found_out(
    tmp_path: Path, after: Path, disk: LyingDisk, synchronous: str
) -> None:
    with pytest.raises((AssertionError, UnavailableError)):
        cut_everywhere(tmp_path, after, disk, synchronous=synchronous, between=0.2)


# Errors


def fail_once(disk: LyingDisk, what: str, file: str, *, at: int, code: int) -> None:
    """Let the operation of this kind fail that comes after *at* others."""
    passed = count()
    disk.fault = lambda kind, on: code if (kind, on) == (what, file) and next(passed) == at else None


def cut_now(disk: LyingDisk, after: Path) -> Path:
    """Cut the power, with nothing surviving that was not synced."""
    medium = Medium()
    for one in disk.happened:
        medium.take(one)
    medium.cut_power(after, survival=nothing, dice=Random(0))
    return after / "a.db"


@pytest.mark.parametrize("code", [apsw.SQLITE_FULL, apsw.SQLITE_IOERR_WRITE])
def test_write_that_fails_anywhere_in_a_batch_leaves_nothing_of_it(
    tmp_path: Path, after: Path, code: int, tell: Callable[[str], None]
) -> None:
    known = stages(tmp_path)
    for at in count():
        with lying_disk() as disk:
            path = tmp_path / f"{at}" / "a.db"
            path.parent.mkdir()
            store = Store.open(path, vfs=disk.name)
            store.write(_batch(1))
            before = sum(isinstance(one, Written) for one in disk.happened)
            fail_once(disk, "write", "wal", at=at, code=code)
            try:
                store.write(_batch(2))
            except UnavailableError:
                assert contents(cut_now(disk, after)) == known[1]
                store.write(_batch(2))  # the fault has passed, and so has what it did
            assert store.check() == ()
            tried = sum(isinstance(one, Written) for one in disk.happened) - before
            left = cut_now(disk, after)
            assert contents(left) == known[2]
            store.close()
        if at > tried:
            tell(
                f"lying storage, {apsw.exception_for(code).__class__.__name__}: {at} writes of one batch failed, one by one"
            )
            break


@pytest.mark.parametrize("file", ["wal", "db"])
def test_sync_that_fails_closes_the_file_for_good_and_loses_nothing_acknowledged(
    tmp_path: Path, after: Path, file: str, tell: Callable[[str], None]
) -> None:
    known = stages(tmp_path)
    failed = 0
    for at in range(9):
        with lying_disk() as disk:
            path = tmp_path / f"{at}" / "a.db"
            path.parent.mkdir()
            store = Store.open(path, vfs=disk.name)
            fail_once(disk, "sync", file, at=at, code=apsw.SQLITE_IOERR_FSYNC)
            written, error = _write_until_it_fails(store)
            if error is not None:
                assert "fsync failed" in str(error)
                failed += 1
                with pytest.raises(UnavailableError, match="fsync failed"):
                    store.write(_batch(written + 1))
                with pytest.raises(UnavailableError, match="fsync failed"):
                    store.busy_runs()
            store.close()
            assert contents(cut_now(disk, after)) == known[written]
            again = Store.open(after / "a.db", synchronous="OFF")
            assert again.check() == ()
            again.write(_batch(written + 1))
            again.close()
    tell(f"lying storage, fsync of the {file}: failed at {failed} places")
    assert failed > 1


def _write_until_it_fails(store: Store) -> tuple[int, Exception | None]:
    """Return how many batches were acknowledged, and what ended it."""
    written = 0
    try:
        for number in range(1, 5):
            store.write(_batch(number))
            written += 1
            store.checkpoint(pages=1)
    except UnavailableError as error:
        return written, error
    return written, None


# The engine


@pytest.mark.parametrize("file", ["wal", "db"])
@pytest.mark.parametrize("at", [0, 1, 4])
async def test_engine_acknowledges_nothing_more_after_a_failed_fsync(
    tmp_path: Path, after: Path, disk: LyingDisk, file: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "checkpoint", partialmethod(Store.checkpoint, pages=1))  # so that the file is synced too
    names = [WorkflowId(f"w{number}") for number in range(20)]
    first = _engine(tmp_path / "a.db", vfs=disk.name)
    first.start()
    fail_once(disk, "sync", file, at=at, code=apsw.SQLITE_IOERR_FSYNC)
    acknowledged = [name for name in names if await _starts(first.backend, name)]
    assert acknowledged == names[: len(acknowledged)], "once closed, the file stays closed"
    assert len(acknowledged) < len(names)
    with pytest.raises(UnavailableError):
        await first.backend.get_data_attributes(names[-1])
    await first.aclose()
    second = _engine(cut_now(disk, after))
    second.start()
    for name in acknowledged:
        assert (await second.backend.wait_for_result(name)).status is RunStatus.COMPLETED
    await second.aclose()


def _engine(path: Path, *, vfs: str | None = None) -> Engine:
    loop = asyncio.get_running_loop()
    return open_engine(path, Worker({"only": done("hello")}), loop=loop, clock=VirtualClock(), vfs=vfs)


async def _starts(backend: Backend, name: WorkflowId) -> bool:
    try:
        await backend.start(starting(workflow_id=name))
    except UnavailableError:
        return False
    return True


CHECKPOINTED = Knobs(checkpoint_pages=1)


def cut_everywhere_under(
    program: Program, tmp_path: Path, after: Path, disk: LyingDisk, *, between: float
) -> Counter[str]:
    """Run a program on a lying disk, and from each power cut on what follows. Returns how many were tried."""
    expected = run(program, tmp_path, seed=0, knobs=CHECKPOINTED)
    world = begin(program, tmp_path / "a.db", seed=1, knobs=CHECKPOINTED, vfs=disk.name)
    moments: list[tuple[int, Outside]] = [(len(disk.happened), world.outside.copy())]
    while world.move():
        if len(disk.happened) > moments[-1][0]:
            moments.append((len(disk.happened), world.outside.copy()))
        else:
            moments[-1] = (moments[-1][0], world.outside.copy())
    world.close()
    seen: Counter[str] = Counter()
    for cut in cuts(disk.happened, after, dice=Random(2), between=between):
        if cut.happened < moments[0][0]:
            continue  # the file is being made, which is the store's own affair
        seen["at a sync" if cut.at_sync else "between syncs"] += 1
        # What the world knew when this move began; a cut at its end may also be one in the middle of the next.
        outside = max((one for one in moments if one[0] <= cut.happened), key=lambda one: one[0])[1].copy()
        outside.lose_engine()
        _go_on(program, outside, cut, expected)
    return seen


def _go_on(program: Program, outside: Outside, cut: Cut, expected: str) -> None:
    other = Simulation(program, outside, cut.folder / "a.db", seed=1, knobs=CHECKPOINTED)
    other.said.append(str(cut))
    other.end_as(expected, other.finish)


@pytest.mark.parametrize("program", [SIGNUP, LARGE_VALUES], ids=lambda program: program.name)
def test_engine_goes_on_after_a_power_cut(
    program: Program, tmp_path: Path, after: Path, disk: LyingDisk, tell: Callable[[str], None]
) -> None:
    seen = cut_everywhere_under(program, tmp_path, after, disk, between=0.02)
    tell(f"lying storage, {program.name}: {sum(seen.values())} crash points ({dict(sorted(seen.items()))})")
    assert seen["at a sync"] > 0


@pytest.mark.long
@pytest.mark.parametrize("program", [SIGNUP, LARGE_VALUES, RESTART, LOCKS, POLLING], ids=lambda program: program.name)
def test_engine_goes_on_after_a_power_cut_at_every_write(
    program: Program, tmp_path: Path, after: Path, disk: LyingDisk, tell: Callable[[str], None]
) -> None:
    seen = cut_everywhere_under(program, tmp_path, after, disk, between=0.5)
    tell(f"lying storage, {program.name}: {sum(seen.values())} crash points ({dict(sorted(seen.items()))})")
