from __future__ import annotations

import json

from perdure.model.calls import Failure, RpcAnswer, RpcRequest, StateMethod
from perdure.model.value import EncodedValue
from perdure.wire import document, paths
from perdure.wire.worker_request import encode_worker_request
from perdure.worker.exchange import Reply, refusal, reply_of, request_of
from tests.authoring.onboarding import rpc_request, state_request


def test_only_the_routes_of_the_protocol_are_served() -> None:
    for path in (paths.WORKER_WAIT_UNTIL, paths.WORKER_EXECUTE, paths.WORKER_RPC):
        assert refusal("POST", path) is None
        wrong = refusal("GET", path)
        assert wrong is not None
        assert wrong.status == 405
    elsewhere = refusal("POST", "/")
    assert elsewhere is not None
    assert elsewhere.status == 404


def test_path_says_what_is_asked() -> None:
    state = document.write(encode_worker_request(state_request()))
    for path, method in (
        (paths.WORKER_WAIT_UNTIL, StateMethod.WAIT_UNTIL),
        (paths.WORKER_EXECUTE, StateMethod.EXECUTE),
    ):
        request = request_of(path, state)
        assert not isinstance(request, Reply | RpcRequest)
        assert request.call.method is method
    rpc = request_of(paths.WORKER_RPC, document.write(encode_worker_request(rpc_request("look"))))
    assert isinstance(rpc, RpcRequest)
    assert rpc.name == "look"


def test_body_that_is_no_request_is_told_what_is_wrong_with_it() -> None:
    reply = request_of(paths.WORKER_RPC, b'{"rpcName": 3}')
    assert isinstance(reply, Reply)
    assert reply.status == 400
    assert "rpcName is a whole number, expected a text" in json.loads(reply.body)["detail"]


def test_answer_that_cannot_be_written_is_a_failure() -> None:
    reply = reply_of(RpcAnswer(EncodedValue("\ud800")))
    assert reply.status == 500
    assert json.loads(reply.body)["errorType"] == "UnicodeEncodeError"


def test_failure_is_told_whatever_it_says() -> None:
    reply = reply_of(Failure("ValueError: \ud800", error_type="ValueError"))
    assert reply.status == 500
    assert json.loads(reply.body) == {"detail": "ValueError: \ud800", "errorType": "ValueError"}
