from __future__ import annotations

import flask
import pytest

from perdure.model.calls import ExecuteAnswer, Failure
from perdure.wire import paths
from perdure.wire.worker_answer import WorkerReply, read_reply
from perdure.worker.serving import Worker
from tests.authoring.onboarding import rpc_request, state_request
from tests.worker.caller import written
from tests.worker.service import Service
from tests.worker.test_signature import SECRET


def client_of(worker: Worker, prefix: str = "/worker") -> flask.testing.FlaskClient:
    app = flask.Flask(__name__)
    app.register_blueprint(worker.blueprint(), url_prefix=prefix)
    return app.test_client()


def test_a_flask_application_serves_the_protocol_where_it_likes() -> None:
    client = client_of(Worker(Service()))
    request = state_request("work", '"x"', workflow_type="Service")
    reply = client.post(f"/worker{paths.WORKER_EXECUTE}", data=written(request))
    assert reply.content_type == "application/json"
    answer = read_reply(request, WorkerReply(reply.status_code, reply.data, reply.content_type))
    assert isinstance(answer, ExecuteAnswer)
    look = rpc_request("look", data={"count": "7"}, workflow_type="Service")
    assert client.post(f"/worker{paths.WORKER_RPC}", data=written(look)).status_code == 200
    assert client.post(f"/worker{paths.WORKER_WAIT_UNTIL}", data=written(request)).status_code == 200
    assert client.post(paths.WORKER_EXECUTE, data=written(request)).status_code == 404
    assert client.get(f"/worker{paths.WORKER_EXECUTE}").status_code == 405


@pytest.mark.parametrize(("name", "error_type"), [("leave", "SystemExit"), ("decline", "Declined")])
def test_what_went_wrong_is_told_and_not_flasks_page_of_errors(name: str, error_type: str) -> None:
    request = state_request(name, workflow_type="Service")
    reply = client_of(Worker(Service())).post(f"/worker{paths.WORKER_EXECUTE}", data=written(request))
    answer = read_reply(request, WorkerReply(reply.status_code, reply.data, reply.content_type or ""))
    assert isinstance(answer, Failure)
    assert (answer.status, answer.error_type) == (500, error_type)
    assert answer.retryable == (error_type != "Declined")


def test_a_call_that_is_not_signed_is_refused() -> None:
    client = client_of(Worker(Service(), keys=[SECRET]), prefix="")
    assert client.post(paths.WORKER_EXECUTE, data=b"{}").status_code == 401


def test_two_workers_may_stand_in_one_application() -> None:
    app = flask.Flask(__name__)
    for name in ("one", "two"):
        app.register_blueprint(Worker(Service()).blueprint(name), url_prefix=f"/{name}")
    assert app.test_client().post(f"/two{paths.WORKER_EXECUTE}", data=b"no JSON").status_code == 400
