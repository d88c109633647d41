from perdure.iwf.workflow import ObjectWorkflow, get_workflow_type, get_workflow_type_by_class
from tests.iwf.everything import Everything


class Bare(ObjectWorkflow):
    pass


def test_what_is_not_overridden_is_empty() -> None:
    bare = Bare()

    assert bare.get_workflow_states().states == []
    assert bare.get_persistence_schema().persistence_fields == []
    assert bare.get_communication_schema().communication_methods == []
    assert not bare.get_persistence_options().enable_caching


def test_the_type_is_the_name_of_the_class() -> None:
    assert get_workflow_type(Everything()) == get_workflow_type_by_class(Everything) == "Everything"
