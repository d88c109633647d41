"""How a state is called: from an author's settings to the model's options."""

from __future__ import annotations

from dataclasses import replace

from perdure.authoring.decision import Overrides
from perdure.authoring.duration import Duration, milliseconds
from perdure.authoring.retry import Retry
from perdure.model.attributes import LOAD_NONE, LoadingPolicy
from perdure.model.options import CallOptions, StateOptions


def state_options(overrides: Overrides, *, skips_wait: bool, loading: LoadingPolicy) -> StateOptions:
    """Return what ``@state`` said, recovery apart.

    Search attributes are never loaded: they mirror data attributes, which are.

    Raises:
        ValueError: a duration or a retry cannot be followed; the message says which and why.
    """
    unlocked = replace(loading, locks=None)
    defaults = StateOptions(
        skip_wait_until=skips_wait,
        wait_until=CallOptions(data_loading=unlocked, search_loading=LOAD_NONE),
        execute=CallOptions(data_loading=loading, search_loading=LOAD_NONE),
    )
    return overridden(defaults, overrides)


def overridden(options: StateOptions, overrides: Overrides) -> StateOptions:
    """Return *options* but for what *overrides* says, recovery apart."""
    return replace(
        options,
        wait_until=_call(options.wait_until, overrides.wait_retry, overrides.wait_timeout, "wait_"),
        execute=_call(options.execute, overrides.retry, overrides.timeout, ""),
        proceed_on_wait_until_failure=(
            options.proceed_on_wait_until_failure
            if overrides.proceed_without_wait is None
            else overrides.proceed_without_wait
        ),
    )


def _call(call: CallOptions, retry: Retry | None, timeout: Duration | None, prefix: str) -> CallOptions:
    if timeout is not None:
        call = replace(call, timeout_ms=positive_ms(timeout, f"{prefix}timeout"))
    if retry is not None:
        try:
            call = replace(call, retry=retry.policy())
        except (ValueError, TypeError) as error:
            raise ValueError(f"{prefix}retry: {error}") from None
    return call


def positive_ms(duration: Duration, name: str) -> int:
    try:
        ms = milliseconds(duration)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from None
    if ms <= 0:
        raise ValueError(f"{name} is {duration!r}, expected more than 0")
    return ms
