"""Options of states and of starts, with the rules for old and new names of one option.

Where both names of a state's option are given, the old one counts; of the two names of an id reuse
policy, the new one does. So does iWF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from perdure.model.attributes import LOAD_ALL, Loading, LoadingPolicy
from perdure.model.ids import StateId
from perdure.model.options import (
    DEFAULT_CALL_TIMEOUT_MS,
    CallOptions,
    ExecutingStatesMode,
    IdReusePolicy,
    RetryPolicy,
    StartOptions,
    StateOptions,
    WorkflowConfig,
)

Fields = dict[str, Any]

_LOADING = {
    "LOAD_ALL_WITHOUT_LOCKING": Loading.ALL,
    "LOAD_ALL_WITH_PARTIAL_LOCK": Loading.ALL,
    "LOAD_PARTIAL_WITHOUT_LOCKING": Loading.PARTIAL,
    "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK": Loading.PARTIAL,
    "LOAD_NONE": Loading.NONE,
}
_LOCKING = frozenset({"LOAD_ALL_WITH_PARTIAL_LOCK", "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK"})
_OLD_REUSE = {
    "ALLOW_DUPLICATE": IdReusePolicy.ALLOW_IF_NO_RUNNING,
    "ALLOW_DUPLICATE_FAILED_ONLY": IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED,
    "REJECT_DUPLICATE": IdReusePolicy.DISALLOW,
    "TERMINATE_IF_RUNNING": IdReusePolicy.TERMINATE_IF_RUNNING,
}
_MISSPELT_REUSE = "ALLOW_IF_PREVIOUS_EXISTS_ABNORMALLY"
_DEFAULT_RETRY = RetryPolicy()
_DEFAULT_CALL = CallOptions()
_DEFAULT_STATE = StateOptions()


_LOADING_NAMES = {
    (Loading.ALL, False): "LOAD_ALL_WITHOUT_LOCKING",
    (Loading.ALL, True): "LOAD_ALL_WITH_PARTIAL_LOCK",
    (Loading.PARTIAL, False): "LOAD_PARTIAL_WITHOUT_LOCKING",
    (Loading.PARTIAL, True): "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK",
    (Loading.NONE, False): "LOAD_NONE",
    # A lock on nothing that is loaded has no name of its own: a partial load of no keys is the same.
    (Loading.NONE, True): "LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK",
}


@dataclass(frozen=True, slots=True)
class _CallNames:
    """The names of one method's options, the strongest first."""

    timeout: tuple[str, ...]
    retry: tuple[str, ...]
    data: tuple[str, ...]
    search: tuple[str, ...]

    @classmethod
    def of(cls, *, old: str, new: str) -> Self:
        return cls(
            timeout=(f"{old}ApiTimeoutSeconds", f"{new}ApiTimeoutSeconds"),
            retry=(f"{old}ApiRetryPolicy", f"{new}ApiRetryPolicy"),
            data=(f"{new}ApiDataAttributesLoadingPolicy", "dataAttributesLoadingPolicy", "dataObjectsLoadingPolicy"),
            search=(f"{new}ApiSearchAttributesLoadingPolicy", "searchAttributesLoadingPolicy"),
        )


_WAIT_UNTIL = _CallNames.of(old="start", new="waitUntil")
_EXECUTE = _CallNames.of(old="decide", new="execute")
_SKIP = ("skipStartApi", "skipWaitUntil")
_WAIT_UNTIL_FAILURE = ("startApiFailurePolicy", "waitUntilApiFailurePolicy")


def decode_loading(fields: Fields | None) -> LoadingPolicy:
    """Without a type everything is loaded; locks count only in a type that locks."""
    if not fields:
        return LOAD_ALL
    kind = fields.get("persistenceLoadingType", "LOAD_ALL_WITHOUT_LOCKING")
    load = _LOADING[kind]
    return LoadingPolicy(
        load=load,
        keys=tuple(fields.get("partialLoadingKeys", ())) if load is Loading.PARTIAL else (),
        keys_are_prefixes=fields.get("useKeyAsPrefix", False),
        locks=tuple(fields.get("lockingKeys", ())) if kind in _LOCKING else None,
    )


def decode_state_options(fields: Fields | None) -> StateOptions:
    if not fields:
        return _DEFAULT_STATE
    recovers = fields.get("executeApiFailurePolicy") == "PROCEED_TO_CONFIGURED_STATE"
    recover_state_id = fields.get("executeApiFailureProceedStateId") if recovers else None
    recover_options = fields.get("executeApiFailureProceedStateOptions") if recover_state_id else None
    return StateOptions(
        skip_wait_until=bool(_first(fields, _SKIP)),
        wait_until=_decode_call_options(fields, _WAIT_UNTIL),
        execute=_decode_call_options(fields, _EXECUTE),
        proceed_on_wait_until_failure=_first(fields, _WAIT_UNTIL_FAILURE)
        in ("PROCEED_TO_DECIDE_ON_START_API_FAILURE", "PROCEED_ON_FAILURE"),
        recover_state_id=StateId(recover_state_id) if recover_state_id else None,
        recover_options=None if recover_options is None else decode_state_options(recover_options),
    )


def _decode_call_options(fields: Fields, names: _CallNames) -> CallOptions:
    timeout_seconds = _first(fields, names.timeout) or 0
    retry = _first(fields, names.retry)
    data, search = _first(fields, names.data), _first(fields, names.search)
    if timeout_seconds <= 0 and not retry and not data and not search:
        return _DEFAULT_CALL
    return CallOptions(
        timeout_ms=timeout_seconds * 1000 if timeout_seconds > 0 else DEFAULT_CALL_TIMEOUT_MS,
        retry=_decode_call_retry(retry),
        data_loading=decode_loading(data),
        search_loading=decode_loading(search),
    )


def _decode_call_retry(fields: Fields | None) -> RetryPolicy:
    """Take the nearest policy that can be followed: on an impossible one iWF never calls at all."""
    if not fields:
        return _DEFAULT_RETRY
    policy = _decode_retry(fields)
    return RetryPolicy(
        initial_interval_ms=max(0, policy.initial_interval_ms),
        backoff_coefficient=max(1.0, policy.backoff_coefficient),
        maximum_interval_ms=max(0, policy.maximum_interval_ms),
        maximum_attempts=max(0, policy.maximum_attempts),
        maximum_duration_ms=max(0, fields.get("maximumAttemptsDurationSeconds", 0) * 1000),
    )


def _decode_retry(fields: Fields) -> RetryPolicy:
    """A zero counts as not given. Impossible values are kept, for whoever starts the run to refuse."""
    initial = fields.get("initialIntervalSeconds")
    maximum = fields.get("maximumIntervalSeconds")
    return RetryPolicy(
        initial_interval_ms=initial * 1000 if initial else _DEFAULT_RETRY.initial_interval_ms,
        backoff_coefficient=fields.get("backoffCoefficient") or _DEFAULT_RETRY.backoff_coefficient,
        maximum_interval_ms=maximum * 1000 if maximum else _DEFAULT_RETRY.maximum_interval_ms,
        maximum_attempts=fields.get("maximumAttempts", 0),
    )


def decode_config(fields: Fields | None) -> WorkflowConfig:
    fields = fields or {}
    mode = fields.get("executingStateIdMode")
    return WorkflowConfig(
        executing_states=None if mode is None else ExecutingStatesMode(mode),
        continue_as_new_threshold=fields.get("continueAsNewThreshold"),
        continue_as_new_page_bytes=fields.get("continueAsNewPageSizeInBytes"),
        optimize_activity=fields.get("optimizeActivity"),
        optimize_timer=fields.get("optimizeTimer"),
        disable_system_search_attribute=fields.get("disableSystemSearchAttribute"),
    )


def decode_start_options(start: Fields) -> StartOptions:
    """Read the options of a start request from the whole of it: some stand outside the options."""
    fields = start.get("workflowStartOptions", {})
    retry = fields.get("retryPolicy")
    taken = fields.get("workflowAlreadyStartedOptions", {})
    return StartOptions(
        id_reuse=_decode_reuse(fields),
        timeout_ms=start.get("workflowTimeoutSeconds", 0) * 1000,
        delay_ms=fields.get("workflowStartDelaySeconds", 0) * 1000,
        retry=None if retry is None else _decode_retry(retry),
        cron=fields.get("cronSchedule") or None,
        ignore_already_started=taken.get("ignoreAlreadyStartedError", False),
        request_id=taken.get("requestId"),
        wait_for_states=frozenset(StateId(state) for state in start.get("waitForCompletionStateIds", ())),
        wait_for_state_executions=frozenset(start.get("waitForCompletionStateExecutionIds", ())),
        config=decode_config(fields.get("workflowConfigOverride")),
        use_memo=fields.get("useMemoForDataAttributes", False),
    )


def _decode_reuse(fields: Fields) -> IdReusePolicy:
    new = fields.get("idReusePolicy")
    if new == _MISSPELT_REUSE:
        return IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED
    if new is not None:
        return IdReusePolicy(new)
    old = fields.get("workflowIDReusePolicy")
    return IdReusePolicy.ALLOW_IF_NO_RUNNING if old is None else _OLD_REUSE[old]


def encode_loading(policy: LoadingPolicy) -> Fields:
    fields: Fields = {"persistenceLoadingType": _LOADING_NAMES[policy.load, policy.locks is not None]}
    if policy.keys:
        fields["partialLoadingKeys"] = list(policy.keys)
    if policy.locks:
        fields["lockingKeys"] = list(policy.locks)
    if policy.keys_are_prefixes:
        fields["useKeyAsPrefix"] = True
    return fields


def encode_state_options(options: StateOptions) -> Fields:
    """Return what differs from the defaults, by the new names. Durations are rounded up to whole seconds."""
    fields = {
        **_encode_call_options(options.wait_until, "waitUntil"),
        **_encode_call_options(options.execute, "execute"),
    }
    if options.skip_wait_until:
        fields["skipWaitUntil"] = True
    if options.proceed_on_wait_until_failure:
        fields["waitUntilApiFailurePolicy"] = "PROCEED_ON_FAILURE"
    if options.recover_state_id is not None:
        fields["executeApiFailurePolicy"] = "PROCEED_TO_CONFIGURED_STATE"
        fields["executeApiFailureProceedStateId"] = options.recover_state_id
        if options.recover_options is not None:
            fields["executeApiFailureProceedStateOptions"] = encode_state_options(options.recover_options)
    return fields


def _encode_call_options(call: CallOptions, name: str) -> Fields:
    fields: Fields = {}
    if call.timeout_ms != DEFAULT_CALL_TIMEOUT_MS:
        fields[f"{name}ApiTimeoutSeconds"] = _seconds(call.timeout_ms)
    if call.retry != _DEFAULT_RETRY:
        fields[f"{name}ApiRetryPolicy"] = {
            **encode_retry(call.retry),
            "maximumAttemptsDurationSeconds": _seconds(call.retry.maximum_duration_ms),
        }
    if call.data_loading != LOAD_ALL:
        fields[f"{name}ApiDataAttributesLoadingPolicy"] = encode_loading(call.data_loading)
    if call.search_loading != LOAD_ALL:
        fields[f"{name}ApiSearchAttributesLoadingPolicy"] = encode_loading(call.search_loading)
    return fields


def encode_retry(policy: RetryPolicy) -> Fields:
    """Return a policy as a workflow's; one of a call may also limit its whole duration."""
    return {
        "initialIntervalSeconds": _seconds(policy.initial_interval_ms),
        "backoffCoefficient": policy.backoff_coefficient,
        "maximumIntervalSeconds": _seconds(policy.maximum_interval_ms),
        "maximumAttempts": policy.maximum_attempts,
    }


def _seconds(ms: int) -> int:
    return -(-ms // 1000)


def _first(fields: Fields, names: tuple[str, ...]) -> Any:
    """Return the first field that is there, the strongest name first."""
    for name in names:
        if name in fields:
            return fields[name]
    return None
