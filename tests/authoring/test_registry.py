from __future__ import annotations

import pytest

from perdure import Attribute, DefinitionError, Registry, Workflow
from tests.authoring.onboarding import Onboarding


class Other(Workflow[None, None], name="Onboarding"):
    pass


class Broken(Workflow[int, None]):
    form = Attribute()  # type: ignore[var-annotated]  # that is the test


def test_a_workflow_is_found_by_its_type() -> None:
    flow = Onboarding("x")
    registry = Registry(flow)
    found = registry.get("Onboarding")
    assert found is not None
    assert found.prototype is flow
    assert registry.get("Nothing") is None
    assert [registered.definition.workflow_type for registered in registry] == ["Onboarding"]
    assert len(registry) == 1


def test_every_mistake_of_every_class_is_told_at_once() -> None:
    with pytest.raises(DefinitionError) as caught:
        Registry(Onboarding(), Other(), Broken(), Onboarding, "x")  # type: ignore[arg-type]  # that is the test
    text = str(caught.value)
    assert text.startswith("5 problems found:")
    assert "- Other: tests.authoring.onboarding.Onboarding is registered as 'Onboarding' too" in text
    assert "- Broken.form: has no annotation" in text
    assert "- Broken: starts with int" in text
    assert "- Onboarding is a class, expected an instance of it: Onboarding(…)" in text
    assert "- 'x' is no workflow" in text


@pytest.mark.parametrize("whole", [[Onboarding()], Registry(Onboarding())])
def test_a_collection_of_workflows_is_none_itself(whole: object) -> None:
    with pytest.raises(DefinitionError) as caught:
        Registry(whole)  # type: ignore[arg-type]  # that is the test
    assert str(caught.value) == (
        f"1 problem found:\n- found a {type(whole).__name__}, expected the workflows themselves, "
        "one after the other: Signup(…), Transfer(…)"
    )
