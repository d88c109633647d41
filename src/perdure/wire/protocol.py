"""iWF's JSON objects, as shapes: every body that goes from a client to a server, to a worker, and back.

Old and new names of one thing stand side by side, because both are in use; which of them wins is
said where they are read (``options``, ``worker_answer``).
"""

from __future__ import annotations

from perdure.model.limits import ID_CHARACTERS_MAX
from perdure.wire.extension import KEY
from perdure.wire.shape import Choice, Flag, Later, ListOf, MapOf, Number, Object, Shape, Text, Whole

TEXT = Text()
FLAG = Flag()
INT32 = Whole(32)
INT64 = Whole(64)
NUMBER = Number()
TEXTS = ListOf(TEXT)
NAME = Text(characters_max=ID_CHARACTERS_MAX)
NAMES = ListOf(NAME)

# Values and attributes

ENCODED_OBJECT = Object({"encoding": TEXT, "data": TEXT, "extStoreId": TEXT, "extPath": TEXT})
KEY_VALUE = Object({"key": NAME, "value": ENCODED_OBJECT})
SEARCH_TYPE = Choice(
    "SearchAttributeValueType", "KEYWORD", "TEXT", "DATETIME", "INT", "DOUBLE", "BOOL", "KEYWORD_ARRAY"
)
SEARCH_ATTRIBUTE = Object(
    {
        "key": NAME,
        "valueType": SEARCH_TYPE,
        "stringValue": TEXT,
        "integerValue": INT64,
        "doubleValue": NUMBER,
        "boolValue": FLAG,
        "stringArrayValue": TEXTS,
    }
)
SEARCH_KEY = Object({"key": NAME, "valueType": SEARCH_TYPE})
PUBLISHING = Object({"channelName": NAME, "value": ENCODED_OBJECT}, always=("channelName",))

# How states are called

LOADING_POLICY = Object(
    {
        "persistenceLoadingType": Choice(
            "PersistenceLoadingType",
            "LOAD_ALL_WITHOUT_LOCKING",
            "LOAD_PARTIAL_WITHOUT_LOCKING",
            "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK",
            "LOAD_NONE",
            "LOAD_ALL_WITH_PARTIAL_LOCK",
        ),
        "partialLoadingKeys": NAMES,
        "lockingKeys": NAMES,
        "useKeyAsPrefix": FLAG,
        "lazyLoadingLargeDataAttributes": FLAG,
    }
)
WORKFLOW_RETRY_POLICY = Object(
    {
        "initialIntervalSeconds": INT32,
        "backoffCoefficient": NUMBER,
        "maximumIntervalSeconds": INT32,
        "maximumAttempts": INT32,
    }
)
RETRY_POLICY = Object({**WORKFLOW_RETRY_POLICY.fields, "maximumAttemptsDurationSeconds": INT32})
STATE_OPTIONS: Object = Object(
    {
        "searchAttributesLoadingPolicy": LOADING_POLICY,
        "waitUntilApiSearchAttributesLoadingPolicy": LOADING_POLICY,
        "executeApiSearchAttributesLoadingPolicy": LOADING_POLICY,
        "dataObjectsLoadingPolicy": LOADING_POLICY,
        "dataAttributesLoadingPolicy": LOADING_POLICY,
        "waitUntilApiDataAttributesLoadingPolicy": LOADING_POLICY,
        "executeApiDataAttributesLoadingPolicy": LOADING_POLICY,
        "startApiTimeoutSeconds": INT32,
        "waitUntilApiTimeoutSeconds": INT32,
        "decideApiTimeoutSeconds": INT32,
        "executeApiTimeoutSeconds": INT32,
        "startApiRetryPolicy": RETRY_POLICY,
        "waitUntilApiRetryPolicy": RETRY_POLICY,
        "decideApiRetryPolicy": RETRY_POLICY,
        "executeApiRetryPolicy": RETRY_POLICY,
        "startApiFailurePolicy": Choice(
            "StartApiFailurePolicy", "FAIL_WORKFLOW_ON_START_API_FAILURE", "PROCEED_TO_DECIDE_ON_START_API_FAILURE"
        ),
        "waitUntilApiFailurePolicy": Choice(
            "WaitUntilApiFailurePolicy", "FAIL_WORKFLOW_ON_FAILURE", "PROCEED_ON_FAILURE"
        ),
        "executeApiFailurePolicy": Choice(
            "ExecuteApiFailurePolicy", "FAIL_WORKFLOW_ON_EXECUTE_API_FAILURE", "PROCEED_TO_CONFIGURED_STATE"
        ),
        "executeApiFailureProceedStateId": NAME,
        "executeApiFailureProceedStateOptions": Later(lambda: STATE_OPTIONS),
        "skipStartApi": FLAG,
        "skipWaitUntil": FLAG,
    }
)

# What a client sends

WORKFLOW_CONFIG = Object(
    {
        "disableSystemSearchAttribute": FLAG,
        "executingStateIdMode": Choice(
            "ExecutingStateIdMode", "ENABLED_FOR_ALL", "ENABLED_FOR_STATES_WITH_WAIT_UNTIL", "DISABLED"
        ),
        "continueAsNewThreshold": INT32,
        "continueAsNewPageSizeInBytes": INT32,
        "optimizeActivity": FLAG,
        "optimizeTimer": FLAG,
    }
)
START_OPTIONS = Object(
    {
        "workflowIDReusePolicy": Choice(
            "WorkflowIDReusePolicy",
            "ALLOW_DUPLICATE_FAILED_ONLY",
            "ALLOW_DUPLICATE",
            "REJECT_DUPLICATE",
            "TERMINATE_IF_RUNNING",
        ),
        "idReusePolicy": Choice(
            "IDReusePolicy",
            "ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY",
            "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY",
            "ALLOW_IF_NO_RUNNING",
            "DISALLOW_REUSE",
            "ALLOW_TERMINATE_IF_RUNNING",
        ),
        "cronSchedule": TEXT,
        "workflowStartDelaySeconds": INT32,
        "retryPolicy": WORKFLOW_RETRY_POLICY,
        "searchAttributes": ListOf(SEARCH_ATTRIBUTE),
        "dataAttributes": ListOf(KEY_VALUE),
        "workflowConfigOverride": WORKFLOW_CONFIG,
        "useMemoForDataAttributes": FLAG,
        "workflowAlreadyStartedOptions": Object({"ignoreAlreadyStartedError": FLAG, "requestId": NAME}),
    }
)
START = Object(
    {
        "workflowId": NAME,
        "iwfWorkflowType": NAME,
        "workflowTimeoutSeconds": INT32,
        "iwfWorkerUrl": TEXT,
        "startStateId": NAME,
        "waitForCompletionStateIds": NAMES,
        "waitForCompletionStateExecutionIds": NAMES,
        "stateInput": ENCODED_OBJECT,
        "stateOptions": STATE_OPTIONS,
        "workflowStartOptions": START_OPTIONS,
    }
)


_ASKED = Object({"version": INT32, "waitMs": INT64, "timeoutMs": INT64})


def _on_run(fields: dict[str, Shape]) -> Object:
    return Object({"workflowId": NAME, "workflowRunId": NAME, **fields})


SIGNAL = _on_run({"signalChannelName": NAME, "signalValue": ENCODED_OBJECT})
PUBLISH = _on_run({"messages": ListOf(PUBLISHING)})
STOP = _on_run({"reason": TEXT, "stopType": Choice("WorkflowStopType", "CANCEL", "TERMINATE", "FAIL")})
GET_DATA = _on_run({"keys": NAMES, "useMemoForDataAttributes": FLAG})
SET_DATA = _on_run({"objects": ListOf(KEY_VALUE)})
GET_SEARCH = _on_run({"keys": ListOf(SEARCH_KEY)})
SET_SEARCH = _on_run({"searchAttributes": ListOf(SEARCH_ATTRIBUTE)})
GET = _on_run({"needsResults": FLAG, "waitTimeSeconds": INT32, KEY: _ASKED})
SEARCH = Object({"query": TEXT, "pageSize": INT32, "nextPageToken": TEXT, KEY: _ASKED})
RESET = _on_run(
    {
        "resetType": Choice(
            "WorkflowResetType", "HISTORY_EVENT_ID", "BEGINNING", "HISTORY_EVENT_TIME", "STATE_ID", "STATE_EXECUTION_ID"
        ),
        "historyEventId": INT32,
        "reason": TEXT,
        "historyEventTime": TEXT,
        "stateId": NAME,
        "stateExecutionId": NAME,
        "skipSignalReapply": FLAG,
        "skipUpdateReapply": FLAG,
    }
)
SKIP_TIMER = _on_run({"workflowStateExecutionId": NAME, "timerCommandId": NAME, "timerCommandIndex": INT32})
UPDATE_CONFIG = _on_run({"workflowConfig": WORKFLOW_CONFIG})
TRIGGER_CONTINUE_AS_NEW = _on_run({})
RPC = _on_run(
    {
        "rpcName": NAME,
        "input": ENCODED_OBJECT,
        "searchAttributesLoadingPolicy": LOADING_POLICY,
        "dataAttributesLoadingPolicy": LOADING_POLICY,
        "timeoutSeconds": INT32,
        "useMemoForDataAttributes": FLAG,
        "searchAttributes": ListOf(SEARCH_KEY),
        KEY: _ASKED,
    }
)
WAIT_FOR_STATE = Object(
    {
        "workflowId": NAME,
        "stateExecutionId": NAME,
        "stateId": NAME,
        "waitForKey": NAME,
        "waitTimeSeconds": INT32,
        KEY: _ASKED,
    }
)
DUMP = _on_run({"pageSizeInBytes": INT32, "pageNum": INT32})

# What a client is answered

STARTED = Object({"workflowRunId": TEXT}, always=("workflowRunId",))
DATA_FOUND = Object({"objects": ListOf(KEY_VALUE)})
SEARCH_FOUND = Object({"searchAttributes": ListOf(SEARCH_ATTRIBUTE)})
RPC_RETURNED = Object({"output": ENCODED_OBJECT})
_COMPLETION = Object(
    {"completedStateId": TEXT, "completedStateExecutionId": TEXT, "completedStateOutput": ENCODED_OBJECT},
    always=("completedStateId", "completedStateExecutionId"),
)
STATE_COMPLETED = Object({"stateCompletionOutput": _COMPLETION})
_STATUS = Choice(
    "WorkflowStatus", "RUNNING", "COMPLETED", "FAILED", "TIMEOUT", "TERMINATED", "CANCELED", "CONTINUED_AS_NEW"
)
_OUTCOME: dict[str, Shape] = {
    "results": ListOf(_COMPLETION),
    "errorType": Choice(
        "WorkflowErrorType",
        "STATE_DECISION_FAILING_WORKFLOW_ERROR_TYPE",
        "CLIENT_API_FAILING_WORKFLOW_ERROR_TYPE",
        "STATE_API_FAIL_ERROR_TYPE",
        "INVALID_USER_WORKFLOW_CODE_ERROR_TYPE",
        "SERVER_INTERNAL_ERROR_TYPE",
    ),
    "errorMessage": TEXT,
}
_TOLD_OF_RUN: dict[str, Shape] = {
    "version": INT32,
    "workflowType": TEXT,
    "workflowStatus": _STATUS,
    "startedMs": INT64,
    "closedMs": INT64,
}
_ALWAYS_TOLD = ("workflowType", "workflowStatus", "startedMs")
RUN = Object(
    {
        "workflowRunId": TEXT,
        "workflowStatus": _STATUS,
        **_OUTCOME,
        KEY: Object({**_TOLD_OF_RUN, "workflowRunId": TEXT, **_OUTCOME}, always=(*_ALWAYS_TOLD, "workflowRunId")),
    },
    always=("workflowRunId", "workflowStatus"),
)
RUNS_FOUND = Object(
    {
        "workflowExecutions": ListOf(
            Object(
                {"workflowId": TEXT, "workflowRunId": TEXT, KEY: Object(_TOLD_OF_RUN, always=_ALWAYS_TOLD)},
                always=("workflowId", "workflowRunId"),
            )
        ),
        "nextPageToken": TEXT,
    }
)
REFUSED = Object(
    {
        "detail": TEXT,
        "subStatus": TEXT,
        "originalWorkerErrorDetail": TEXT,
        "originalWorkerErrorType": TEXT,
        "originalWorkerErrorStatus": INT32,
    }
)

# What a worker is asked

_CONTEXT = Object(
    {
        "workflowId": TEXT,
        "workflowRunId": TEXT,
        "workflowStartedTimestamp": INT64,
        "stateExecutionId": TEXT,
        "firstAttemptTimestamp": INT64,
        "attempt": INT32,
    },
    always=("workflowId", "workflowRunId", "workflowStartedTimestamp"),
)
_CALL: dict[str, Shape] = {
    "context": _CONTEXT,
    "workflowType": TEXT,
    "searchAttributes": ListOf(SEARCH_ATTRIBUTE),
}
_STATE_CALL: dict[str, Shape] = {
    **_CALL,
    "workflowStateId": TEXT,
    "stateInput": ENCODED_OBJECT,
    "dataObjects": ListOf(KEY_VALUE),
    "stateLocals": ListOf(KEY_VALUE),
}
_MESSAGES = ListOf(ENCODED_OBJECT, nulls=True)
_CHANNEL_STATUS = Choice("ChannelRequestStatus", "WAITING", "RECEIVED")
COMMAND_RESULTS = Object(
    {
        "stateWaitUntilFailed": FLAG,
        "timerResults": ListOf(Object({"commandId": TEXT, "timerStatus": Choice("TimerStatus", "SCHEDULED", "FIRED")})),
        "signalResults": ListOf(
            Object(
                {
                    "commandId": TEXT,
                    "signalChannelName": TEXT,
                    "signalRequestStatus": _CHANNEL_STATUS,
                    "signalValue": ENCODED_OBJECT,
                    "signalValues": _MESSAGES,
                },
                always=("signalChannelName",),
            )
        ),
        "interStateChannelResults": ListOf(
            Object(
                {
                    "commandId": TEXT,
                    "channelName": TEXT,
                    "requestStatus": _CHANNEL_STATUS,
                    "value": ENCODED_OBJECT,
                    "values": _MESSAGES,
                },
                always=("channelName",),
            )
        ),
    }
)
_REQUIRED_OF_CALL = ("context", "workflowType")
WAIT_UNTIL_CALL = Object(_STATE_CALL, always=(*_REQUIRED_OF_CALL, "workflowStateId"))
EXECUTE_CALL = Object(
    {**_STATE_CALL, "commandResults": COMMAND_RESULTS}, always=(*_REQUIRED_OF_CALL, "workflowStateId")
)
_SIZES = MapOf(Object({"size": INT32}))
RPC_CALL = Object(
    {
        **_CALL,
        "rpcName": TEXT,
        "input": ENCODED_OBJECT,
        "dataAttributes": ListOf(KEY_VALUE),
        "signalChannelInfos": _SIZES,
        "internalChannelInfos": _SIZES,
    },
    always=(*_REQUIRED_OF_CALL, "rpcName"),
)

# What a worker answers

TIMER_COMMAND = Object({"commandId": NAME, "firingUnixTimestampSeconds": INT64, "durationSeconds": INT64})
SIGNAL_COMMAND = Object(
    {"commandId": NAME, "signalChannelName": NAME, "atLeast": INT32, "atMost": INT32}, always=("signalChannelName",)
)
INTERNAL_COMMAND = Object(
    {"commandId": NAME, "channelName": NAME, "atLeast": INT32, "atMost": INT32}, always=("channelName",)
)
COMMAND_REQUEST = Object(
    {
        "deciderTriggerType": Choice(
            "DeciderTriggerType", "ALL_COMMAND_COMPLETED", "ANY_COMMAND_COMPLETED", "ANY_COMMAND_COMBINATION_COMPLETED"
        ),
        "commandWaitingType": Choice(
            "CommandWaitingType", "ALL_COMPLETED", "ANY_COMPLETED", "ANY_COMBINATION_COMPLETED"
        ),
        "timerCommands": ListOf(TIMER_COMMAND),
        "signalCommands": ListOf(SIGNAL_COMMAND),
        "interStateChannelCommands": ListOf(INTERNAL_COMMAND),
        "commandCombinations": ListOf(Object({"commandIds": NAMES})),
    }
)
STATE_MOVEMENT = Object(
    {"stateId": NAME, "stateInput": ENCODED_OBJECT, "stateOptions": STATE_OPTIONS, "waitForKey": NAME},
    always=("stateId",),
)
STATE_DECISION = Object(
    {
        "nextStates": ListOf(STATE_MOVEMENT),
        "conditionalClose": Object(
            {
                "conditionalCloseType": Choice(
                    "WorkflowConditionalCloseType",
                    "FORCE_COMPLETE_ON_INTERNAL_CHANNEL_EMPTY",
                    "FORCE_COMPLETE_ON_SIGNAL_CHANNEL_EMPTY",
                    "GRACEFUL_COMPLETE_ON_ALL_CHANNELS_EMPTY",
                ),
                "channelName": NAME,
                "closeInput": ENCODED_OBJECT,
            }
        ),
    }
)
_EVERY_ANSWER: dict[str, Shape] = {
    "upsertSearchAttributes": ListOf(SEARCH_ATTRIBUTE),
    "upsertStateLocals": ListOf(KEY_VALUE),
    "recordEvents": ListOf(KEY_VALUE),
    "publishToInterStateChannel": ListOf(PUBLISHING),
}
_STATE_ANSWER: dict[str, Shape] = {**_EVERY_ANSWER, "localActivityInput": TEXT, "upsertDataObjects": ListOf(KEY_VALUE)}
WAIT_UNTIL_ANSWER = Object({**_STATE_ANSWER, "commandRequest": COMMAND_REQUEST})
EXECUTE_ANSWER = Object({**_STATE_ANSWER, "stateDecision": STATE_DECISION})
RPC_ANSWER = Object(
    {
        **_EVERY_ANSWER,
        "output": ENCODED_OBJECT,
        "stateDecision": STATE_DECISION,
        "upsertDataAttributes": ListOf(KEY_VALUE),
    }
)
WORKER_ERROR = Object(
    {
        "detail": TEXT,
        "errorType": TEXT,
        KEY: Object({"version": INT32, "retryable": FLAG, "retryAfterMs": INT64}),
    }
)
