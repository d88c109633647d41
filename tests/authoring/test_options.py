from __future__ import annotations

from datetime import timedelta

import pytest

from perdure import Retry
from perdure.authoring.decision import Overrides
from perdure.authoring.options import overridden, positive_ms, state_options
from perdure.model.attributes import LOAD_NONE, LoadingPolicy
from perdure.model.options import RetryPolicy, StateOptions


def test_nothing_said_is_the_default_but_that_search_attributes_stay_where_they_are() -> None:
    options = state_options(Overrides(), skips_wait=True, loading=LoadingPolicy())
    assert options.skip_wait_until
    assert options.execute.retry == RetryPolicy()
    assert (options.execute.timeout_ms, options.execute.search_loading) == (30_000, LOAD_NONE)


def test_only_the_handler_holds_locks() -> None:
    options = state_options(Overrides(), skips_wait=False, loading=LoadingPolicy(locks=("a",)))
    assert (options.execute.data_loading.locks, options.wait_until.data_loading.locks) == (("a",), None)


def test_every_word_is_understood_and_the_rest_stays() -> None:
    overrides = Overrides(
        retry=Retry(attempts=1),
        timeout=timedelta(minutes=1),
        wait_retry=Retry(attempts=2),
        wait_timeout=2,
        proceed_without_wait=True,
    )
    options = overridden(StateOptions(skip_wait_until=True), overrides)
    assert (options.execute.retry.maximum_attempts, options.execute.timeout_ms) == (1, 60_000)
    assert (options.wait_until.retry.maximum_attempts, options.wait_until.timeout_ms) == (2, 2_000)
    assert options.proceed_on_wait_until_failure
    assert options.skip_wait_until
    assert overridden(options, Overrides()) == options


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (Overrides(retry=Retry(attempts=-1)), "^retry: attempts is -1"),
        (Overrides(wait_retry=Retry(factor=0)), "^wait_retry: factor is 0"),
        (Overrides(timeout=0), "^timeout is 0, expected more than 0"),
        (Overrides(wait_timeout="3"), "^wait_timeout: found '3', expected a timedelta"),  # type: ignore[arg-type]  # that is the test
    ],
)
def test_what_cannot_be_followed_is_told_by_its_name(overrides: Overrides, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        overridden(StateOptions(), overrides)


def test_a_duration_is_positive() -> None:
    assert positive_ms(0.5, "timeout") == 500
    with pytest.raises(ValueError, match="timeout is -1, expected more than 0"):
        positive_ms(-1, "timeout")
