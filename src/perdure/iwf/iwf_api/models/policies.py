"""How states are called and runs are started, as users of iWF's SDK say it.

``loading``, ``retry`` and ``config`` give the model's words for them. A zero counts as not given.
"""

from __future__ import annotations

from dataclasses import dataclass

from perdure.iwf.iwf_api.models.choices import ExecutingStateIdMode, PersistenceLoadingType
from perdure.iwf.iwf_api.types import UNSET, Unset, given
from perdure.model import options as model
from perdure.model.attributes import LOAD_ALL, Loading, LoadingPolicy

_DEFAULT_RETRY = model.RetryPolicy()


@dataclass
class RetryPolicy:
    initial_interval_seconds: int | Unset = UNSET
    backoff_coefficient: float | Unset = UNSET
    maximum_interval_seconds: int | Unset = UNSET
    maximum_attempts: int | Unset = UNSET
    maximum_attempts_duration_seconds: int | Unset = UNSET
    """Of the first attempt and all that follow; 0: no limit."""


@dataclass
class WorkflowRetryPolicy:
    initial_interval_seconds: int | Unset = UNSET
    backoff_coefficient: float | Unset = UNSET
    maximum_interval_seconds: int | Unset = UNSET
    maximum_attempts: int | Unset = UNSET


@dataclass
class PersistenceLoadingPolicy:
    persistence_loading_type: PersistenceLoadingType | Unset = UNSET
    partial_loading_keys: list[str] | Unset = UNSET
    locking_keys: list[str] | Unset = UNSET
    use_key_as_prefix: bool | Unset = UNSET


@dataclass
class WorkflowAlreadyStartedOptions:
    ignore_already_started_error: bool
    request_id: str | Unset = UNSET


@dataclass
class WorkflowConfig:
    executing_state_id_mode: ExecutingStateIdMode | Unset = UNSET
    continue_as_new_threshold: int | Unset = UNSET
    continue_as_new_page_size_in_bytes: int | Unset = UNSET
    optimize_activity: bool | Unset = UNSET
    optimize_timer: bool | Unset = UNSET


_LOADING = {
    PersistenceLoadingType.LOAD_ALL_WITHOUT_LOCKING: (Loading.ALL, False),
    PersistenceLoadingType.LOAD_ALL_WITH_PARTIAL_LOCK: (Loading.ALL, True),
    PersistenceLoadingType.LOAD_PARTIAL_WITHOUT_LOCKING: (Loading.PARTIAL, False),
    PersistenceLoadingType.LOAD_PARTIAL_WITH_EXCLUSIVE_LOCK: (Loading.PARTIAL, True),
    PersistenceLoadingType.LOAD_NONE: (Loading.NONE, False),
}


def loading(policy: PersistenceLoadingPolicy | None) -> LoadingPolicy:
    """Without a type everything is loaded; locks count only in a type that locks."""
    if policy is None:
        return LOAD_ALL
    load, locks = _LOADING[given(policy.persistence_loading_type) or PersistenceLoadingType.LOAD_ALL_WITHOUT_LOCKING]
    return LoadingPolicy(
        load,
        tuple(given(policy.partial_loading_keys) or ()) if load is Loading.PARTIAL else (),
        keys_are_prefixes=bool(policy.use_key_as_prefix),
        locks=tuple(given(policy.locking_keys) or ()) if locks else None,
    )


def retry(policy: RetryPolicy | WorkflowRetryPolicy | None) -> model.RetryPolicy:
    if policy is None:
        return _DEFAULT_RETRY
    duration = policy.maximum_attempts_duration_seconds if isinstance(policy, RetryPolicy) else UNSET
    return model.RetryPolicy(
        initial_interval_ms=_ms(policy.initial_interval_seconds) or _DEFAULT_RETRY.initial_interval_ms,
        backoff_coefficient=given(policy.backoff_coefficient) or _DEFAULT_RETRY.backoff_coefficient,
        maximum_interval_ms=_ms(policy.maximum_interval_seconds) or _DEFAULT_RETRY.maximum_interval_ms,
        maximum_attempts=given(policy.maximum_attempts) or 0,
        maximum_duration_ms=_ms(duration),
    )


def config(override: WorkflowConfig | None) -> model.WorkflowConfig:
    if override is None:
        return model.WorkflowConfig()
    mode = given(override.executing_state_id_mode)
    return model.WorkflowConfig(
        executing_states=None if mode is None else model.ExecutingStatesMode(mode.value),
        continue_as_new_threshold=given(override.continue_as_new_threshold),
        continue_as_new_page_bytes=given(override.continue_as_new_page_size_in_bytes),
        optimize_activity=given(override.optimize_activity),
        optimize_timer=given(override.optimize_timer),
    )


def _ms(seconds: int | Unset) -> int:
    return (given(seconds) or 0) * 1000
