"""A URL becomes a client, and what cannot be opened says why."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from perdure.authoring.attribute import Attribute
from perdure.authoring.channel import Channel
from perdure.authoring.decision import Decision, complete, go_to
from perdure.authoring.state import state
from perdure.authoring.workflow import Workflow
from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.client.http import HttpBackend
from perdure.connect import connect, connect_async
from perdure.model.errors import DefinitionError, InvalidRequest, UnavailableError, WaitTimedOut, WorkflowAlreadyStarted
from perdure.model.outcome import RunStatus
from tests.server.process import COMMAND, ServerProcess
from tests.sharing import workflows as shared
from tests.sharing.program import Program


class Greeting(Workflow[str, str]):
    name: Attribute[str] = Attribute()
    go_on: Channel[None] = Channel()

    @state(start=True)
    def note(self, name: str) -> Decision:
        self.name = name
        return go_to(self.greet)

    @state(wait=go_on)
    async def greet(self) -> Decision:
        return complete(f"hello {self.name}")


def test_workflow_goes_on_in_the_next_process_that_opens_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'greetings.db'}"
    with connect(url, Greeting()) as client:
        client.start(Greeting, "ada", "Ada")
    with connect(url, Greeting()) as client:
        ada = client.get(Greeting, "ada")
        assert ada.describe().status is RunStatus.RUNNING
        ada.publish(Greeting.go_on)
        assert ada.result(timeout=60) == "hello Ada"


def test_error_is_shown_alone(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'greetings.db'}", Greeting()) as client:
        client.start(Greeting, "ada", "Ada")
        with pytest.raises(WorkflowAlreadyStarted) as taken:
            client.start(Greeting, "ada", "Ada")
    assert taken.value.__context__ is None


async def test_async_client_opens_the_same(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'greetings.db'}"
    async with await connect_async(url, Greeting()) as client:
        ada = await client.start(Greeting, "ada", "Ada")
        await ada.publish(Greeting.go_on)
        assert await ada.result(timeout=60) == "hello Ada"
    async with await connect_async(url, Greeting()) as client:
        assert await client.get(Greeting, "ada").result() == "hello Ada"


def test_large_values_are_in_a_place_of_their_own_and_come_back_in_the_next_process(tmp_path: Path) -> None:
    name = "ada" * 1_000
    blobs = Blobs(BlobFolder(tmp_path / "blobs"), threshold_bytes=100)
    url = f"sqlite:///{tmp_path}/w.db"
    with connect(url, Greeting(), blobs=blobs) as client:
        ada = client.start(Greeting, "w", name)
        ada.publish(Greeting.go_on)
        greeted = ada.result(timeout=60)
    assert greeted == f"hello {name}"
    with connect(url, Greeting(), blobs=blobs) as client:
        assert client.get(Greeting, "w").result() == greeted
    assert list((tmp_path / "blobs").rglob("*"))
    assert not any(name.encode() in file.read_bytes() for file in tmp_path.glob("w.db*"))


def test_a_file_is_not_opened_without_the_place_of_its_large_values(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/w.db"
    with connect(url, Greeting(), blobs=Blobs(BlobFolder(tmp_path / "blobs"), threshold_bytes=100)) as client:
        ada = client.start(Greeting, "w", "ada" * 1_000)
        ada.publish(Greeting.go_on)
        ada.result(timeout=60)
    with pytest.raises(InvalidRequest, match=r"w\.db has large values in the store 'folder', found no store.* blobs="):
        connect(url)


async def test_large_values_are_apart_for_async_programs_too(tmp_path: Path) -> None:
    blobs = Blobs(BlobFolder(tmp_path / "blobs"), threshold_bytes=100)
    async with await connect_async(f"sqlite:///{tmp_path}/w.db", Greeting(), blobs=blobs) as client:
        handle = await client.start(Greeting, "w", "ada" * 1_000)
        await handle.publish(Greeting.go_on)
        assert "ada" * 1_000 in await handle.result(timeout=60)
    assert list((tmp_path / "blobs").rglob("*"))


def test_where_a_server_keeps_large_values_is_its_own_business(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="found blobs for http://localhost:1, expected them among the settings"):
        connect("http://localhost:1", blobs=Blobs(BlobFolder(tmp_path / "blobs")))


def test_a_handler_under_way_is_finished_before_the_file_is_given_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'slow.db'}"
    begun, go_on, runs = Event(), Event(), []

    class Slow(Workflow[None, str]):
        @state(start=True)
        def work(self) -> Decision:
            runs.append("once")
            begun.set()
            assert go_on.wait(60)
            return complete("finished")

    client = connect(url, Slow())
    client.start(Slow, "w", None)
    assert begun.wait(60)
    closing = Thread(target=client.close)
    closing.start()
    go_on.set()
    closing.join(60)
    assert not closing.is_alive()
    with connect(url, Slow()) as again:
        assert again.get(Slow, "w").result(timeout=60) == "finished"
    assert runs == ["once"]


def test_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with connect("sqlite:///my%20greetings.db"):
        assert (tmp_path / "my greetings.db").exists()


def test_file_is_opened_once_in_a_process(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'greetings.db'}"
    with (
        connect(url),
        pytest.raises(UnavailableError, match=r"in use by this very process \(\d+\), which has opened it before"),
    ):
        connect(url)
    with connect(url):
        pass


def test_second_process_uses_the_engine_of_the_first(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Program(url, "Greeting()") as owner, connect(url, shared.Greeting(), shared.Farewell()) as client:
        assert f"process {owner.pid}, which owns {tmp_path / 'shared.db'}" in repr(client)
        ada = client.start(shared.Greeting, "ada", "Ada")
        assert ada.call(shared.Greeting.whoami) == owner.pid
        owner.says("client.get(Greeting, 'ada').publish(Greeting.go_on)")
        assert ada.result(timeout=60) == f"hello Ada from {owner.pid}"
        assert [run.workflow_id for run in client.search()] == ["ada"]
        with pytest.raises(InvalidRequest, match=f"'Farewell', expected one that process {owner.pid} runs"):
            client.start(shared.Farewell, "bob")


async def test_second_process_may_be_async(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with Program(url, "Greeting()") as owner:
        async with await connect_async(url, shared.Greeting()) as client:
            ada = await client.start(shared.Greeting, "ada", "Ada")
            await ada.publish(shared.Greeting.go_on)
            assert await ada.result() == f"hello Ada from {owner.pid}"


def test_program_goes_on_when_the_owner_is_killed_under_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with (
        ThreadPoolExecutor(1) as pool,
        Program(url, "Greeting()") as owner,
        connect(url, shared.Greeting()) as client,
    ):
        ada = client.start(shared.Greeting, "ada", "Ada")
        waiting = pool.submit(ada.result)
        owner.kill()
        ada.describe()  # repeated until there is an owner; an RPC just then might have to be refused
        assert ada.call(shared.Greeting.whoami) == os.getpid()
        assert repr(client) == f"<Client of <RemoteBackend of this process, which owns {tmp_path / 'shared.db'}>>"
        ada.publish(shared.Greeting.go_on)
        assert waiting.result(60) == f"hello Ada from {os.getpid()}"


def test_processes_that_open_a_file_at_the_same_moment_have_one_owner(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        opening = [pool.submit(Program, url, "Greeting()") for _ in range(3)]
        programs = [stack.enter_context(program.result()) for program in opening]
        programs[0].says("client.start(Greeting, 'ada', 'Ada').id")
        owners = {program.says("client.get(Greeting, 'ada').call(Greeting.whoami)") for program in programs}
        assert len(owners) == 1
        assert owners <= {program.pid for program in programs}


def test_program_is_told_of_a_server_that_owns_its_file(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path) as server,
        pytest.raises(
            UnavailableError, match=rf"process {server.process.pid}, a server\. Connect to it at {server.url}"
        ),
    ):
        connect(f"sqlite:///{tmp_path / 'server.db'}")


def test_server_is_told_of_a_program_that_owns_its_file(tmp_path: Path) -> None:
    path = tmp_path / "program.db"
    with connect(f"sqlite:///{path}"):
        told = subprocess.run([*COMMAND, "--db", str(path), "--port", "0"], capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert f"{path} is in use by process {os.getpid()}. Use its engine: connect('sqlite:///{path}')" in told.stderr


def test_fork_closes_nothing_of_its_parents(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'greetings.db'}", Greeting()) as client:
        child = os.fork()
        if not child:
            client.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert client.start(Greeting, "ada", "Ada").id == "ada"


def test_caller_who_waits_while_all_is_closed_is_told(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with connect(f"sqlite:///{tmp_path / 'greetings.db'}", Greeting()) as client:
            ada = client.start(Greeting, "ada", "Ada")
            waiting = pool.submit(ada.result)
            with pytest.raises(WaitTimedOut):
                ada.result(timeout=0.1)
        with pytest.raises(UnavailableError):
            waiting.result(60)


def test_unknown_scheme_is_told_the_known_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"'postgres://db'.*sqlite:, http:, https: such as sqlite:///signup\.db"):
        connect("postgres://db")


def test_scheme_of_a_later_version_says_so() -> None:
    with pytest.raises(InvalidRequest, match=r"perdure\[temporal\]"):
        connect("temporal://host:7233")


def test_start_on_a_server_says_where_its_worker_is() -> None:
    with (
        connect("http://127.0.0.1:1") as client,
        pytest.raises(InvalidRequest, match="without a worker_url, expected the URL"),
    ):
        client.start(Greeting, "ada", "Ada")


async def test_server_is_asked_when_something_is_wanted_of_it() -> None:
    with connect("https://127.0.0.1:1", worker_url="http://127.0.0.1:2") as client:
        assert client.get(Greeting, "ada").id == "ada"
    async with await connect_async("http://127.0.0.1:1", worker_url="http://127.0.0.1:2") as other:
        assert isinstance(other.backend, HttpBackend)


def test_what_runs_elsewhere_is_not_to_be_run_here() -> None:
    with pytest.raises(InvalidRequest, match="serve them with a Worker"):
        connect("http://127.0.0.1:1", Greeting())
    with pytest.raises(InvalidRequest, match="among the settings of that server"):
        connect("http://127.0.0.1:1", retention=1)
    with pytest.raises(InvalidRequest, match="found a retention"):
        connect("http://127.0.0.1:1", history_retention=1)
    with pytest.raises(InvalidRequest, match="hand them over instead"):
        connect("sqlite:///greetings.db", worker_url="http://127.0.0.1:2")


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite:///", "sqlite://signup.db", "sqlite:/signup.db", "sqlite:signup.db"]
)
def test_url_without_a_plain_path_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        connect(url)
    assert str(caught.value) == (
        f"found {url!r}, expected sqlite:///, then a path: sqlite:///signup.db, or sqlite:////var/lib/signup.db"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "sqlite:///a.db?mode=ro",
            "found '?' in 'sqlite:///a.db?mode=ro', expected a path alone: there is nothing to set in a URL. "
            "For a file with ? in its name write %3F",
        ),
        (
            "sqlite:///a#1.db",
            "found '#' in 'sqlite:///a#1.db', expected a path alone: there is nothing to set in a URL. "
            "For a file with # in its name write %23",
        ),
        (
            "sqlite:///:memory:",
            "found 'sqlite:///:memory:', expected a file: what is to go on after the process ends lies in one. "
            "For tests there is perdure.testing.Environment, whose file is a temporary one",
        ),
        (5, "found 5, expected a URL as text, such as 'sqlite:///signup.db'"),
        (None, "found None, expected a URL as text, such as 'sqlite:///signup.db'"),
    ],
)
def test_url_of_no_file_says_what_to_write(url: Any, told: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        connect(url, Greeting())
    assert str(caught.value) == told


def test_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "no" / "signup.db"
    with pytest.raises(UnavailableError) as caught:
        connect(f"sqlite:///{file}", Greeting())
    assert str(caught.value) == f"{file} cannot be made: there is no folder {file.parent}; make it first"


def test_wrong_class_is_found_before_the_file_is_touched(tmp_path: Path) -> None:
    class Wrong(Workflow[str, str]):
        @state(start=True)
        def first(self, number: int) -> Decision:
            return complete(str(number))

    with pytest.raises(DefinitionError):
        connect(f"sqlite:///{tmp_path / 'wrong.db'}", Wrong())
    assert list(tmp_path.iterdir()) == []


def run_python(lines: str) -> str:
    return subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True, text=True).stdout.strip()


def test_function_is_found_whoever_imported_the_module_before() -> None:
    assert run_python("import perdure.connect\nfrom perdure import connect\nprint(callable(connect))") == "True"
    assert run_python("from perdure import connect\nimport perdure.connect\nprint(callable(perdure.connect))") == "True"


def test_nothing_heavy_is_loaded_before_something_is_opened() -> None:
    loaded = run_python(
        "import sys, perdure.connect\n"
        "print([name for name in sys.modules if name.startswith(('perdure.engine', 'perdure.store', 'apsw', 'asyncio.', 'aiohttp'))])"
    )
    assert "engine" not in loaded
    assert "apsw" not in loaded
    assert "aiohttp" not in loaded


class Greetings(Workflow[str, str]):
    @state(start=True)
    def greet(self, name: str) -> Decision:
        return complete(f"hello {name}")


def test_a_workflow_that_was_not_handed_over_is_not_started_and_the_nearest_is_named(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path / 'w.db'}", Greeting()) as client:
        with pytest.raises(InvalidRequest) as refused:
            client.start(Greetings, "ada", "Ada")
        assert str(refused.value) == (
            "found workflow type 'Greetings', expected one of those that run here: Greeting. Did you mean 'Greeting'? "
            "What is to run is handed over where the file is opened: connect(url, Signup(…))"
        )
        assert list(client.search()) == []
        client.start(Greeting, "ada", "Ada")


def test_a_client_without_workflows_starts_none(tmp_path: Path) -> None:
    with (
        connect(f"sqlite:///{tmp_path / 'w.db'}") as client,
        pytest.raises(InvalidRequest, match="'Greeting', expected one of those that run here: none"),
    ):
        client.start("Greeting", "ada")


def test_runs_of_a_type_that_is_not_handed_over_any_more_say_so_and_go_on_once_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'w.db'}"
    with connect(url, Greeting()) as client:
        client.start(Greeting, "ada", "Ada")
    with connect(url, Greetings()) as client:
        ada = client.get(Greeting, "ada")
        ada.publish(Greeting.go_on)
        deadline = time.monotonic() + 30
        while "is not registered" not in str(ada.describe()):
            assert time.monotonic() < deadline, ada.describe()
            time.sleep(0.005)
        assert ada.describe().status is RunStatus.RUNNING
        with pytest.raises(
            WaitTimedOut,
            match=r"nobody runs this workflow here: its type 'Greeting' is not registered; registered are: Greetings\. "
            r"Did you mean 'Greetings'\? Its runs go on once it is",
        ):
            ada.result(timeout=0.01)
    assert "nobody runs this workflow here: its type 'Greeting'" in caplog.text
    with connect(url, Greeting()) as client:
        assert client.get(Greeting, "ada").result(timeout=30) == "hello Ada"


class Counter(Workflow[None, None]):
    ticks: Channel[None] = Channel()

    @state(start=True, wait=ticks)
    def count(self) -> Decision:
        return go_to(self.count)


@pytest.mark.parametrize("history_retention", [None, 0.001])
def test_the_early_history_of_a_run_that_goes_on_is_forgotten_where_that_is_wanted(
    tmp_path: Path, history_retention: float | None
) -> None:
    with connect(f"sqlite:///{tmp_path / 'w.db'}", Counter(), history_retention=history_retention) as client:
        counter = client.start(Counter, "w")
        for _ in range(200):
            counter.publish(Counter.ticks)
        deadline = time.monotonic() + 60
        while (entries := list(counter.history()))[-1].seq < 600:  # three events for each
            assert time.monotonic() < deadline, entries
            time.sleep(0.01)
        assert (entries[0].seq == 1) is (history_retention is None)
