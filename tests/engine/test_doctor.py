"""Each kind of damage is planted into a file, and found; and nothing is found where nothing is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from perdure.engine import doctor
from perdure.engine.doctor import examine, stuck_in
from perdure.engine.engine import EngineSettings
from perdure.engine.segments import CutPolicy
from perdure.interpreter.events import CallSucceeded, Event, Started
from perdure.interpreter.execution import Execution
from perdure.interpreter.snapshot import Phase, Snapshot
from perdure.model.attributes import DataAttribute, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.calls import Failure
from perdure.model.conditions import ChannelCondition, TimerCondition, WaitMode
from perdure.model.errors import UnavailableError
from perdure.model.ids import CallId, RunId, WorkflowId, WorkflowType
from perdure.model.options import CallOptions, StateOptions
from perdure.model.requests import ResetKind, ResetRequest, StartRequest
from perdure.model.value import EncodedValue, Message
from perdure.store.reader import Reader
from perdure.store.rows import RunKey
from perdure.testing.conformance.invoker import ScriptedInvoker, arrival
from perdure.testing.conformance.lines import complete, go_to, move, straight, wait_for
from tests.engine.stage import EngineStage

KIND = WorkflowType("T")
T = SearchAttributeType
LARGE = EncodedValue("x" * 20_000)
CARD = (
    SearchAttribute("city", T.KEYWORD, "Bern"),
    SearchAttribute("text", T.TEXT, "Some words"),
    SearchAttribute("tags", T.KEYWORD_ARRAY, ("a", "b")),
    SearchAttribute("none", T.KEYWORD_ARRAY, ()),
    SearchAttribute("since", T.DATETIME, "3d"),
    SearchAttribute("at", T.DATETIME, "2024-02-29T12:34:56.789+02:00"),
    SearchAttribute("price", T.DOUBLE, 3),
    SearchAttribute("good", T.BOOL, None),
)


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """A file in use with a run of each kind: waiting, failing, being called, locking, idle, long, reset, ended."""
    worker = ScriptedInvoker()
    locks = StateOptions(skip_wait_until=True, execute=CallOptions(data_loading=LoadingPolicy(locks=("form",))))
    worker.on_wait(
        "wait",
        wait_for(ChannelCondition("letters", at_least=2), TimerCondition(duration_ms=9_000_000), mode=WaitMode.ANY),
    )
    worker.on_execute("fail", Failure("no answer"))
    worker.on_execute("fork", go_to(move("lock", options=locks), move("lock", options=locks)))
    worker.on_execute("end", complete())
    held = [worker.hold_execute("call"), worker.hold_execute("lock")]
    settings = EngineSettings(synchronous="OFF", heartbeat_ms=None, cut=CutPolicy(events_max=20, growth=0))
    async with EngineStage(tmp_path / "a.db", worker=worker, settings=settings) as stage:
        backend = stage.backend
        for name in ("wait", "long", "reset"):
            await backend.start(StartRequest(WorkflowId(name), KIND, move("wait"), search=CARD))
        for name in ("fail", "call", "fork", "end"):
            await backend.start(StartRequest(WorkflowId(name), KIND, straight(name, value=LARGE)))
        await backend.start(StartRequest(WorkflowId("idle"), KIND))
        for number in range(50):
            await backend.set_data_attributes(WorkflowId("long"), [DataAttribute("n", EncodedValue(str(number)))])
        await backend.signal(WorkflowId("wait"), Message("other", LARGE))
        await backend.reset(ResetRequest(WorkflowId("reset"), ResetKind.BEGINNING))
        for call in held:
            await arrival(call)
        await stage.settle()
        yield stage.path


def plant(path: Path, statement: str) -> list[str]:
    """Do harm to a file, and say what is then found."""
    connection = apsw.Connection(str(path))
    connection.execute(statement)
    assert connection.changes(), "nothing was planted"
    connection.close()
    return [str(finding) for finding in examine(path)]


def key_of(workflow_id: str) -> str:
    return f"(SELECT max(key) FROM run WHERE workflow_id = '{workflow_id}')"


async def test_a_file_in_use_is_well_and_every_open_run_is_looked_at(path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert list(examine(path, tell=lambda done, total: told.append((done, total)))) == []
    assert told == [(7, 7)]


async def test_runs_are_looked_at_in_portions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PAGE", 2)
    told: list[int] = []
    assert list(examine(path, tell=lambda done, total: told.append(done))) == []
    assert told == [2, 4, 6, 7]


DAMAGE = {
    "a deadline that is not the journal's": (
        f"UPDATE run SET deadline_ms = deadline_ms + 1 WHERE key = {key_of('wait')}",
        "is looked at again at",
        doctor.REWRITE,
    ),
    "a deadline that is missing": (
        f"UPDATE run SET deadline_ms = NULL WHERE key = {key_of('fail')}",
        "is looked at again at None",
        doctor.REWRITE,
    ),
    "a call under way that a boot would not take up": (
        f"UPDATE run SET busy = 0 WHERE key = {key_of('call')}",
        "is not taken up by a start of the engine",
        doctor.REWRITE,
    ),
    "a boot that takes up what only waits": (
        f"UPDATE run SET busy = 1 WHERE key = {key_of('idle')}",
        "is taken up by a start of the engine, nothing of it",
        doctor.REWRITE,
    ),
    "an ended run that is said to be open": (
        f"UPDATE run SET closed_ms = NULL, status = 'RUNNING' WHERE key = {key_of('end')}",
        "is open, its journal has ended",
        doctor.RESTORE,
    ),
    "a run that is quarantined": (
        f"UPDATE run SET quarantine = 'it broke' WHERE key = {key_of('wait')}",
        "is quarantined, nothing happens to it any more (it broke)",
        doctor.REPORT,
    ),
    "a journal that cannot be read": (
        f"UPDATE event SET body = '{{}}' WHERE seq = 1 AND run = {key_of('wait')}",
        "cannot be folded",
        doctor.REPORT,
    ),
    "an event in the middle that is missing": (
        f"DELETE FROM event WHERE seq = 2 AND run = {key_of('long')}",
        "has 53 events from 1 to 54",
        doctor.RESTORE,
    ),
    "an event at the end that is missing": (
        f"DELETE FROM event WHERE seq = 3 AND run = {key_of('reset')}",
        "its journal ends at",
        doctor.RESTORE,
    ),
    "a segment that is not where the one before it led": (
        f"UPDATE event SET body = replace(body, '\"state_number\":1', '\"state_number\":7') WHERE run = {key_of('long')}"
        " AND kind = 'resumed'",
        "begins a segment with event",
        doctor.RESTORE,
    ),
    "a value that is missing": ("DELETE FROM value", "which is missing", doctor.RESTORE),
    "attempts of a call that is not there": (
        f"INSERT INTO call VALUES ({key_of('idle')}, 9, 1, 0, NULL, '[]', 0)",
        "has attempts of call 9",
        doctor.RESTORE,
    ),
    "rows of a run that is not there": (
        "INSERT INTO call VALUES (999, 9, 1, 0, NULL, '[]', 0)",
        "of the kind 'call' is of run 999",
        doctor.RESTORE,
    ),
    "a value on the index that is not the run's": (
        "UPDATE search_card SET terms = json_set(terms, '$.\"3\"', 'Basel') WHERE run = " + key_of("wait"),
        "a search finds run 1 by 'city'",
        doctor.RESTORE,
    ),
    "a card that is missing": (
        "DELETE FROM search_card WHERE run = " + key_of("wait"),
        "a search finds run 1 by",
        doctor.RESTORE,
    ),
    "a term that is missing": (
        f"DELETE FROM search_term WHERE attribute = 3 AND run = {key_of('wait')}",
        "a search by 'city' does not find run",
        doctor.REINDEX,
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found_and_told_with_its_remedy(path: Path, damage: str) -> None:
    statement, words, remedy = DAMAGE[damage]
    found = plant(path, statement)
    assert any(words in finding and finding.endswith(remedy) for finding in found), found


async def test_a_value_that_is_on_the_index_alone_is_found(path: Path) -> None:
    found = plant(
        path,
        "UPDATE search_card SET terms = json_set(terms, '$.\"3\"', 'Basel') WHERE run = 1;"
        "UPDATE search_term SET term = 'Basel' WHERE attribute = 3 AND run = 1",
    )
    [problem] = found
    assert "is on the index with 'city' = 'Basel', its journal says 'Bern'" in problem
    assert problem.endswith(doctor.REINDEX)


async def test_damage_of_one_run_hides_nothing_of_another(path: Path) -> None:
    found = plant(path, "UPDATE run SET deadline_ms = 7 WHERE deadline_ms IS NOT NULL AND closed_ms IS NULL")
    assert len(found) == 4


async def test_damaged_pages_are_told_and_no_run_is_looked_at(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "b.db"
    apsw.Connection(str(path)).execute("VACUUM INTO ?", (str(copy),))
    whole = copy.read_bytes()
    middle = len(whole) // 2 // 4096 * 4096
    copy.write_bytes(whole[:middle] + b"\xff" * 4096 + whole[middle + 4096 :])
    found = list(examine(copy))
    assert found
    assert {finding.remedy for finding in found} == {doctor.RESTORE}


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="found no file"):
        list(examine(tmp_path / "none.db"))
    apsw.Connection(str(tmp_path / "other.db")).execute("CREATE TABLE t (a)")
    with pytest.raises(UnavailableError, match="belongs to another program"):
        list(examine(tmp_path / "other.db"))
    (tmp_path / "empty.db").touch()
    with pytest.raises(UnavailableError, match="has version 0, expected"):
        list(examine(tmp_path / "empty.db"))


def _snapshot(*answers: Event) -> Snapshot:
    execution = Execution()
    request = StartRequest(WorkflowId("ada"), KIND, move("wait"))
    for event in (Started(request, RunId("r"), RunId("r")), *answers):
        execution.handle(event, 0)
    return execution.snapshot()


CALLED = _snapshot()
WAITING = _snapshot(CallSucceeded(CallId(1), wait_for(ChannelCondition("letters"))))


def _with_state(snapshot: Snapshot, **changes: Any) -> Snapshot:
    return replace(snapshot, states=(replace(snapshot.states[0], **changes),))


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (CALLED, []),
        (WAITING, []),
        (replace(CALLED, holding=True), ["a reset has not handed over what came later, and holds back every call"]),
        (
            replace(WAITING, queued=(move("x"),)),
            ["1 states are to be started, and no moment will come for it"],
        ),
        (
            replace(WAITING, states=(), completing=True),
            ["it is to complete once every state has ended, and every state has"],
        ),
        (replace(CALLED, calls=()), ["wait-1 is being called, and no call of it is under way"]),
        (_with_state(WAITING, wait=None), ["wait-1 waits, and nobody knows for what"]),
        (
            _with_state(WAITING, wait=replace(WAITING.states[0].wait, met=(True,)) if WAITING.states[0].wait else None),
            ["wait-1 has what it waits for, and does not go on"],
        ),
        (_with_state(WAITING, wait=None, phase=Phase.LOCKING), ["wait-1 waits for a lock that nobody holds"]),
        (_with_state(WAITING, wait=None, phase=Phase.HELD), ["wait-1 is held back by a reset that is over"]),
    ],
)
def test_a_run_that_nothing_will_go_on_with_is_found(snapshot: Snapshot, words: list[str]) -> None:
    assert list(stuck_in(snapshot)) == words


async def test_a_run_that_goes_on_meanwhile_is_looked_at_again(path: Path) -> None:
    reader = Reader.open(path)
    [key] = reader.open_runs(after=RunKey(0), limit=1)
    seen = doctor.look(reader, [key])[key]
    assert doctor.examine_run(reader, key, seen) == []
    torn = replace(seen, stored=replace(seen.stored, row=seen.row._replace(deadline_ms=1, events=1)))
    assert doctor.examine_run(reader, key, torn) == []
    reader.close()
