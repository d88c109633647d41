from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.blobs.paths import (
    check_path,
    content_hash,
    data_of,
    folder_of,
    is_intact,
    text_of,
    workflow_hash,
    workflow_hash_in,
)
from perdure.model.errors import InvalidRequest
from perdure.model.ids import WorkflowId

ADA = WorkflowId("ada@example.com")


@given(st.text(st.characters()) | st.sampled_from(["\ud800", "\0", "../.."]))
def test_any_workflow_and_text_have_a_path_and_come_back(text: str) -> None:
    path = folder_of("0f" * 16, WorkflowId(text)) + content_hash(data_of(text))
    assert check_path(path) == path
    assert text_of(data_of(text)) == text
    assert is_intact(path, data_of(text))
    assert not is_intact(path, data_of(text) + b"x")


def test_a_path_tells_of_its_workflow_without_naming_it() -> None:
    path = folder_of("file", ADA) + content_hash(b"1")
    assert "ada" not in path
    assert workflow_hash_in(path) == workflow_hash(ADA)
    assert folder_of("file", ADA) != folder_of("file", WorkflowId("bob"))
    assert folder_of("file", ADA) != folder_of("other", ADA)


def test_a_path_of_somebody_else_tells_nothing_and_is_taken_as_it_is() -> None:
    assert workflow_hash_in("20261124$order-7/0b6c") == ""
    assert is_intact("20261124$order-7/0b6c", b"whatever")


@pytest.mark.parametrize("path", ["20261124$order-7/0b6c", "a", "a/b.c/d_e-f", "a.."])
def test_words_with_slashes_are_a_path(path: str) -> None:
    assert check_path(path) == path


def test_what_leads_elsewhere_is_told_and_not_quoted_at_length() -> None:
    with pytest.raises(InvalidRequest) as told:
        check_path("../" + "x" * 10_000)
    assert len(str(told.value)) < 300
