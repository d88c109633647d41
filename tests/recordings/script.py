"""The worker of a scenario: an invoker that speaks the protocol's JSON and answers what is written."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from functools import partial

from perdure.model.calls import RpcRequest, StateMethod, StateRequest
from perdure.ports.clock import Clock
from perdure.ports.invoker import Report
from perdure.wire import document
from perdure.wire.worker_answer import WorkerReply, no_reply, no_reply_in_time, read_reply
from perdure.wire.worker_request import encode_worker_request
from tests.recordings.names import WORKER, Names
from tests.recordings.scenario import Json, Scenario

ANSWER_MS = 10
"""What a worker takes for an answer without a delay: more than a client from one call to the next."""

_NAME_OF = {StateMethod.WAIT_UNTIL: "waitUntil", StateMethod.EXECUTE: "execute"}


class ScriptedWorker:
    """Answers with the very bytes and statuses that an HTTP worker would send, after as long."""

    def __init__(self, scenario: Scenario, names: Names, clock: Clock) -> None:
        self._scenario = scenario
        self._names = names
        self._clock = clock
        self._answered: Counter[str] = Counter()
        self.calls: dict[str, list[Json]] = defaultdict(list)
        """What arrived, by state execution or RPC, in the order it came."""

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        if not request.run.worker_url.startswith(WORKER):
            self._report_later(0, request, report, None)
            return
        answer = self._answer(request)
        delay_ms = int(answer.get("delay", 0) * 1000) + ANSWER_MS
        if delay_ms >= timeout_ms:
            late = no_reply_in_time(request, timeout_ms=timeout_ms)
            self._clock.call_later(timeout_ms, partial(report, late))
        else:
            self._report_later(delay_ms, request, report, _reply(answer))

    def close(self) -> None:
        """Nothing is held open."""

    def count(self, call: str) -> int:
        """Return how often ``execute S1`` (all its executions) or ``execute S1-1`` arrived."""
        places = ((place.split(" of ")[0], len(bodies)) for place, bodies in self.calls.items())
        return sum(arrived for place, arrived in places if call in (place, re.sub(r"-\d+$", "", place)))

    def _report_later(
        self, delay_ms: int, request: StateRequest | RpcRequest, report: Report, reply: WorkerReply | None
    ) -> None:
        result = no_reply(request, "connection refused") if reply is None else read_reply(request, reply)
        self._clock.call_later(delay_ms, partial(report, result))

    def _answer(self, request: StateRequest | RpcRequest) -> dict[str, Json]:
        body = json.loads(document.write(encode_worker_request(request)))
        if isinstance(request, RpcRequest):
            call, place = f"rpc {request.name}", f"rpc {request.name}"
        else:
            method = _NAME_OF[request.call.method]
            call, place = f"{method} {request.call.state_id}", f"{method} {request.call.state_execution_id}"
        other = request.run.workflow_id.removeprefix(self._names.workflow_id)
        self.calls[place + (f" of $id{other}" if other else "")].append(body)
        script = self._scenario.answers(call)
        number = self._answered[call]
        self._answered[call] += 1
        answer: dict[str, Json] = self._names.filled(script[min(number, len(script) - 1)])
        return answer


def _reply(answer: dict[str, Json]) -> WorkerReply:
    if "text" in answer:
        return WorkerReply(answer.get("status", 200), answer["text"].encode(), "text/plain")
    return WorkerReply(answer.get("status", 200), json.dumps(answer.get("body", {})).encode())
