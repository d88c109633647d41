from hypothesis import given
from hypothesis import strategies as st

from signup.links import link, workflow_id_of


@given(st.text(max_size=50))
def test_a_link_leads_back_to_its_sign_up(workflow_id: str) -> None:
    *_, reference, token = link("https://example.org", workflow_id=workflow_id, token="T").split("/")
    assert token == "T"
    assert workflow_id_of(reference) == workflow_id


def test_a_link_is_built_from_the_base_url() -> None:
    assert (
        link("https://example.org", workflow_id="signup:ada", token="T")
        == "https://example.org/signup/verify/c2lnbnVwOmFkYQ/T"
    )


@given(st.text())
def test_any_text_names_a_sign_up_or_none(text: str) -> None:
    found = workflow_id_of(text)
    assert found is None or isinstance(found, str)


def test_what_is_no_reference() -> None:
    assert workflow_id_of("%%%") is None
    assert workflow_id_of("_w") is None
    assert workflow_id_of("ä") is None
