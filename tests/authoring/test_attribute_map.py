from __future__ import annotations

import pytest

from perdure.model.attributes import DataAttribute
from tests.authoring.onboarding import Onboarding, bound, sealed, state_request


def test_each_key_is_an_attribute_of_its_own() -> None:
    flow, invocation = bound(state_request(data={"votes/a": "1", "votes/b": "2", "votes/gone": None, "plan": '"free"'}))
    flow.votes["c"] = 3
    del flow.votes["a"]
    assert dict(flow.votes) == {"b": 2, "c": 3}
    assert len(flow.votes) == 2
    assert invocation.close().data == (DataAttribute("votes/c", sealed("3")), DataAttribute("votes/a", None))


def test_what_is_not_there_is_a_key_error() -> None:
    flow, _ = bound()
    assert flow.votes.get("a") is None
    with pytest.raises(KeyError):
        flow.votes["a"]
    with pytest.raises(KeyError):
        del flow.votes["a"]


def test_a_map_is_not_assigned_as_a_whole() -> None:
    flow, _ = bound()
    with pytest.raises(AttributeError, match=r"assign its keys: self\.votes\[key\]"):
        flow.votes = {}  # type: ignore[assignment]  # that is the test


def test_outside_a_handler_there_is_no_value() -> None:
    with pytest.raises(RuntimeError, match="only inside a handler"):
        _ = Onboarding().votes
