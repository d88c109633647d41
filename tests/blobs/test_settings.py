from __future__ import annotations

import pytest

from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import Blobs
from perdure.model.errors import InvalidRequest


def test_what_is_written_to_comes_before_what_is_only_read() -> None:
    new, old = BlobFolder("new", store_id="new"), BlobFolder("old", store_id="old")
    assert Blobs(new, others=(old,)).stores == (new, old)


@pytest.mark.parametrize("name", ["threshold_bytes", "min_age_ms", "cache_characters"])
def test_less_than_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} is -1, expected 0 or more"):
        Blobs(BlobFolder("new"), **{name: -1})  # type: ignore[arg-type]  # one of three integers


@pytest.mark.parametrize("other", ["folder", ""])
def test_stores_are_told_apart_by_their_ids(other: str) -> None:
    with pytest.raises(InvalidRequest, match="expected an id for each"):
        Blobs(BlobFolder("new"), others=(BlobFolder("old", store_id=other),))
