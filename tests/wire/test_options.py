from typing import Any

import pytest

from perdure.model.attributes import LOAD_ALL, LOAD_NONE, Loading, LoadingPolicy
from perdure.model.ids import StateId
from perdure.model.options import (
    CallOptions,
    ExecutingStatesMode,
    IdReusePolicy,
    RetryPolicy,
    StartOptions,
    StateOptions,
    WorkflowConfig,
)
from perdure.wire.options import (
    decode_config,
    decode_loading,
    decode_start_options,
    decode_state_options,
    encode_loading,
    encode_state_options,
)


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        (None, LOAD_ALL),
        ({"partialLoadingKeys": ["a"], "lockingKeys": ["b"]}, LOAD_ALL),
        ({"persistenceLoadingType": "LOAD_ALL_WITHOUT_LOCKING", "lockingKeys": ["b"]}, LOAD_ALL),
        ({"persistenceLoadingType": "LOAD_NONE", "partialLoadingKeys": ["a"]}, LOAD_NONE),
        (
            {
                "persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING",
                "partialLoadingKeys": ["c", "a"],
                "lockingKeys": ["b"],
            },
            LoadingPolicy(Loading.PARTIAL, ("c", "a")),
        ),
        (
            {
                "persistenceLoadingType": "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK",
                "partialLoadingKeys": ["a"],
                "lockingKeys": ["b"],
            },
            LoadingPolicy(Loading.PARTIAL, ("a",), locks=("b",)),
        ),
        (
            {"persistenceLoadingType": "LOAD_ALL_WITH_PARTIAL_LOCK", "partialLoadingKeys": ["a"], "lockingKeys": ["b"]},
            LoadingPolicy(Loading.ALL, locks=("b",)),
        ),
        ({"persistenceLoadingType": "LOAD_ALL_WITH_PARTIAL_LOCK"}, LoadingPolicy(Loading.ALL, locks=())),
        (
            {
                "persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING",
                "partialLoadingKeys": ["a"],
                "useKeyAsPrefix": True,
            },
            LoadingPolicy(Loading.PARTIAL, ("a",), keys_are_prefixes=True),
        ),
    ],
)
def test_loading_policies(fields: dict[str, Any] | None, policy: LoadingPolicy) -> None:
    assert decode_loading(fields) == policy


PARTIAL_A = {"persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING", "partialLoadingKeys": ["a"]}
PARTIAL_B = {"persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING", "partialLoadingKeys": ["b"]}
PARTIAL_C = {"persistenceLoadingType": "LOAD_PARTIAL_WITHOUT_LOCKING", "partialLoadingKeys": ["c"]}
A, B = LoadingPolicy(Loading.PARTIAL, ("a",)), LoadingPolicy(Loading.PARTIAL, ("b",))


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        (None, StateOptions()),
        ({}, StateOptions()),
        ({"skipWaitUntil": True}, StateOptions(skip_wait_until=True)),
        ({"skipStartApi": False, "skipWaitUntil": True}, StateOptions()),
        (
            {"startApiTimeoutSeconds": 1, "waitUntilApiTimeoutSeconds": 2, "executeApiTimeoutSeconds": 3},
            StateOptions(wait_until=CallOptions(timeout_ms=1_000), execute=CallOptions(timeout_ms=3_000)),
        ),
        ({"waitUntilApiTimeoutSeconds": 0, "executeApiTimeoutSeconds": -1}, StateOptions()),
        (
            {"decideApiRetryPolicy": {"maximumAttempts": 2}, "executeApiRetryPolicy": {"maximumAttempts": 3}},
            StateOptions(execute=CallOptions(retry=RetryPolicy(maximum_attempts=2))),
        ),
        ({"waitUntilApiFailurePolicy": "PROCEED_ON_FAILURE"}, StateOptions(proceed_on_wait_until_failure=True)),
        (
            {
                "startApiFailurePolicy": "FAIL_WORKFLOW_ON_START_API_FAILURE",
                "waitUntilApiFailurePolicy": "PROCEED_ON_FAILURE",
            },
            StateOptions(),
        ),
        (
            {"startApiFailurePolicy": "PROCEED_TO_DECIDE_ON_START_API_FAILURE"},
            StateOptions(proceed_on_wait_until_failure=True),
        ),
        (
            {
                "executeApiFailurePolicy": "PROCEED_TO_CONFIGURED_STATE",
                "executeApiFailureProceedStateId": "Undo",
                "executeApiFailureProceedStateOptions": {"skipWaitUntil": True},
            },
            StateOptions(recover_state_id=StateId("Undo"), recover_options=StateOptions(skip_wait_until=True)),
        ),
        (
            {"executeApiFailurePolicy": "PROCEED_TO_CONFIGURED_STATE", "executeApiFailureProceedStateId": ""},
            StateOptions(),
        ),
        ({"executeApiFailureProceedStateId": "Undo"}, StateOptions()),
        (
            {
                "dataObjectsLoadingPolicy": PARTIAL_C,
                "dataAttributesLoadingPolicy": PARTIAL_A,
                "executeApiDataAttributesLoadingPolicy": PARTIAL_B,
            },
            StateOptions(wait_until=CallOptions(data_loading=A), execute=CallOptions(data_loading=B)),
        ),
        (
            {"dataObjectsLoadingPolicy": PARTIAL_A},
            StateOptions(wait_until=CallOptions(data_loading=A), execute=CallOptions(data_loading=A)),
        ),
        (
            {"searchAttributesLoadingPolicy": PARTIAL_A, "waitUntilApiSearchAttributesLoadingPolicy": PARTIAL_B},
            StateOptions(wait_until=CallOptions(search_loading=B), execute=CallOptions(search_loading=A)),
        ),
    ],
)
def test_state_options_and_the_precedence_of_their_names(fields: dict[str, Any] | None, options: StateOptions) -> None:
    assert decode_state_options(fields) == options


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ({}, RetryPolicy()),
        ({"initialIntervalSeconds": 3}, RetryPolicy(initial_interval_ms=3_000)),
        ({"initialIntervalSeconds": 0, "maximumIntervalSeconds": 0, "backoffCoefficient": 0.0}, RetryPolicy()),
        (
            {
                "initialIntervalSeconds": 2,
                "backoffCoefficient": 1.5,
                "maximumIntervalSeconds": 9,
                "maximumAttempts": 4,
                "maximumAttemptsDurationSeconds": 60,
            },
            RetryPolicy(2_000, 1.5, 9_000, 4, 60_000),
        ),
        (
            {
                "initialIntervalSeconds": -2,
                "backoffCoefficient": 0.5,
                "maximumIntervalSeconds": -9,
                "maximumAttempts": -4,
                "maximumAttemptsDurationSeconds": -1,
            },
            RetryPolicy(0, 1.0, 0, 0, 0),
        ),
    ],
)
def test_a_calls_retry_policy_is_the_nearest_that_can_be_followed(fields: dict[str, Any], policy: RetryPolicy) -> None:
    assert decode_state_options({"executeApiRetryPolicy": fields}).execute.retry == policy


def test_a_workflows_retry_policy_is_kept_as_given() -> None:
    options = decode_start_options(
        {"workflowStartOptions": {"retryPolicy": {"maximumAttempts": -1, "backoffCoefficient": 0.5}}}
    )

    assert options.retry == RetryPolicy(backoff_coefficient=0.5, maximum_attempts=-1)


@pytest.mark.parametrize(
    ("fields", "policy"),
    [
        ({}, IdReusePolicy.ALLOW_IF_NO_RUNNING),
        ({"idReusePolicy": "ALLOW_IF_NO_RUNNING"}, IdReusePolicy.ALLOW_IF_NO_RUNNING),
        ({"idReusePolicy": "ALLOW_IF_PREVIOUS_EXITS_ABNORMALLY"}, IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED),
        ({"idReusePolicy": "ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY"}, IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED),
        ({"idReusePolicy": "DISALLOW_REUSE"}, IdReusePolicy.DISALLOW),
        ({"idReusePolicy": "ALLOW_TERMINATE_IF_RUNNING"}, IdReusePolicy.TERMINATE_IF_RUNNING),
        ({"workflowIDReusePolicy": "ALLOW_DUPLICATE"}, IdReusePolicy.ALLOW_IF_NO_RUNNING),
        ({"workflowIDReusePolicy": "ALLOW_DUPLICATE_FAILED_ONLY"}, IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED),
        ({"workflowIDReusePolicy": "REJECT_DUPLICATE"}, IdReusePolicy.DISALLOW),
        ({"workflowIDReusePolicy": "TERMINATE_IF_RUNNING"}, IdReusePolicy.TERMINATE_IF_RUNNING),
        ({"workflowIDReusePolicy": "TERMINATE_IF_RUNNING", "idReusePolicy": "DISALLOW_REUSE"}, IdReusePolicy.DISALLOW),
    ],
)
def test_id_reuse_policies_of_both_generations(fields: dict[str, Any], policy: IdReusePolicy) -> None:
    assert decode_start_options({"workflowStartOptions": fields}).id_reuse is policy


def test_start_options_stand_in_two_places() -> None:
    options = decode_start_options(
        {
            "workflowTimeoutSeconds": 10,
            "waitForCompletionStateIds": ["A"],
            "waitForCompletionStateExecutionIds": ["B-1"],
            "workflowStartOptions": {
                "cronSchedule": "* * * * *",
                "workflowStartDelaySeconds": -5,
                "workflowConfigOverride": {"continueAsNewThreshold": 0},
                "useMemoForDataAttributes": True,
                "workflowAlreadyStartedOptions": {"ignoreAlreadyStartedError": True, "requestId": ""},
            },
        }
    )

    assert options == StartOptions(
        timeout_ms=10_000,
        delay_ms=-5_000,
        cron="* * * * *",
        ignore_already_started=True,
        request_id="",
        wait_for_states=frozenset({StateId("A")}),
        wait_for_state_executions=frozenset({"B-1"}),
        config=WorkflowConfig(continue_as_new_threshold=0),
        use_memo=True,
    )


def test_an_empty_schedule_is_none() -> None:
    assert decode_start_options({"workflowStartOptions": {"cronSchedule": ""}}) == StartOptions()


def test_config_keeps_what_is_not_given_apart_from_what_is_off() -> None:
    assert decode_config({"executingStateIdMode": "DISABLED", "optimizeTimer": False}) == WorkflowConfig(
        executing_states=ExecutingStatesMode.NONE, optimize_timer=False
    )


@pytest.mark.parametrize(
    "policy",
    [
        LOAD_ALL,
        LOAD_NONE,
        LoadingPolicy(Loading.ALL, locks=()),
        LoadingPolicy(Loading.ALL, locks=("a",)),
        LoadingPolicy(Loading.PARTIAL, ("a", "b"), keys_are_prefixes=True),
        LoadingPolicy(Loading.PARTIAL, ("a",), locks=("b",)),
    ],
)
def test_a_loading_policy_is_read_as_it_was_written(policy: LoadingPolicy) -> None:
    assert decode_loading(encode_loading(policy)) == policy


@pytest.mark.parametrize(
    "options",
    [
        StateOptions(),
        StateOptions(
            skip_wait_until=True,
            execute=CallOptions(5_000, RetryPolicy(2_000, 1.5, 9_000, 4, 60_000), LOAD_NONE, LOAD_NONE),
            recover_state_id=StateId("R"),
            recover_options=StateOptions(wait_until=CallOptions(timeout_ms=1_000)),
        ),
        StateOptions(proceed_on_wait_until_failure=True, recover_state_id=StateId("R")),
    ],
)
def test_a_states_options_are_read_as_they_were_written(options: StateOptions) -> None:
    assert decode_state_options(encode_state_options(options)) == options


def test_a_lock_on_nothing_loaded_is_still_a_lock() -> None:
    locked = LoadingPolicy(Loading.NONE, locks=("a",))

    assert decode_loading(encode_loading(locked)) == LoadingPolicy(Loading.PARTIAL, locks=("a",))
