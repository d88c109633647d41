from __future__ import annotations

import pytest

from perdure.model.attributes import LOAD_NONE
from tests.authoring.onboarding import Onboarding, Plan, bound, definition, rpc_request


def test_settings_become_a_policy() -> None:
    assert definition().rpcs["upgrade"].data_loading.locks == ("plan",)
    assert definition().rpcs["ping"].data_loading == LOAD_NONE
    assert definition().rpcs["ping"].read_only


def test_on_the_class_it_is_the_rpc_itself() -> None:
    assert (Onboarding.upgrade.member, Onboarding.upgrade.owner) == ("upgrade", Onboarding)


def test_inside_a_handler_it_is_a_plain_method() -> None:
    flow, _ = bound(rpc_request())
    assert flow.upgrade(Plan.PAID) == "paid"
    assert flow.plan is Plan.PAID


def test_on_the_class_it_is_not_called() -> None:
    with pytest.raises(TypeError) as caught:
        Onboarding.upgrade(Plan.PAID)  # type: ignore[operator]  # that is the test
    assert str(caught.value) == (
        "Onboarding.upgrade is called on the class, expected on a run: "
        "client.get(Onboarding, …).call(Onboarding.upgrade, …)"
    )
