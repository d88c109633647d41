"""What was erased is nowhere: not in memory, not in the file, not in its log. The contract is in the conformance suite."""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from perdure.engine.doctor import examine
from perdure.engine.engine import EngineSettings
from perdure.engine.writer import InlineWriter, ThreadWriter
from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.calls import Failure, StateRequest, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind
from perdure.model.errors import InvalidRequest
from perdure.model.ids import StateId, WorkflowId, WorkflowType
from perdure.model.options import CallOptions, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import StopKind
from perdure.model.requests import StartRequest
from perdure.model.value import ERASED, EncodedValue, Message
from perdure.store.backup import write_backup
from perdure.store.reader import Reader
from perdure.testing.conformance.invoker import Request, ScriptedInvoker
from perdure.testing.conformance.lines import complete, go_to, move, straight, wait_for
from tests.engine.stage import EngineStage

KIND = WorkflowType("T")
T = SearchAttributeType
SETTINGS = EngineSettings(synchronous="OFF", heartbeat_ms=None, hang_grace_ms=0)


def mark(name: str) -> str:
    """What a person has told everywhere: short enough for every place, long enough to be found."""
    return f"private-of-{name}-"


def talkative(*, large: int = 20_000) -> ScriptedInvoker:
    """A worker that says the secret in values of every size, on the index, and in its errors."""
    worker = ScriptedInvoker()

    def said(request: Request, size: int) -> EncodedValue:
        return EncodedValue(mark(request.run.workflow_id) * (1 + size // 20), "json")

    def tell(request: Request) -> object:
        assert isinstance(request, StateRequest)
        secret = mark(request.run.workflow_id)
        sizes = [0, 100, 1_000, 6_000, large]
        return go_to(
            move("fail", value=said(request, 500), options=TWICE),
            writes=Writes(
                tuple(DataAttribute(f"a{size}", said(request, size)) for size in sizes),
                (
                    SearchAttribute("keyword", T.KEYWORD, secret),
                    SearchAttribute("text", T.TEXT, f"{secret}1 {secret}2"),
                    SearchAttribute("list", T.KEYWORD_ARRAY, (f"{secret}a", f"{secret}b")),
                ),
                (Message("own", said(request, 50)),),
            ),
        )

    worker.on_wait("tell", wait_for(ChannelCondition("letters", ChannelKind.SIGNAL)))
    worker.on_execute("tell", tell)  # type: ignore[arg-type]  # it answers with what `go_to` gives
    worker.on_execute(
        "fail", lambda request: Failure(mark(request.run.workflow_id), detail=mark(request.run.workflow_id))
    )
    worker.on_execute("end", lambda request: complete(said(request, 300)))
    return worker


TWICE = StateOptions(
    skip_wait_until=True,
    execute=CallOptions(retry=RetryPolicy(maximum_attempts=2, initial_interval_ms=1_000)),
    recover_state_id=StateId("end"),
    recover_options=straight("end").options,
)


async def told(stage: EngineStage[ScriptedInvoker], *names: str) -> None:
    """Let the run of each name end, after it has told everything."""
    options = StartOptions(wait_for_states=frozenset({StateId("end")}))
    for name in names:
        secret = EncodedValue(mark(name), "json")
        first = move("tell", value=secret)
        await stage.backend.start(StartRequest(WorkflowId(name), KIND, first, options, (DataAttribute("s", secret),)))
    for name in names:
        for number in range(40):
            value = EncodedValue(f"{mark(name)}{number}", "json")
            await stage.backend.set_data_attributes(WorkflowId(name), [DataAttribute("n", value)])
        await stage.backend.signal(WorkflowId(name), Message("letters", EncodedValue(mark(name))))
    await stage.pass_time(5_000)
    for name in names:
        await stage.backend.wait_for_result(WorkflowId(name), wait_ms=0)


def names_in(path: Path) -> set[str]:
    """Whose secrets stand in the bytes of a file, its log, and what else is beside it."""
    # A long value that lies across two pages is torn there; it has the mark in it many times more.
    bytes_ = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))
    return {name.decode() for name in re.findall(rb"private-of-([a-z0-9]+)-", bytes_)}


@pytest.mark.parametrize("threaded", [False, True])
async def test_bytes_of_an_erased_run_are_gone_from_the_file_and_its_log(tmp_path: Path, threaded: bool) -> None:
    path = tmp_path / "a.db"
    make_writer = ThreadWriter if threaded else InlineWriter
    async with EngineStage(path, worker=talkative(), settings=SETTINGS, make_writer=make_writer) as stage:
        await told(stage, "ada", "eve")
        assert names_in(path) == {"ada", "eve"}
        await stage.backend.erase(WorkflowId("ada"))
        assert names_in(path) == {"eve"}
        assert list(examine(path)) == []
    assert names_in(path) == {"eve"}


async def test_a_copy_has_no_remnant_of_those_who_were_erased_among_many(tmp_path: Path) -> None:
    """In the file itself one may stand, where SQLite has moved rows between pages."""
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    dice = random.Random(7)
    names = [f"p{number}" for number in range(60)]
    async with EngineStage(path, worker=talkative(), settings=SETTINGS) as stage:
        for start in range(0, 60, 20):
            await told(stage, *names[start : start + 20])
        erased = dice.sample(names, 30)
        for name in erased:
            await stage.backend.erase(WorkflowId(name))
        write_backup(path, copy)
        assert list(examine(path)) == []
    assert names_in(copy) == set(names) - set(erased)


async def test_what_is_in_memory_of_an_erased_run_is_thrown_away(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=talkative(), settings=SETTINGS) as stage:
        await told(stage, "ada")
        assert stage.engine.hot_runs == 1
        await stage.backend.erase(WorkflowId("ada"))
        assert stage.engine.hot_runs == 0
        values = {attribute.value for attribute in await stage.backend.get_data_attributes(WorkflowId("ada"))}
        assert values == {ERASED}


async def test_run_that_ends_at_this_moment_is_erased_once_that_is_durable(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=talkative(), settings=SETTINGS, make_writer=ThreadWriter) as stage:
        backend, ada = stage.backend, WorkflowId("ada")
        await backend.start(StartRequest(ada, KIND, data=(DataAttribute("s", EncodedValue(mark("ada"))),)))
        await asyncio.gather(backend.stop(ada, StopKind.CANCEL, reason=mark("ada")), backend.erase(ada))
        assert [entry.kind for entry in await backend.history(ada)] == ["started", "stopped", "erased"]
        assert names_in(stage.path) == set()


async def test_while_somebody_reads_the_log_keeps_the_bytes_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with EngineStage(path, worker=talkative(), settings=SETTINGS) as stage:
        await told(stage, "ada")
        backup = apsw.Connection(str(path))
        backup.execute("BEGIN; SELECT count(*) FROM event").fetchall()
        await stage.backend.erase(WorkflowId("ada"))
        assert names_in(path) == {"ada"}
        backup.execute("COMMIT")
        await stage.backend.start(StartRequest(WorkflowId("other"), KIND))
        await stage.settle()
        assert names_in(path) == set()
        backup.close()


async def test_a_restart_forgets_what_the_engine_before_it_could_not(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with EngineStage(path, worker=talkative(), settings=SETTINGS) as stage:
        await told(stage, "ada")
        backup = apsw.Connection(str(path))
        backup.execute("BEGIN; SELECT count(*) FROM event").fetchall()
        await stage.backend.erase(WorkflowId("ada"))
        await stage.crash()
        backup.close()
        await stage.backend.start(StartRequest(WorkflowId("other"), KIND))
        await stage.settle()
        assert names_in(path) == set()


async def test_a_copy_made_after_it_has_nothing_of_it(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=talkative(), settings=SETTINGS) as stage:
        await told(stage, "ada", "eve")
        await stage.backend.erase(WorkflowId("ada"))
        write_backup(tmp_path / "a.db", tmp_path / "b.db")
    assert names_in(tmp_path / "b.db") == {"eve"}


async def test_quarantined_run_that_was_terminated_is_erased_wholly(tmp_path: Path) -> None:
    path, ada = tmp_path / "a.db", WorkflowId("ada")
    async with EngineStage(
        path, worker=talkative(), settings=EngineSettings(synchronous="OFF", heartbeat_ms=None, resting_max=0)
    ) as stage:
        await stage.backend.start(StartRequest(ada, KIND, data=(DataAttribute("s", EncodedValue(mark("ada"))),)))
        await stage.backend.set_data_attributes(ada, [DataAttribute("s", EncodedValue(mark("ada")))])
        await stage.settle()
        apsw.Connection(str(path)).execute(
            "UPDATE event SET kind = 'of tomorrow' WHERE seq = 2; UPDATE run SET quarantine = ?", (mark("ada"),)
        )
        with pytest.raises(
            InvalidRequest, match=r"is open, expected all runs to have ended: cancel\(\) or terminate\(\)"
        ):
            await stage.backend.erase(ada)
        await stage.backend.stop(ada, StopKind.TERMINATE)
        await stage.backend.erase(ada)
        assert [entry.kind for entry in await stage.backend.history(ada)] == ["started", "of tomorrow", "erased"]
    assert names_in(path) == set()


async def test_an_erased_run_leaves_no_rows_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with EngineStage(path, worker=talkative(), settings=SETTINGS) as stage:
        await told(stage, "ada")
        await stage.backend.erase(WorkflowId("ada"))
        connection = apsw.Connection(str(path))
        for table in ("search_card", "search_term", "call", "value", "value_use"):
            assert connection.execute(f"SELECT count(*) FROM {table}").get == 0, table
        connection.close()
        reader = Reader.open(path)
        assert reader.last_key() == 1
        reader.close()


async def test_a_run_that_cannot_be_read_any_more_is_erased_with_the_others_of_its_id(tmp_path: Path) -> None:
    path, ada = tmp_path / "a.db", WorkflowId("ada")
    async with EngineStage(path, worker=talkative(), settings=replace(SETTINGS, resting_max=0)) as stage:
        for _ in range(2):
            await told(stage, "ada")
        connection = apsw.Connection(str(path))
        connection.execute("UPDATE event SET payload = 'json x' || payload WHERE run = 2 AND seq IN (1, 3)")
        connection.close()
        await stage.backend.erase(ada)
        assert [[*stage.engine.store.journal(row.key)][-1].event.kind for row in stage.engine.store.runs_of(ada)] == [
            "erased",
            "erased",
        ]
        assert list(examine(path)) == []
    assert names_in(path) == set()
