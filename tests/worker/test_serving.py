from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

import flask
import pytest
import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from waitress.server import TcpWSGIServer, create_server

from examples.signup import Form, Signup
from perdure import DefinitionError, InvalidRequest, Registry, RpcFailed, connect
from perdure.model.calls import ExecuteAnswer
from perdure.worker.serving import Worker
from perdure.worker.wsgi import WsgiApp
from tests.authoring.onboarding import Onboarding, state_request
from tests.server.process import ServerProcess
from tests.worker.caller import call_asgi, call_wsgi
from tests.worker.service import Service
from tests.worker.test_signature import NEW, PRIVATE_PAIR, PUBLIC_PAIR


@pytest.mark.parametrize(
    "worker", [Worker(Service()), Worker(Registry(Service())), Worker(Onboarding(), Registry(Service()))]
)
async def test_workflows_and_registries_are_served_alike(worker: Worker) -> None:
    request = state_request("work", '"x"', workflow_type="Service")
    assert isinstance(await call_asgi(worker.asgi_app(), request), ExecuteAnswer)
    assert isinstance(call_wsgi(worker.wsgi_app(), request), ExecuteAnswer)


def test_mistakes_are_found_before_anything_is_served() -> None:
    with pytest.raises(DefinitionError, match="Service is a class"):
        Worker(Service)  # type: ignore[arg-type]  # what is refused
    with pytest.raises(DefinitionError, match="two workflows are called 'Service'"):
        Worker(Service(), Registry(Service()))
    with pytest.raises(ValueError, match="threads is 0"):
        Worker(Service(), threads=0)
    with pytest.raises(InvalidRequest, match="the other side's half"):
        Worker(Service(), keys=[PRIVATE_PAIR])
    with pytest.raises(TypeError, match="expected a list"):
        Worker(Service(), keys=NEW)


class Threaded(uvicorn.Server):
    """uvicorn in a thread of the test's."""

    def __enter__(self) -> str:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self.run, args=([self._socket],))
        self._thread.start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.should_exit = True
        self._thread.join()
        self._socket.close()


@contextmanager
def waitress_serves(app: WsgiApp | flask.Flask) -> Iterator[str]:
    server = cast("TcpWSGIServer", create_server(app, host="127.0.0.1", port=0, threads=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.socket is not None
    yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
    server.close()
    thread.join()


def served(worker: Worker, interface: str) -> tuple[AbstractContextManager[str], str]:
    """Return a server for a worker, and where the worker is in it."""
    match interface:
        case "asgi":
            return Threaded(uvicorn.Config(worker.asgi_app(), log_config=None)), ""
        case "wsgi":
            return waitress_serves(worker.wsgi_app()), ""
        case "starlette":
            mounted = Starlette(routes=[Mount("/behind", routes=[Mount("/worker", app=worker.asgi_app())])])
            return Threaded(uvicorn.Config(mounted, log_config=None)), "/behind/worker"
        case _:
            application = flask.Flask(__name__)
            application.register_blueprint(worker.blueprint(), url_prefix="/behind/worker")
            return waitress_serves(application), "/behind/worker"


@pytest.mark.parametrize("interface", ["asgi", "wsgi", "starlette", "flask"])
def test_worker_runs_what_its_server_has_signed_and_nothing_else(tmp_path: Path, interface: str) -> None:
    (tmp_path / "keys").write_text(f"# of the server\n{PRIVATE_PAIR}\n")
    serving, prefix = served(Worker(Service(), keys=[NEW, PUBLIC_PAIR]), interface)
    keys_file = ("--signing-keys-file", str(tmp_path / "keys"))
    with serving as origin:
        worker_url = origin + prefix
        with (
            ServerProcess(tmp_path, *keys_file) as server,
            connect(server.url, worker_url=worker_url) as client,
        ):
            assert client.start(Service, "pair", "x").result(timeout=60) == "x None"
        with (
            ServerProcess(tmp_path, db="other.db", env={"PERDURE_SIGNING_KEYS": NEW}) as server,
            connect(server.url, worker_url=worker_url) as client,
        ):
            assert client.start(Service, "secret", "x").result(timeout=60) == "x None"
        with (
            ServerProcess(tmp_path, db="third.db") as server,
            connect(server.url, worker_url=worker_url) as client,
            pytest.raises(RpcFailed, match="NotSigned"),
        ):
            client.start(Service, "unsigned", "x").call(Service.look)


@pytest.mark.parametrize("interface", ["asgi", "wsgi", "starlette", "flask"])
def test_program_moves_to_a_server_by_its_url(tmp_path: Path, interface: str) -> None:
    mails: list[str] = []
    worker = Worker(Signup(send=lambda _, what: mails.append(what)))
    serving, prefix = served(worker, interface)
    with (
        ServerProcess(tmp_path) as server,
        serving as worker_url,
        connect(server.url, worker_url=worker_url + prefix) as client,
    ):
        ada = client.start(Signup, "ada", Form("ada", "ada@example.org"))
        assert ada.describe().workflow_type == "Signup"
        assert ada.call(Signup.confirm, "link") == "done"
        assert ada.result(timeout=60) == "done"
        assert ada.get(Signup.form) == Form("ada", "ada@example.org")
        assert [run.workflow_id for run in client.search("status = 'verified'")] == ["ada"]
        assert mails == ["please verify", "welcome"]


def test_program_runs_with_a_worker_at_https(tmp_path: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "worker.pem"))
    config = uvicorn.Config(
        Worker(Service()).asgi_app(),
        log_config=None,
        ssl_certfile=tmp_path / "worker.pem",
        ssl_keyfile=tmp_path / "worker.pem",
    )
    with Threaded(config) as url:
        worker_url = url.replace("http://", "https://")
        with (
            ServerProcess(tmp_path, "--worker-ca-file", "ca.pem") as server,
            connect(server.url, worker_url=worker_url) as client,
        ):
            assert client.start(Service, "w", "x").result(timeout=60) == "x None"
        with (
            ServerProcess(tmp_path, db="other.db") as server,
            connect(server.url, worker_url=worker_url) as client,
            pytest.raises(RpcFailed, match="certificate is not trusted"),
        ):
            client.start(Service, "w", "x").call(Service.look)
