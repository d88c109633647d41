import json

import pytest

from perdure.model.attributes import DataAttribute, SearchAttribute, SearchAttributeType
from perdure.model.conditions import ChannelCondition, ChannelKind, TimerCondition, Wait
from perdure.model.decisions import Movement
from perdure.model.dump import DumpedChannel, DumpedState, DumpedWait, RunDump
from perdure.model.errors import InvalidRequest
from perdure.model.ids import StateExecutionId, StateId, WorkflowId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import StateOutput
from perdure.model.requests import TimerRef
from perdure.model.value import EncodedValue
from perdure.wire.dump import checksum, encode_dump, encode_page
from perdure.wire.requests import Dump, Target

ONE, TWO = EncodedValue("1", "json"), EncodedValue("2", "json")
WAITING = DumpedState(
    StateExecutionId("Verify-2"),
    Movement(StateId("Verify"), ONE),
    DumpedWait(
        Wait(
            (
                TimerCondition("late", duration_ms=60_000),
                ChannelCondition("mail", ChannelKind.SIGNAL),
                TimerCondition("soon", duration_ms=1),
                ChannelCondition("post", ChannelKind.INTERNAL, at_least=2, at_most=2),
                ChannelCondition("more", ChannelKind.INTERNAL),
            )
        ),
        due_ms=(1_000_060_000, None, 1_000_000_001, None, None),
        met=(False, True, True, True, False),
        taken=((), (ONE,), (), (ONE, None), ()),
        skipped=(False, False, True, False, False),
    ),
    (DataAttribute("local", TWO),),
)
FULL = RunDump(
    config=WorkflowConfig(continue_as_new_threshold=7),
    queued=(Movement(StateId("Later"), TWO),),
    states=(WAITING, DumpedState(StateExecutionId("Call-1"), Movement(StateId("Call")))),
    started_counts=((StateId("Verify"), 2), (StateId("Call"), 1)),
    channels=(
        DumpedChannel(ChannelKind.INTERNAL, "queue", (ONE, None)),
        DumpedChannel(ChannelKind.SIGNAL, "bell", (TWO,)),
    ),
    outputs=(StateOutput(StateId("Done"), StateExecutionId("Done-1"), ONE),),
    skips=(TimerRef(StateExecutionId("Verify-3"), None, 1),),
    data=(DataAttribute("d", ONE),),
    search=(SearchAttribute("s", SearchAttributeType.INT, 5),),
)
ENCODED_ONE, ENCODED_TWO = {"encoding": "json", "data": "1"}, {"encoding": "json", "data": "2"}


def asking(page_bytes: int, page: int) -> Dump:
    return Dump(Target(WorkflowId("w"), None), page_bytes, page)


def test_a_run_is_told_in_iwf_s_layout() -> None:
    told = encode_dump(FULL)
    state = told["StateExecutionsToResume"].pop("Verify-2")

    assert state["stateExecutionCompletedCommands"] == {
        "completedTimerCommands": {"0": "Pending", "1": "Skipped"},
        "completedSignalCommands": {"0": ENCODED_ONE},
        "completedInterStateChannelCommands": {"0": [ENCODED_ONE, None]},
    }
    assert state["commandRequest"]["timerCommands"] == [
        {"commandId": "late", "firingUnixTimestampSeconds": 1_000_060},
        {"commandId": "soon", "firingUnixTimestampSeconds": 1_000_001},
    ]
    assert state["state"] == {"stateId": "Verify", "stateInput": ENCODED_ONE}
    assert state["stateExecutionLocals"] == [{"key": "local", "value": ENCODED_TWO}]
    assert told == {
        "StatesToStartFromBeginning": [{"stateId": "Later", "stateInput": ENCODED_TWO}],
        "StateExecutionsToResume": {
            "Call-1": {
                "stateExecutionId": "Call-1",
                "state": {"stateId": "Call"},
                "stateExecutionCompletedCommands": {
                    "completedTimerCommands": {},
                    "completedSignalCommands": {},
                    "completedInterStateChannelCommands": {},
                },
                "commandRequest": {},
                "stateExecutionLocals": None,
            }
        },
        "InterStateChannelReceived": {"queue": [ENCODED_ONE, None]},
        "SignalsReceived": {"bell": [ENCODED_TWO]},
        "StateExecutionCounterInfo": {
            "StateIdStartedCount": {"Verify": 2, "Call": 1},
            "StateIdCurrentlyExecutingCount": {"Verify": 1, "Call": 1},
            "TotalCurrentlyExecutingCount": 2,
        },
        "StateOutputs": [
            {"completedStateId": "Done", "completedStateExecutionId": "Done-1", "completedStateOutput": ENCODED_ONE}
        ],
        "StaleSkipTimerSignals": [{"StateExecutionId": "Verify-3", "TimerCommandId": "", "TimerCommandIndex": 1}],
        "DataObjects": [{"key": "d", "value": ENCODED_ONE}],
        "SearchAttributes": [{"key": "s", "valueType": "INT", "integerValue": 5}],
        "Config": {"continueAsNewThreshold": 7},
        "FiringTimersUnixTimestamps": [1_000_060],
    }


def test_what_is_empty_is_null_or_a_map_as_there() -> None:
    told = encode_dump(RunDump(WorkflowConfig()))

    assert {name for name, value in told.items() if value is None} == {
        "StatesToStartFromBeginning",
        "StateOutputs",
        "StaleSkipTimerSignals",
        "DataObjects",
        "SearchAttributes",
    }
    assert told["StateExecutionsToResume"] == told["SignalsReceived"] == told["InterStateChannelReceived"] == {}


def test_pages_put_together_are_the_whole_and_have_one_checksum() -> None:
    first = encode_page(FULL, asking(100, 0))
    pages = [encode_page(FULL, asking(100, number)) for number in range(first["totalPages"])]
    data = "".join(page["jsonData"] for page in pages)

    assert json.loads(data) == encode_dump(FULL)
    assert all(len(page["jsonData"]) == 100 for page in pages[:-1])
    assert {page["checksum"] for page in pages} == {checksum(data)}


@pytest.mark.parametrize("page", [-1, 1])
def test_a_page_that_is_not_there_is_named(page: int) -> None:
    with pytest.raises(InvalidRequest, match=f"pageNum is {page}, expected 0 to 0"):
        encode_page(RunDump(WorkflowConfig()), asking(1 << 20, page))


def test_a_checksum_is_the_bytes_of_an_md5_as_go_writes_them() -> None:
    """Of 0cc175b9 c0f1b6a8 31c399e2 69772661 only c399 is UTF-8 beyond ASCII."""
    assert checksum("a") == "\x0c\ufffdu\ufffd\ufffd\ufffd\ufffd\ufffd1\u00d9\ufffdiw&a"
