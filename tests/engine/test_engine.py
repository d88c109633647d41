"""The whole engine as its users have it: real time, threads of its own, callers from everywhere."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.engine import open_engine
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import InvalidRequest, UnavailableError, WorkflowNotFound
from perdure.model.ids import StateId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.requests import StateWait
from perdure.store.store import Store
from tests.engine.script import ADA, Request, Worker, done, go_to, starting, straight
from tests.engine.stage import SETTINGS, EngineStage


async def test_engine_on_its_own_thread_serves_callers_of_another_loop(tmp_path: Path) -> None:
    engine = open_engine(
        tmp_path / "engine.db", Worker({"first": go_to("second", options=straight()), "second": done()})
    )
    engine.start()
    try:
        names = [WorkflowId(f"w{n}") for n in range(50)]
        await asyncio.gather(*(engine.backend.start(starting("first", workflow_id=name)) for name in names))
        ended = await asyncio.gather(*(engine.backend.wait_for_result(name) for name in names))
        assert {info.status for info in ended} == {RunStatus.COMPLETED}
    finally:
        await asyncio.to_thread(engine.close)


def test_callers_of_many_threads_and_loops_are_served(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "engine.db", Worker({"only": done()}))
    engine.start()

    async def run(name: str) -> RunStatus:
        await engine.backend.start(starting(workflow_id=WorkflowId(name)))
        return (await engine.backend.wait_for_result(WorkflowId(name))).status

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda n: asyncio.run(run(f"w{n}")), range(40)))
    assert set(ended) == {RunStatus.COMPLETED}
    engine.close()
    engine.close()


def test_worker_may_answer_from_any_thread(tmp_path: Path) -> None:
    class Threaded(Worker):
        def invoke(self, request: Request, **rest: object) -> None:
            report = rest["report"]
            assert callable(report)
            threading.Thread(target=report, args=(done(),)).start()

    engine = open_engine(tmp_path / "engine.db", Threaded())
    engine.start()

    async def run() -> RunStatus:
        await engine.backend.start(starting())
        return (await engine.backend.wait_for_result(ADA)).status

    assert asyncio.run(run()) is RunStatus.COMPLETED
    engine.close()


def test_file_has_one_engine_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    first = open_engine(path, Worker())
    with pytest.raises(UnavailableError, match=str(os.getpid())):
        open_engine(path, Worker())
    first.close()
    open_engine(path, Worker()).close()


def test_copy_works_only_once_somebody_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "engine.db")
    store.backup(tmp_path / "copy.db")
    store.close()
    with pytest.raises(UnavailableError, match="copy"):
        open_engine(tmp_path / "copy.db", Worker())
    copy = Store.open(tmp_path / "copy.db")
    copy.resume()
    copy.close()
    open_engine(tmp_path / "copy.db", Worker()).close()


def test_file_that_is_no_database_is_refused_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    path.write_text("these are not the rows you are looking for " * 100)
    with pytest.raises(UnavailableError):
        open_engine(path, Worker())
    path.unlink()
    open_engine(path, Worker()).close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # that is what is tested
def test_engine_is_not_used_after_a_fork(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "engine.db", Worker())

    async def describe() -> None:
        await engine.backend.describe(ADA)

    child = os.fork()
    if not child:
        try:
            asyncio.run(describe())
        except UnavailableError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    engine.close()


def test_thread_that_has_no_loop_waits_itself(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "engine.db", Worker({"only": done()}))
    engine.start()
    with pytest.raises(StopIteration):
        engine.backend.start(starting()).send(None)
    with pytest.raises(StopIteration) as ended:
        engine.backend.wait_for_result(ADA).send(None)
    assert ended.value.value.status is RunStatus.COMPLETED
    with pytest.raises(WorkflowNotFound):
        engine.backend.describe(WorkflowId("nobody")).send(None)
    engine.close()


def test_thread_that_waits_is_told_when_the_engine_ends(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "engine.db", Worker())
    engine.start()
    never = StateWait(ADA, state_id=StateId("never"), key="never")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: engine.backend.wait_for_state(never).send(None))
        while not engine.callers_waiting:
            assert not waiting.done()
        engine.kill()
        with pytest.raises(UnavailableError, match="closed before the question was answered"):
            waiting.result(60)


async def test_registered_search_attributes_are_the_only_ones(tmp_path: Path) -> None:
    registered = {"Age": SearchAttributeType.INT}
    settings = replace(SETTINGS, search_attributes=registered)
    async with EngineStage(tmp_path / "a.db", worker=Worker(), settings=settings) as stage:
        await stage.backend.start(starting(None))
        with pytest.raises(InvalidRequest, match="City is not registered, expected one of: Age"):
            await stage.backend.set_search_attributes(
                ADA, [SearchAttribute("City", SearchAttributeType.KEYWORD, "Ulm")]
            )
        with pytest.raises(InvalidRequest, match="Age of type Int: it was given as Keyword"):
            await stage.backend.set_search_attributes(ADA, [SearchAttribute("Age", SearchAttributeType.KEYWORD, "7")])
        await stage.backend.set_search_attributes(ADA, [SearchAttribute("Age", SearchAttributeType.INT, 7)])


async def test_a_registration_that_the_file_contradicts_is_refused(tmp_path: Path) -> None:
    async with EngineStage(tmp_path / "a.db", worker=Worker()) as stage:
        await stage.backend.start(starting(None))
        await stage.backend.set_search_attributes(ADA, [SearchAttribute("Age", SearchAttributeType.INT, 7)])
    settings = replace(SETTINGS, search_attributes={"Age": SearchAttributeType.DOUBLE})
    with pytest.raises(InvalidRequest, match="Age is registered as DOUBLE, and the file has it as INT"):
        EngineStage(tmp_path / "a.db", worker=Worker(), settings=settings)
    EngineStage(tmp_path / "a.db", worker=Worker()).engine.abandon()
