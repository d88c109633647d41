from __future__ import annotations

import pytest

from perdure.model.calls import StateMethod
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, WaitMode
from perdure.model.errors import WorkflowNotFound
from perdure.model.history import Fact, HistoryEntry, NamedValue
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId
from perdure.model.outcome import RunStatus
from perdure.model.progress import Awaited, CallProgress, RunProgress, Standing, StateProgress
from perdure.model.value import EncodedValue
from perdure.wire import document, inspection
from perdure.wire.document import Malformed

ADA = WorkflowId("ada")
VALUES = (EncodedValue(), EncodedValue("", ""), EncodedValue("x", "json"), EncodedValue(None, None, "store", "path"))


def test_a_history_comes_through_whole() -> None:
    entries = (
        HistoryEntry(1, 5, "started"),
        HistoryEntry(
            2,
            -7,
            "signal",
            "client",
            "because",
            (Fact("signal", "letters"), Fact("", "")),
            tuple(NamedValue(f"v{number}", value) for number, value in enumerate(VALUES)),
        ),
    )
    assert inspection.decode_history(document.write(inspection.encode_history(entries))) == entries
    assert inspection.decode_history(b"{}") == ()


@pytest.mark.parametrize(
    "progress",
    [
        RunProgress(ADA, RunId("r"), RunStatus.COMPLETED, 7),
        RunProgress(ADA, RunId("r"), RunStatus.RUNNING, 7, 1, 2, 3, rpcs_count=2, quarantine="it broke"),
        RunProgress(
            ADA,
            RunId("r"),
            RunStatus.RUNNING,
            7,
            states=(
                StateProgress(StateExecutionId("a-1"), StateId("a"), Standing.LOCKING),
                StateProgress(
                    StateExecutionId("b-1"),
                    StateId("b"),
                    Standing.RETRYING,
                    CallProgress(StateMethod.EXECUTE, 3, 9, 100, 200, ("no", "still no")),
                ),
                StateProgress(
                    StateExecutionId("c-1"),
                    StateId("c"),
                    Standing.CALLING,
                    CallProgress(StateMethod.WAIT_UNTIL, 1, 0, 100),
                ),
                StateProgress(
                    StateExecutionId("d-1"),
                    StateId("d"),
                    Standing.WAITING,
                    None,
                    WaitMode.COMBINATION,
                    (
                        Awaited(TimerCondition("t", 5, None, whole_seconds=True), due_ms=9),
                        Awaited(TimerCondition("u", None, 6), met=True, due_ms=6),
                        Awaited(ChannelCondition("x", ChannelKind.SIGNAL, "c", 0, 4)),
                        Awaited(ChannelCondition("", ChannelKind.INTERNAL)),
                    ),
                    (("t", "c"), ("u",)),
                ),
            ),
        ),
    ],
)
def test_progress_comes_through_whole(progress: RunProgress) -> None:
    body = document.write(inspection.encode_progress(progress))
    assert inspection.decode_progress(body, ADA) == progress


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"workflowStatus": "ASLEEP"}',
        b'{"workflowStatus": "RUNNING", "states": [{}]}',
        b'{"workflowStatus": "RUNNING", "states": [{"standing": "calling", "call": {}}]}',
    ],
)
def test_progress_that_is_none_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        inspection.decode_progress(body, ADA)


def test_a_request_for_a_history_says_which_part() -> None:
    fields = inspection.encode_history_request(after_seq=4, limit=9)
    request = inspection.decode_history_request(document.write({"workflowId": "ada", **fields}))
    assert (request.target.workflow_id, request.target.run_id, request.after_seq, request.limit) == (ADA, None, 4, 9)
    request = inspection.decode_history_request(b'{"workflowId": "ada"}')
    assert (request.after_seq, request.limit) == (0, 1_000)


def test_a_request_names_its_run() -> None:
    run_id = "0197A0B0-0000-7000-8000-000000000000"
    target = inspection.decode_progress_request(document.write({"workflowId": "ada", "workflowRunId": run_id}))
    assert target.run_id == run_id.lower()
    with pytest.raises(WorkflowNotFound):
        inspection.decode_progress_request(b"{}")


def test_a_request_to_erase_says_why() -> None:
    fields = inspection.encode_erase_request("asked for")
    request = inspection.decode_erase_request(document.write({"workflowId": "ada", **fields}))
    assert (request.workflow_id, request.reason) == (ADA, "asked for")
    assert inspection.decode_erase_request(b'{"workflowId": "ada"}').reason == ""
    with pytest.raises(WorkflowNotFound):
        inspection.decode_erase_request(b"{}")
