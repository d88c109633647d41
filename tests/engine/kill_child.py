"""An engine in a process of its own, for a test that kills it: does what its input says, tells what it did.

One command a line: ``start W``, ``signal W N``, ``rpc W N``, ``done W``. Each is answered with the
command itself once it is acknowledged, or with ``! `` and the error. With a folder named beside the
file, all values are kept in there.
"""

from __future__ import annotations

import asyncio
import sys

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.engine import EngineSettings, open_engine
from perdure.model.attributes import DataAttribute, LoadingPolicy
from perdure.model.calls import ExecuteAnswer, RpcAnswer, RpcRequest, Writes
from perdure.model.decisions import Closing, ClosingKind, Decision, Movement
from perdure.model.errors import PerdureError
from perdure.model.ids import StateExecutionId, StateId, WorkflowId
from perdure.model.options import StartOptions, StateOptions
from perdure.model.requests import RpcCall, StartRequest, StateWait
from perdure.model.value import EncodedValue, Message
from perdure.ports.backend import Backend
from perdure.ports.invoker import Report
from tests.engine.script import KIND, Request

STEPS = 3


class Child:
    """Steps through states and then idles; its RPC adds a number to the list in ``added``."""

    def invoke(self, request: Request, *, timeout_ms: int, report: Report) -> None:
        if isinstance(request, RpcRequest):
            before = [item.value.data or "" for item in request.attributes.data if item.value and item.key == "added"]
            assert request.input is not None
            added = ",".join([*before, request.input.data or ""])
            report(RpcAnswer(None, Writes(data=(DataAttribute("added", EncodedValue(added)),))))
            return
        number = int(request.call.state_id)
        written = Writes(data=(DataAttribute(f"step-{number}", EncodedValue(str(number))),))
        if number < STEPS:
            step = Movement(StateId(str(number + 1)), options=StateOptions(skip_wait_until=True))
            report(ExecuteAnswer(Decision((step,)), written))
        else:
            report(ExecuteAnswer(Decision((Closing(ClosingKind.DEAD_END),)), written))

    def close(self) -> None:
        """Nothing is held."""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def obey(backend: Backend, command: str) -> None:
    verb, name, *rest = command.split()
    workflow_id = WorkflowId(name)
    try:
        if verb == "start":
            first = Movement(StateId("1"), options=StateOptions(skip_wait_until=True))
            options = StartOptions(wait_for_states=frozenset({StateId(str(STEPS))}))
            await backend.start(StartRequest(workflow_id, KIND, first, options))
        elif verb == "signal":
            await backend.signal(workflow_id, Message("letters", EncodedValue(rest[0])))
        elif verb == "done":
            await backend.wait_for_state(StateWait(workflow_id, StateExecutionId(f"{STEPS}-1")))
        else:
            locks = LoadingPolicy(locks=("added",))
            await backend.call_rpc(RpcCall(workflow_id, "add", EncodedValue(rest[0]), data_loading=locks))
    except PerdureError as error:
        say(f"! {command}: {error}")
    else:
        say(command)


async def serve(backend: Backend) -> None:
    loop = asyncio.get_running_loop()
    doing: set[asyncio.Task[None]] = set()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        task = asyncio.create_task(obey(backend, line.strip()))
        doing.add(task)
        task.add_done_callback(doing.discard)


def main() -> None:
    path, *folders = sys.argv[1:]
    blobs = [Blobs(BlobFolder(folder), threshold_bytes=0) for folder in folders]
    engine = open_engine(path, Child(), settings=EngineSettings(blobs=blobs[0] if blobs else None))
    engine.start()
    say("ready")
    asyncio.run(serve(engine.backend))


if __name__ == "__main__":
    main()
