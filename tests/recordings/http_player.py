"""Plays scenarios over real HTTP, against a server in another process, with real time, many at once."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import aiohttp
from aiohttp import web

from perdure.engine.clock import SystemClock
from perdure.wire.paths import API, WORKER_EXECUTE, WORKER_RPC, WORKER_WAIT_UNTIL
from tests.recordings.names import TAG, Names
from tests.recordings.player import AWAIT_MS, CALL_MS, POLL_MS, REGISTERED, START
from tests.recordings.scenario import Json, Scenario

AT_ONCE = 32
ANSWER_SECONDS = 0.05
"""What a worker takes for an answer without a delay: more than a client, on a busy machine, from one call to the next.

The reference's own workers took longer than that, and some scenarios rely on it.
"""

SLOW = ("state-signal-system-name", "state-movement-without-state")
"""Those that wait for a timeout of a minute begin first, and the others pass meanwhile."""

FIRST = frozenset({"api-search-bad"})
"""Those that need a server on which nobody else has done anything: here, used an attribute that is unknown."""

_METHODS = {WORKER_WAIT_UNTIL: "waitUntil", WORKER_EXECUTE: "execute", WORKER_RPC: "rpc"}


async def play_all(scenarios: Iterable[Scenario], server: str) -> dict[str, Json]:
    """Play *scenarios* against *server* and return their transcripts; one that fails has its error there.

    One that does not come out as recorded is played once more, with nothing beside it: many lean on
    who is faster, and on a machine that is busy with all of them a client may be late.
    """
    async with _Worker() as worker, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(CALL_MS / 1000)) as session:
        stage = _Stage(worker, session, server)
        await _register(session, server, worker.url)
        chosen = sorted(scenarios, key=lambda scenario: (scenario.name not in SLOW, scenario.name))
        transcripts = {each.name: await stage.play(each) for each in chosen if each.name in FIRST}
        others = [each for each in chosen if each.name not in FIRST]
        played = await asyncio.gather(*(stage.play(each) for each in others))
        transcripts |= {each.name: transcript for each, transcript in zip(others, played, strict=True)}
        for each in others:
            if transcripts[each.name] != each.wanted():
                transcripts[each.name] = await stage.play(each, tag="again")
        return transcripts


class _Stage:
    """What scenarios are played with, so many of them at once."""

    def __init__(self, worker: _Worker, session: aiohttp.ClientSession, server: str) -> None:
        self._worker = worker
        self._session = session
        self._server = server
        self._places = asyncio.Semaphore(AT_ONCE)

    async def play(self, scenario: Scenario, *, tag: str = TAG) -> Json:
        names = Names(scenario.name, now_ms=_now_ms, worker=self._worker.url, tag=tag)
        async with self._places:
            run = self._worker.runs[f"{scenario.name}.{tag}"] = _Run(scenario, names, self._session, self._server)
            try:
                return await run.play()
            except Exception as error:  # noqa: BLE001 - the others are played, this one's test fails with it
                return f"{type(error).__name__}: {error}"


async def _register(session: aiohttp.ClientSession, server: str, worker: str) -> None:
    """Use each search attribute once, so that its type is known, as it is in the reference."""
    attributes = [{"key": key, "valueType": kind.value} for key, kind in REGISTERED.items()]
    start = {
        "workflowId": "registrar",
        "iwfWorkflowType": "registrar",
        "iwfWorkerUrl": worker,
        "workflowTimeoutSeconds": 60,
        "workflowStartOptions": {"searchAttributes": attributes},
    }
    for call, body in (("start", start), ("stop", {"workflowId": "registrar", "stopType": "TERMINATE"})):
        async with session.post(f"{server}{API}{call}", json=body) as reply:
            assert reply.status == 200, await reply.text()


class _Worker:
    """Serves the scripted answers of all scenarios under way; the workflow's type says whose."""

    def __init__(self) -> None:
        self.runs: dict[str, _Run] = {}

    async def __aenter__(self) -> _Worker:
        application = web.Application(client_max_size=1 << 24)
        application.router.add_post("/{anything:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=512)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        answer = self.runs[body["workflowType"]].answer(_METHODS[request.path], body)
        await asyncio.sleep(answer.get("delay", 0) + ANSWER_SECONDS)
        if "text" in answer:
            return web.Response(text=answer["text"], status=answer.get("status", 200))
        return web.json_response(answer.get("body", {}), status=answer.get("status", 200))


class _Run:
    """One scenario against one server."""

    def __init__(self, scenario: Scenario, names: Names, session: aiohttp.ClientSession, server: str) -> None:
        self._scenario = scenario
        self._session = session
        self._server = server
        self._names = names
        self._answered: Counter[str] = Counter()
        self._calls: dict[str, list[Json]] = defaultdict(list)
        self._records: list[Json] = []
        self._called = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def play(self) -> Json:
        for step in self._scenario.steps:
            await self._play_step(step)
        await asyncio.sleep(self._scenario.settle_seconds)
        transcript = {"client": self._records, "worker": dict(sorted(self._calls.items()))}
        return self._names.normal(transcript, without=self._scenario.ignored)

    def answer(self, method: str, body: dict[str, Json]) -> dict[str, Json]:
        """Return what the worker answers to a call, and note the call."""
        context = body["context"]
        call = f"{method} {body['rpcName'] if method == 'rpc' else body['workflowStateId']}"
        place = call if method == "rpc" else f"{method} {context['stateExecutionId']}"
        other = context["workflowId"].removeprefix(self._names.workflow_id)
        self._calls[place + (f" of $id{other}" if other else "")].append(body)
        script = self._scenario.answers(call)
        number = self._answered[call]
        self._answered[call] += 1
        task = asyncio.create_task(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        answer: dict[str, Json] = self._names.filled(script[min(number, len(script) - 1)])
        return answer

    async def _tell(self) -> None:
        async with self._called:
            self._called.notify_all()

    async def _play_step(self, step: dict[str, Json]) -> None:
        match step:
            case {"sleep": seconds}:
                await asyncio.sleep(seconds)
            case {"await": call}:
                await self._await(call, times=step.get("times", 1))
            case {"together": steps}:
                records = await asyncio.gather(*(self._call(one) for one in steps))
                self._records.append(sorted(records, key=json.dumps) if step.get("any_order") else list(records))
            case {"poll": call}:
                self._records.append(await self._poll(call, step))
            case _:
                self._records.append(await self._call(step))

    async def _call(self, step: dict[str, Json]) -> dict[str, Json]:
        if "start" in step:
            step = step | {"call": "start", "body": START | step["start"]}
        call = step["call"]
        method, path = ("GET", call[4:]) if call.startswith("GET ") else ("POST", call)
        url = self._server + (path if path.startswith("/") else API + path)
        text = (
            self._names.filled(step["raw"]) if "raw" in step else json.dumps(self._names.filled(step.get("body", {})))
        )
        began = time.monotonic()
        async with self._session.request(
            method, url, data=text.encode(), headers={"content-type": "application/json"}, allow_redirects=False
        ) as reply:
            status, body = reply.status, _parsed(await reply.read())
        if isinstance(body, dict) and body.get("workflowRunId"):
            self._names.see_run(body["workflowRunId"])
        for name, field in step.get("save", {}).items():
            self._names.save(name, body[field])
        record = {"call": call, "status": status, "body": body}
        if step.get("seconds"):
            record["seconds"] = round(time.monotonic() - began)
        return record

    async def _poll(self, call: str, step: dict[str, Json]) -> Json:
        until = time.monotonic() + step.get("within", 10)
        while True:
            record = await self._call({"call": call, "body": step.get("body", {})})
            if _contains(record["body"], self._names.filled(step["until"])) or time.monotonic() > until:
                return record
            await asyncio.sleep(POLL_MS / 1000)

    async def _await(self, call: str, *, times: int) -> None:
        if not await self._until(lambda: self._count(call) >= times):
            self._records.append({"never happened": call, "times": times, "seen": self._count(call)})

    async def _until(self, happened: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(AWAIT_MS / 1000), self._called:
                await self._called.wait_for(happened)
        except TimeoutError:
            return False
        return True

    def _count(self, call: str) -> int:
        places = ((place.split(" of ")[0], len(bodies)) for place, bodies in self._calls.items())
        return sum(arrived for place, arrived in places if call in (place, re.sub(r"-\d+$", "", place)))


def _now_ms() -> int:
    return SystemClock(asyncio.get_running_loop()).now_ms()


def _parsed(body: bytes) -> Json:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return {"$text": body.decode()}


def _contains(whole: Json, part: Json) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _contains(whole[key], part[key]) for key in part)
    return bool(whole == part)
