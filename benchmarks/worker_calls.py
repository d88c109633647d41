"""What a call costs the process that makes it: CPU time, which other load on the machine touches less than the clock.

python -m benchmarks.worker_calls [--calls 3000] [--rounds 5]

A worker that does nothing answers in a process of its own. Each way to call it does the whole work: the
model to JSON, the POST, and the answer back to the model.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import aiohttp
import h11
import uvicorn
import uvloop

from perdure.client.http import HttpBackend
from perdure.model.attributes import DataAttribute
from perdure.model.calls import (
    Answer,
    ExecuteAnswer,
    Failure,
    LoadedAttributes,
    RunContext,
    StateCall,
    StateMethod,
    StateRequest,
)
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue
from perdure.wire import document
from perdure.wire.paths import worker_path
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.wire.worker_request import encode_worker_request
from perdure.worker.http import HttpInvoker
from perdure.worker.process import listen, options
from perdure.worker.signature import Signer

WORKER = b'{"stateDecision": {"nextStates": [{"stateId": "_SYS_GRACEFUL_COMPLETING_WORKFLOW"}]}}'
SERVER = b'{"workflowRunId": "r", "workflowStatus": "RUNNING"}'
SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
PRIVATE = "whsk_" + b64encode(bytes(range(32))).decode()

Call = Callable[[], Awaitable[object]]


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """Answer every call of a worker, and every question of a client."""
    while (await receive()).get("more_body"):
        pass
    body = SERVER if scope["path"].endswith("/get") else WORKER
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve() -> None:
    listening = listen("127.0.0.1", 0)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(nothing, **options(grace_seconds=1))).run(sockets=[listening])


def request_to(url: str) -> StateRequest:
    run = RunContext(WorkflowId("ada"), WorkflowType("Signup"), RunId("r"), RunId("r"), 1_000, url)
    loaded = LoadedAttributes(data=tuple(DataAttribute(f"field{n}", EncodedValue('"word"', "json")) for n in range(5)))
    call = StateCall(
        StateMethod.EXECUTE, StateExecutionId("verify-1"), StateId("verify"), EncodedValue('"x"', "json"), loaded
    )
    return StateRequest(run, call, attempt=1, first_attempt_ms=1_000)


@asynccontextmanager
async def by_perdure(url: str, *keys: str) -> AsyncIterator[Call]:
    loop, request = asyncio.get_running_loop(), request_to(url)
    invoker = HttpInvoker(loop, signer=Signer(keys, now_ms=lambda: time.time_ns() // 1_000_000) if keys else None)

    async def call() -> Answer | Failure:
        end: asyncio.Future[Answer | Failure] = loop.create_future()
        invoker.invoke(request, timeout_ms=30_000, report=end.set_result)
        return await end

    yield call
    invoker.close()


@asynccontextmanager
async def by_aiohttp(url: str) -> AsyncIterator[Call]:
    request = request_to(url)
    limits = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def call() -> Answer | Failure:
            body = document.write(encode_worker_request(request))
            headers = {"content-type": "application/json"}
            async with session.post(url + worker_path(request), data=body, headers=headers, timeout=limits) as reply:
                return read_reply(request, WorkerReply(reply.status, await reply.read(), reply.content_type))

        yield call


@asynccontextmanager
async def by_h11(url: str) -> AsyncIterator[Call]:
    request, loop = request_to(url), asyncio.get_running_loop()
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = h11.Connection(our_role=h11.CLIENT)

    async def call() -> Answer | Failure:
        body = document.write(encode_worker_request(request))
        headers = [("host", host), ("content-type", "application/json"), ("content-length", str(len(body)))]
        head = h11.Request(method="POST", target=worker_path(request), headers=headers)
        parts = (connection.send(each) for each in (head, h11.Data(data=body), h11.EndOfMessage()))
        deadline = loop.call_later(30, writer.close)
        writer.write(b"".join(part for part in parts if part))
        status, content_type, received = 0, "", b""
        while True:
            match event := connection.next_event():
                case h11.Response():
                    status = event.status_code
                    content_type = dict(event.headers)[b"content-type"].decode()
                case h11.Data():
                    received += event.data
                case h11.EndOfMessage():
                    break
                case h11.NEED_DATA:
                    connection.receive_data(await reader.read(65_536))
        deadline.cancel()
        connection.start_next_cycle()
        return read_reply(request, WorkerReply(status, received, content_type))

    yield call
    writer.close()


@asynccontextmanager
async def by_client(url: str) -> AsyncIterator[Call]:
    backend = HttpBackend(url)
    yield lambda: backend.describe(WorkflowId("ada"))
    await backend.close()


WAYS: dict[str, Callable[[str], Any]] = {
    "Perdure's own, on httptools": by_perdure,
    "… signed with a secret": lambda url: by_perdure(url, SECRET),
    "… signed with an Ed25519 key": lambda url: by_perdure(url, PRIVATE),
    "on h11": by_h11,
    "aiohttp": by_aiohttp,
    "a client's describe(), on aiohttp": by_client,
}


async def cpu_us(way: Callable[[str], Any], url: str, calls: int) -> float:
    """Return the microseconds of CPU that this process spends on one call."""
    async with way(url) as call:
        for _ in range(calls // 10):
            answer = await call()
            assert isinstance(answer, ExecuteAnswer) or way is by_client
        began = time.process_time()
        for _ in range(calls):
            await call()
        return (time.process_time() - began) / calls * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", action="store_true")
    asked = parser.parse_args()
    if asked.serve:
        serve()
        return
    worker = subprocess.Popen([sys.executable, "-m", __spec__.name, "--serve"], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    url = f"http://127.0.0.1:{int(worker.stdout.readline())}"
    try:
        spent: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(asked.rounds):  # by turns, so that a change in the machine's mood is everybody's
            for name, way in WAYS.items():
                spent[name].append(uvloop.run(cpu_us(way, url, asked.calls)))
    finally:
        worker.terminate()
        worker.wait()
    print("| a call by | ms of CPU, median | least | most |\n|---|---|---|---|")
    for name, all_of_it in spent.items():
        middle, least, most = (each / 1_000 for each in (median(all_of_it), min(all_of_it), max(all_of_it)))
        print(f"| {name} | {middle:.3f} | {least:.3f} | {most:.3f} |")


if __name__ == "__main__":
    main()
