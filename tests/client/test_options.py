"""How a run starts, in a caller's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from perdure.authoring.inspection import definition_of
from perdure.authoring.retry import Retry
from perdure.client.options import StartArguments, start_options, state_id
from perdure.model.errors import InvalidRequest
from perdure.model.options import IdReusePolicy, RetryPolicy, StartOptions, WorkflowConfig
from tests.client.workflows import Shop, Twice

SHOP = definition_of(Shop)


def test_nothing_said_is_the_default() -> None:
    assert start_options(SHOP, {}) == StartOptions()


def test_everything_said_is_followed() -> None:
    arguments: StartArguments = {
        "timeout": timedelta(hours=1),
        "delay": 1.5,
        "id_reuse": "allow_if_previous_failed",
        "retry": Retry(attempts=3),
        "cron": "0 3 * * *",
        "request_id": "r",
        "ignore_already_started": True,
        "config": WorkflowConfig(optimize_timer=True),
        "wait_for_states": [Shop.take, Shop.wait_for_payment, "other"],
    }
    assert start_options(SHOP, arguments) == StartOptions(
        id_reuse=IdReusePolicy.ALLOW_IF_PREVIOUS_FAILED,
        timeout_ms=3_600_000,
        delay_ms=1_500,
        retry=RetryPolicy(maximum_attempts=3),
        cron="0 3 * * *",
        ignore_already_started=True,
        request_id="r",
        wait_for_states=frozenset({state_id(SHOP, "take"), state_id(SHOP, "payment"), state_id(SHOP, "other")}),
        config=WorkflowConfig(optimize_timer=True),
    )


@pytest.mark.parametrize("policy", IdReusePolicy)
def test_policy_is_taken_as_it_is(policy: IdReusePolicy) -> None:
    assert start_options(None, {"id_reuse": policy}).id_reuse is policy


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"id_reuse": "never"}, "id_reuse is 'never', expected one of 'allow_if_no_running'"),
        ({"timeout": "soon"}, "found 'soon', expected a timedelta or a number of seconds"),
        ({"retry": Retry(attempts=0)}, "attempts is 0"),
        ({"wait_for_states": [Twice.one]}, "'one' is no state of shop; it has: take, wait_for_payment"),
    ],
)
def test_argument_that_cannot_be_followed_is_refused(arguments: StartArguments, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why):
        start_options(SHOP, arguments)


def test_state_of_an_unknown_class_has_its_python_name() -> None:
    assert state_id(None, Shop.wait_for_payment) == "wait_for_payment"


def test_an_argument_that_start_does_not_take_is_refused() -> None:
    arguments: Any = {"timout": 3}
    with pytest.raises(TypeError) as caught:
        start_options(None, arguments)
    assert str(caught.value) == (
        "start() found the argument 'timout', expected one of its own, perhaps timeout: "
        f"{', '.join(StartArguments.__annotations__)}"
    )
