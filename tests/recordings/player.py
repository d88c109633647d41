"""Plays a scenario in this process: the real engine, store and endpoints, and time as fast as it goes.

Between two steps of the client a few milliseconds pass, as they do on a network; what a step waits
for takes as long as it would. Nothing here sleeps.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

from perdure.engine.engine import Engine, EngineSettings, open_engine
from perdure.engine.writer import InlineWriter
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.ids import WorkflowId, WorkflowType
from perdure.model.outcome import StopKind
from perdure.model.requests import StartRequest
from perdure.server.endpoints import Settings, answer
from perdure.testing.clock import VirtualClock
from perdure.wire.paths import API, Call
from tests.recordings.names import Names
from tests.recordings.scenario import Json, Scenario
from tests.recordings.script import ScriptedWorker

STEP_MS = 1
"""Between two steps of a client, which is less than a worker takes to answer."""
REST_TURNS = 5
"""Turns of the loop without anything to do for the engine, in which its callers take their answers."""
POLL_MS = 100
AWAIT_MS = 20_000
CALL_MS = 90_000

START = {"workflowId": "$id", "iwfWorkflowType": "$type", "workflowTimeoutSeconds": 60, "iwfWorkerUrl": "$worker"}
REGISTERED = {
    "CustomKeywordField": SearchAttributeType.KEYWORD,
    "CustomTextField": SearchAttributeType.TEXT,
    "CustomStringField": SearchAttributeType.TEXT,
    "CustomIntField": SearchAttributeType.INT,
    "CustomDoubleField": SearchAttributeType.DOUBLE,
    "CustomBoolField": SearchAttributeType.BOOL,
    "CustomDatetimeField": SearchAttributeType.DATETIME,
    "CustomKeywordArrayField": SearchAttributeType.KEYWORD_ARRAY,
}
"""The search attributes that the reference was told of beforehand."""


async def play(scenario: Scenario, path: Path) -> Json:
    """Play *scenario* on a new file at *path* and return its transcript."""
    clock = VirtualClock()
    names = Names(scenario.name, now_ms=clock.now_ms)
    worker = ScriptedWorker(scenario, names, clock)
    engine = open_engine(
        path,
        worker,
        settings=EngineSettings(synchronous="OFF", heartbeat_ms=None),
        loop=asyncio.get_running_loop(),
        clock=clock,
        make_writer=InlineWriter,
    )
    engine.start()
    try:
        player = _Player(scenario, engine, clock, names, worker)
        return await player.play()
    finally:
        await engine.aclose()


class _Player:
    def __init__(
        self, scenario: Scenario, engine: Engine, clock: VirtualClock, names: Names, worker: ScriptedWorker
    ) -> None:
        self._scenario = scenario
        self._engine = engine
        self._clock = clock
        self._names = names
        self._worker = worker
        self._settings = Settings(now_ms=clock.now_ms)
        self._records: list[Json] = []
        self._beside = 0
        """Reads of the file in threads beside the engine, which no clock of the test moves."""

    async def play(self) -> Json:
        await self._register()
        for step in self._scenario.steps:
            await self._pass(STEP_MS)
            await self._play_step(step)
        await self._pass(self._scenario.settle_seconds * 1000)
        transcript = {"client": self._records, "worker": dict(sorted(self._worker.calls.items()))}
        return self._names.normal(transcript, without=self._scenario.ignored)

    async def _register(self) -> None:
        """Use each attribute once, so that its type is known, as it is in the reference."""
        first = WorkflowId("registers the search attributes")
        attributes = tuple(SearchAttribute(key, kind) for key, kind in REGISTERED.items())
        await self._until_done(
            self._engine.backend.start(StartRequest(first, WorkflowType("registrar"), search=attributes))
        )
        await self._until_done(self._engine.backend.stop(first, StopKind.TERMINATE))

    async def _play_step(self, step: dict[str, Json]) -> None:
        match step:
            case {"sleep": seconds}:
                await self._pass(seconds * 1000)
            case {"await": call}:
                await self._await(call, times=step.get("times", 1))
            case {"together": steps}:
                records = await self._until_done(*(self._call(one) for one in steps))
                self._records.append(sorted(records, key=json.dumps) if step.get("any_order") else records)
            case {"poll": call}:
                self._records.append(await self._poll(call, step))
            case _:
                self._records += await self._until_done(self._call(step))

    async def _call(self, step: dict[str, Json]) -> dict[str, Json]:
        """Make one call of the client and return its record."""
        if "start" in step:
            step = step | {"call": "start", "body": START | step["start"]}
        call = step["call"]
        method, path = ("GET", call[4:]) if call.startswith("GET ") else ("POST", call)
        text = (
            self._names.filled(step["raw"]) if "raw" in step else json.dumps(self._names.filled(step.get("body", {})))
        )
        began_ms = self._clock.monotonic_ms()
        self._beside += call == Call.DUMP
        reply = await answer(
            self._engine.backend, method, path if path.startswith("/") else API + path, text.encode(), self._settings
        )
        self._beside -= call == Call.DUMP
        body = _parsed(reply.body)
        if isinstance(body, dict) and body.get("workflowRunId"):
            self._names.see_run(body["workflowRunId"])
        for name, field in step.get("save", {}).items():
            self._names.save(name, body[field])
        record = {"call": call, "status": reply.status, "body": body}
        if step.get("seconds"):
            record["seconds"] = round((self._clock.monotonic_ms() - began_ms) / 1000)
        return record

    async def _poll(self, call: str, step: dict[str, Json]) -> Json:
        """Repeat a call until it answers what is wanted, or long enough; keep the last answer."""
        until_ms = self._clock.monotonic_ms() + step.get("within", 10) * 1000
        while True:
            (record,) = await self._until_done(self._call({"call": call, "body": step.get("body", {})}))
            wanted = self._names.filled(step["until"])
            if _contains(record["body"], wanted) or self._clock.monotonic_ms() > until_ms:
                return record
            await self._pass(POLL_MS)

    async def _await(self, call: str, *, times: int) -> None:
        """Let time pass until the worker was called that often."""
        if not await self._until(lambda: self._worker.count(call) >= times, within_ms=AWAIT_MS):
            self._records.append({"never happened": call, "times": times, "seen": self._worker.count(call)})

    # Time

    async def _until_done(self, *works: Coroutine[None, None, Json]) -> list[Json]:
        """Begin all of *works* at this moment, and return their results in their order."""
        tasks = [asyncio.ensure_future(work) for work in works]
        if not await self._until(lambda: all(task.done() for task in tasks), within_ms=CALL_MS):
            raise AssertionError(f"no answer within {CALL_MS} ms")
        return [task.result() for task in tasks]

    async def _pass(self, duration_ms: float) -> None:
        await self._until(lambda: False, within_ms=int(duration_ms))

    async def _until(self, happened: Callable[[], bool], *, within_ms: int) -> bool:
        """Let time pass until something has happened, or so long; say whether it has."""
        end_ms = self._clock.monotonic_ms() + within_ms
        while True:
            await self._settle(happened)
            if happened():
                return True
            next_ms = self._clock.next_ms()
            if next_ms is None or next_ms > end_ms:
                self._clock.settle_at(end_ms)
                return False
            self._clock.step()

    async def _settle(self, happened: Callable[[], bool]) -> None:
        """Let everything happen that needs no time: callers go on, the engine comes to rest."""
        at_rest = 0
        while at_rest < REST_TURNS and not happened():
            await asyncio.sleep(0)
            at_rest = at_rest + 1 if self._engine.idle and not self._beside else 0


def _parsed(body: bytes) -> Json:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return {"$text": body.decode()}


def _contains(whole: Json, part: Json) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], part[key]) for key in part)
    return bool(whole == part)
