from dataclasses import replace

import pytest

from perdure.iwf.command_results import (
    CommandResults,
    InternalChannelCommandResult,
    SignalChannelCommandResult,
    TimerCommandResult,
    results_of,
)
from perdure.iwf.communication_schema import CommunicationMethod
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models import ChannelRequestStatus, TimerStatus
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.type_store import Type, TypeStore
from perdure.model.calls import LoadedAttributes, StateCall, StateMethod
from perdure.model.conditions import ChannelKind, ChannelResult, TimerResult
from perdure.model.ids import StateExecutionId, StateId
from perdure.model.value import EMPTY_VALUE, EncodedValue

CALL = StateCall(StateMethod.EXECUTE, StateExecutionId("S-1"), StateId("S"), None, LoadedAttributes())
TYPES = TypeStore(Type.INTERNAL_CHANNEL)
TYPES.add_internal_channel_def(CommunicationMethod.internal_channel_def("c", tuple[int, ...]))
TYPES.add_internal_channel_def(CommunicationMethod.internal_channel_def("bare", None))


def opened(call: StateCall) -> CommandResults:
    return results_of(call, internal_types=TYPES, signal_types={"s": tuple[str, ...]}, encoder=ObjectEncoder.default)


def test_each_command_has_its_result_also_where_nothing_came() -> None:
    received, waiting = ChannelRequestStatus.RECEIVED, ChannelRequestStatus.WAITING
    numbers, words = EncodedValue("[1,2]", "json/plain"), EncodedValue('["a"]', "json")
    call = replace(
        CALL,
        results=(
            TimerResult("t", fired=True),
            TimerResult("", fired=False),
            ChannelResult("", "s", ChannelKind.SIGNAL, True, (words,)),
            ChannelResult("", "unknown", ChannelKind.SIGNAL, True, (words,)),
            ChannelResult("i", "c", ChannelKind.INTERNAL, True, (numbers,)),
            ChannelResult("j", "c", ChannelKind.INTERNAL, False),
            ChannelResult("k", "bare", ChannelKind.INTERNAL, True, (None,)),
            ChannelResult("l", "bare", ChannelKind.INTERNAL, True, (EMPTY_VALUE,)),
        ),
    )

    assert opened(call) == CommandResults(
        [TimerCommandResult(TimerStatus.FIRED, "t"), TimerCommandResult(TimerStatus.SCHEDULED, "")],
        [
            InternalChannelCommandResult("c", (1, 2), received, "i"),
            InternalChannelCommandResult("c", None, waiting, "j"),
            InternalChannelCommandResult("bare", None, received, "k"),
            InternalChannelCommandResult("bare", None, received, "l"),
        ],
        [
            SignalChannelCommandResult("s", ("a",), received, ""),
            SignalChannelCommandResult("unknown", ["a"], received, ""),
        ],
        wait_until_api_succeeded=True,
    )


def test_whether_the_wait_could_be_asked_for() -> None:
    assert opened(CALL).wait_until_api_succeeded is None
    assert opened(replace(CALL, wait_until_failed=True)).wait_until_api_succeeded is False


def test_an_undeclared_internal_channel_is_told() -> None:
    call = replace(CALL, results=(ChannelResult("", "other", ChannelKind.INTERNAL, False),))

    with pytest.raises(WorkflowDefinitionError, match="channel_name is not defined other"):
        opened(call)
