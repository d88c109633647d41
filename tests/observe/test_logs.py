"""What a log has: the lines of a formatter, and those of a real server."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from perdure import Attribute, Channel, Decision, Retry, Workflow, complete, connect, state
from perdure.model.errors import WorkflowFailed
from perdure.observe.logs import JsonFormatter, LogFormat, TextFormatter, write_logs
from perdure.worker.serving import Worker
from tests.server.process import ServerProcess
from tests.worker.test_serving import Threaded


def record(message: str = "a run of workflow %r ended", *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("perdure.test").makeRecord(
        "perdure.test", logging.INFO, __file__, 1, message, args or ("ada",), None, extra=extra
    )


def test_a_line_of_json_has_the_fields_beside_the_words() -> None:
    line = json.loads(JsonFormatter().format(record(workflow_id="ada", attempt=2)))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "workflow_id": "ada",
        "attempt": 2,
        "level": "info",
        "logger": "perdure.test",
        "message": "a run of workflow 'ada' ended",
    }


def test_a_line_of_json_stays_one_line_whatever_is_in_it() -> None:
    try:
        raise ValueError("first\nsecond \ud800")
    except ValueError:
        failed = record(workflow_id="a\nb", level="mine", odd=Path("x"))
        failed.exc_info = sys.exc_info()
    text = JsonFormatter().format(failed)
    assert "\n" not in text
    line = json.loads(text.encode("ascii"))
    assert line["level"] == "info"
    assert line["odd"] == "x"
    assert line["stack"].startswith("Traceback")


def test_a_line_of_text_ends_with_the_fields_quoted_where_need_be() -> None:
    text = TextFormatter().format(record(workflow_id="ada", status="so so", empty=""))
    assert text.endswith('INFO perdure.test: a run of workflow \'ada\' ended [workflow_id=ada status="so so" empty=""]')
    assert TextFormatter().format(record()).endswith("ended")


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    root, http = logging.getLogger(), logging.getLogger("uvicorn")
    before = root.handlers[:], root.level, http.level
    yield
    root.handlers[:], root.level, http.level = before


@pytest.mark.usefixtures("logging_as_it_was")
def test_what_is_below_the_level_is_not_written_and_the_http_server_says_no_more_than_warnings() -> None:
    stream = io.StringIO()
    write_logs(stream, log_format=LogFormat.JSON, level="info")
    logging.getLogger("perdure.engine").debug("little")
    logging.getLogger("perdure.engine").info("more")
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.error").warning("odd")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["more", "odd"]


SECRET = "tomato-4711"


class Careless(Workflow[str, str]):
    """Fails for good at the second attempt, with a value in every place where one can be."""

    kept: Attribute[str] = Attribute()
    box: Channel[str] = Channel()

    @state(start=True, retry=Retry(attempts=2, first=1))
    def work(self, text: str) -> Decision:
        self.kept = text
        self.box.publish(text)
        raise LookupError("nothing there")


class Careful(Workflow[str, str]):
    @state(start=True)
    def work(self, text: str) -> Decision:
        return complete(text)


def lines_of(server: ServerProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.output]


def test_every_line_of_a_server_is_json_with_the_names_of_what_it_is_about_and_no_value(tmp_path: Path) -> None:
    worker = Threaded(uvicorn.Config(Worker(Careless(), Careful()).asgi_app(), log_config=None))
    with (
        ServerProcess(tmp_path, "--log-format", "json", "--log-level", "debug") as server,
        worker as worker_url,
        connect(server.url, worker_url=worker_url) as client,
    ):
        failing = client.start(Careless, "w1", SECRET)
        run_id = failing.describe().run_id
        with pytest.raises(WorkflowFailed):
            failing.result(timeout=60)
        assert client.start(Careful, "w2", SECRET).result(timeout=60) == SECRET
    lines = lines_of(server)
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(line) for line in lines))
    assert lines[0]["url"] == server.url
    assert lines[-1]["message"] == "stopped; everything is written"

    about = [line for line in lines if line.get("workflow_id") == "w1"]
    assert all((line["run_id"], line["workflow_type"]) == (run_id, "Careless") for line in about)
    began, first, second, ended = about
    assert (began["level"], began["message"]) == ("debug", "a run of workflow 'w1' began")
    attempts = [
        (line["level"], line["state_execution_id"], line["attempt"], line["gives_up"]) for line in (first, second)
    ]
    assert attempts == [("warning", "work-1", 1, False), ("warning", "work-1", 2, True)]
    assert first["error_type"] == "LookupError"
    assert "LookupError: nothing there" in first["message"] + first.get("stack", "")
    assert (ended["level"], ended["status"]) == ("info", "FAILED")
    assert ended["error_type"] == "STATE_API_FAIL_ERROR_TYPE"
    assert [line["message"] for line in lines if line.get("workflow_id") == "w2"] == [
        "a run of workflow 'w2' began",
        "a run of workflow 'w2' ended: COMPLETED",
    ]
    assert SECRET not in "\n".join(server.output)


def test_a_server_says_in_words_what_went_wrong_and_no_more_than_it_is_asked_to(tmp_path: Path) -> None:
    worker = Threaded(uvicorn.Config(Worker(Careless()).asgi_app(), log_config=None))
    with (
        ServerProcess(tmp_path, env={"PERDURE_LOG_LEVEL": "ERROR"}) as quiet,
        worker as worker_url,
        connect(quiet.url, worker_url=worker_url) as client,
        pytest.raises(WorkflowFailed),
    ):
        client.start(Careless, "w1", SECRET).result(timeout=60)
    assert len(quiet.output) == 5, quiet.output  # who it is, where it is, how to stop it, that it has

    worker = Threaded(uvicorn.Config(Worker(Careless()).asgi_app(), log_config=None))
    with (
        ServerProcess(tmp_path) as server,
        worker as worker_url,
        connect(server.url, worker_url=worker_url) as client,
        pytest.raises(WorkflowFailed),
    ):
        client.start(Careless, "w2", SECRET).result(timeout=60)
    (ended,) = [line for line in server.output if "ended" in line]
    assert "INFO perdure.engine.reporter: a run of workflow 'w2' ended: FAILED [workflow_id=w2 run_id=" in ended
