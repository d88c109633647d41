from __future__ import annotations

from collections.abc import Callable

import pytest

from perdure import LostWrite, go_to
from perdure.authoring.invocation import invocation_of
from perdure.model.attributes import Loading
from perdure.model.calls import NO_WRITES, Event
from tests.authoring.onboarding import Onboarding, Person, bound, rpc_request, sealed, state_request


def test_a_handler_that_changes_nothing_writes_nothing() -> None:
    _, invocation = bound()
    assert invocation.close() is NO_WRITES


def test_only_a_bound_copy_has_an_invocation() -> None:
    flow, invocation = bound()
    assert invocation_of(flow) is invocation
    assert invocation_of(Onboarding()) is None


def test_what_is_written_after_the_handler_has_returned_is_refused() -> None:
    flow, invocation = bound()
    run = flow.run
    invocation.close()
    writes: list[Callable[[], None]] = [
        lambda: setattr(flow, "person", Person("a", "b")),
        lambda: flow.votes.__setitem__("a", 1),
        lambda: flow.verified.publish(),
        lambda: run.record("seen"),
        lambda: delattr(flow, "plan"),
    ]
    for write in writes:
        with pytest.raises(LostWrite, match="after the handler has returned"):
            write()


def test_an_attribute_that_was_not_loaded_is_told_not_defaulted() -> None:
    flow, _ = bound(state_request(loading=Loading.PARTIAL, data={}), loads=frozenset({"basket", "votes"}))
    assert flow.basket.items == []
    assert flow.votes.get("a") is None
    with pytest.raises(LookupError, match=r"attribute 'plan' was not loaded for this handler; name it in load="):
        _ = flow.plan
    flow, _ = bound(state_request(loading=Loading.NONE), loads=frozenset())
    with pytest.raises(LookupError, match="was not loaded"):
        _ = flow.basket


def test_an_event_is_recorded() -> None:
    flow, invocation = bound()
    flow.run.record("seen", {"by": "ada"})
    assert invocation.close().events == (Event("seen", sealed('{"by":"ada"}')),)


def test_only_an_rpc_starts_states_by_the_way() -> None:
    flow, invocation = bound(rpc_request())
    decision = go_to(Onboarding.listen)
    flow.run.start(decision)
    assert invocation.started == [decision]
    flow, _ = bound()
    with pytest.raises(RuntimeError, match=r"run\.start is for RPCs"):
        flow.run.start(decision)
