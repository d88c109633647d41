"""What iWF's own Python SDK and our server once said to each other, replayed: see ``recorded/README.md``.

Every answer of ours and every call of a worker by us is written again to the byte. The SDK's own bytes are
not ours to write: they have empty fields that we leave out. What they mean is the same after our writing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from perdure.model.calls import Failure, RpcRequest, StateMethod, StateRequest
from perdure.model.ids import WorkflowId
from perdure.model.requests import ResetRequest, RpcCall, StartRequest
from perdure.wire import client_side, document, errors, requests, responses
from perdure.wire.paths import API, WORKER_EXECUTE, WORKER_RPC, WORKER_WAIT_UNTIL, Call
from perdure.wire.requests import Target
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.wire.worker_request import encode_worker_request
from perdure.wire.worker_side import decode_rpc_request, decode_state_request, encode_answer
from tests.wire.exchange import Exchange, load

Fields = dict[str, Any]

NOW_MS = 0
LONGEST_WAIT_MS = 60_000
RECORDED = load()
ASKED = [exchange for exchange in RECORDED if exchange.path.startswith(API)]
ANSWERED = [exchange for exchange in ASKED if exchange.status == 200]
REFUSED = [exchange for exchange in ASKED if exchange.status != 200]
CALLED = [exchange for exchange in RECORDED if not exchange.path.startswith(API)]
WORKED = [exchange for exchange in CALLED if exchange.status == 200]
FAILED = [exchange for exchange in CALLED if exchange.status != 200]

NOT_IN_THE_SDK = {Call.PUBLISH, Call.DUMP, Call.UPDATE_CONFIG, Call.TRIGGER_CONTINUE_AS_NEW, Call.LOAD_VALUE}
"""Calls for which its client has no method."""


def named(exchanges: list[Exchange]) -> pytest.MarkDecorator:
    """One test for each exchange, by its path and its place in the file."""
    return pytest.mark.parametrize(
        "exchange",
        [pytest.param(each, id=f"{each.path.removeprefix('/api/v1/')}-{RECORDED.index(each)}") for each in exchanges],
    )


READ: dict[Call, Callable[[bytes], Any]] = {
    Call.START: requests.decode_start,
    Call.WAIT_FOR_STATE: requests.decode_wait_for_state,
    Call.SIGNAL: requests.decode_signal,
    Call.GET_DATA: requests.decode_get_data,
    Call.SET_DATA: requests.decode_set_data,
    Call.GET_SEARCH: requests.decode_get_search,
    Call.SET_SEARCH: requests.decode_set_search,
    Call.GET: requests.decode_get,
    Call.GET_WITH_WAIT: requests.decode_get,
    Call.SEARCH: requests.decode_search_runs,
    Call.RESET: lambda body: requests.decode_reset(body, now_ms=NOW_MS),
    Call.STOP: requests.decode_stop,
    Call.SKIP_TIMER: requests.decode_skip_timer,
    Call.RPC: requests.decode_rpc,
}


def call_of(exchange: Exchange) -> Call:
    return Call(exchange.path.removeprefix(API))


def written(call: Call, request: Any) -> Fields:
    """Return what our own client sends for what a request says."""
    match request:
        case StartRequest():
            return client_side.encode_start(request, worker_url=request.worker_url)
        case requests.WaitForState(wait, wait_ms):
            return {**client_side.encode_state_wait(wait), **client_side.encode_wait(wait_ms or LONGEST_WAIT_MS)}
        case requests.Search():
            page_size, page_token = request.page_size, request.page_token
            return client_side.encode_search_runs(request.query, page_size=page_size, page_token=page_token)
        case RpcCall():
            return {**run(Target(request.workflow_id, request.run_id)), **client_side.encode_rpc(request)}
        case ResetRequest():
            return {**run(Target(request.workflow_id, request.run_id)), **client_side.encode_reset(request)}
        case _:
            return {**run(request.target), **written_beside_the_run(call, request)}


def run(target: Target) -> Fields:
    return client_side.encode_target(target.workflow_id, target.run_id)


def written_beside_the_run(call: Call, request: Any) -> Fields:
    match request:
        case requests.Signal():
            return client_side.encode_signal(request.message)
        case requests.GetData():
            return client_side.encode_get_data(request.keys)
        case requests.SetData():
            return client_side.encode_set_data(request.attributes)
        case requests.GetSearch():
            return client_side.encode_get_search(request.keys)
        case requests.SetSearch():
            return client_side.encode_set_search(request.attributes)
        case requests.GetRun() if call is Call.GET:
            return client_side.encode_describe(needs_results=request.needs_results)
        case requests.GetRun():
            return client_side.encode_wait(request.wait_ms or LONGEST_WAIT_MS)
        case requests.Stop():
            return client_side.encode_stop(request.kind, request.reason)
        case requests.SkipTimer():
            return client_side.encode_skip_timer(request.timer)
        case _:
            raise AssertionError(f"found a {type(request).__name__}, expected a request that the SDK can make")


def comparable(call: Call, request: Any) -> Any:
    """Return *request* with what our client always says: how long it waits, and that it takes details.

    A wait is for results whether that is said or not, and one without a time is as long as the server allows.
    """
    match request:
        case requests.Search():
            return replace(request, detailed=True)
        case requests.GetRun() if call is Call.GET:
            return replace(request, detailed=True)
        case requests.GetRun():
            wait_ms = request.wait_ms or LONGEST_WAIT_MS
            return replace(request, detailed=True, needs_results=True, wait_ms=wait_ms)
        case requests.WaitForState():
            return replace(request, wait_ms=request.wait_ms or LONGEST_WAIT_MS)
        case _:
            return request


@named(ASKED)
def test_what_the_sdk_asks_means_the_same_after_our_own_writing(exchange: Exchange) -> None:
    call = call_of(exchange)
    request = READ[call](exchange.request)

    again = READ[call](document.write(written(call, request)))

    assert comparable(call, again) == comparable(call, request)


def answered(exchange: Exchange) -> Fields:
    """Return what our server writes for what our client reads of an answer."""
    body = exchange.response
    match call := call_of(exchange):
        case Call.START | Call.RESET:
            return responses.encode_run_id(client_side.decode_run_id(body))
        case Call.GET_DATA:
            return responses.encode_data_attributes(client_side.decode_data_attributes(body))
        case Call.GET_SEARCH:
            return responses.encode_search_attributes(client_side.decode_search_attributes(body))
        case Call.RPC:
            return responses.encode_rpc_output(client_side.decode_rpc_output(body))
        case Call.WAIT_FOR_STATE:
            wait = requests.decode_wait_for_state(exchange.request).wait
            return responses.encode_state_completion(wait, client_side.decode_state_completion(body))
        case Call.GET | Call.GET_WITH_WAIT:
            decode = client_side.decode_run if call is Call.GET else client_side.decode_result
            info = decode(body, WorkflowId(""))
            return responses.encode_run(info, run_id=info.run_id, with_outcome=True)
        case Call.SEARCH:
            return responses.encode_search_page(client_side.decode_search_page(body))
        case _:
            return {}  # of these calls, only that they were fulfilled is told


@named(ANSWERED)
def test_an_answer_is_written_again_to_the_byte(exchange: Exchange) -> None:
    assert document.write(answered(exchange)) == exchange.response


@named(REFUSED)
def test_a_refusal_is_written_again_to_the_byte(exchange: Exchange) -> None:
    names = document.read(exchange.request)
    error = client_side.decode_error(exchange.status, exchange.response, workflow_id=names["workflowId"])

    answer = errors.encode_error(error)

    assert (answer.status, document.write(answer.fields)) == (exchange.status, exchange.response)


def worker_request(exchange: Exchange) -> StateRequest | RpcRequest:
    body = document.read(exchange.request)
    if exchange.path == WORKER_RPC:
        return decode_rpc_request(body)
    method = StateMethod.WAIT_UNTIL if exchange.path == WORKER_WAIT_UNTIL else StateMethod.EXECUTE
    return decode_state_request(method, body)


def reply(exchange: Exchange) -> WorkerReply:
    return WorkerReply(exchange.status, exchange.response, exchange.content_type)


@named(CALLED)
def test_a_call_of_a_worker_is_written_again_to_the_byte(exchange: Exchange) -> None:
    assert document.write(encode_worker_request(worker_request(exchange))) == exchange.request


@named(WORKED)
def test_what_the_sdks_worker_answers_means_the_same_after_our_own_writing(exchange: Exchange) -> None:
    request = worker_request(exchange)
    answer = read_reply(request, reply(exchange))
    assert not isinstance(answer, Failure), answer.message

    again = read_reply(request, WorkerReply(200, document.write(encode_answer(answer))))

    assert again == answer


@named(FAILED)
def test_a_failure_of_the_sdks_worker_is_told_in_its_own_words(exchange: Exchange) -> None:
    """It answers a plain text, which our worker never does, so there is nothing of ours to compare it with."""
    failure = read_reply(worker_request(exchange), reply(exchange))

    assert isinstance(failure, Failure)
    assert (failure.status, failure.retryable) == (500, True)
    assert exchange.response[:400].decode() in failure.message


def test_every_call_of_the_sdk_is_recorded_and_both_ends_of_it() -> None:
    assert {call_of(exchange) for exchange in ANSWERED} == set(Call) - NOT_IN_THE_SDK == set(READ)
    assert {exchange.path for exchange in WORKED} == {WORKER_WAIT_UNTIL, WORKER_EXECUTE, WORKER_RPC}
    assert {exchange.path for exchange in FAILED} == {WORKER_WAIT_UNTIL, WORKER_EXECUTE, WORKER_RPC}
    assert {exchange.status for exchange in REFUSED} == {400, errors.LONG_POLL_STATUS}
