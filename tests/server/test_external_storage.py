"""What an owner describes is what is used, and what was forgotten is told. A server with a store is in `test_large_values`."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.blobs.bucket import BlobBucket
from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import MIN_AGE_MS
from perdure.model.errors import InvalidRequest
from perdure.server.external_storage import ExternalStorage, ObjectStore, StorageType

S3 = ObjectStore("a", active=True, bucket="b", access_key="k", secret_key="s3cret", cleanup_cron="0 3 * * *")
FOLDER = ObjectStore("f", active=False, kind=StorageType.FOLDER, folder="old")


def test_one_that_is_not_enabled_may_say_what_it_likes() -> None:
    assert ExternalStorage(enabled=False, threshold_bytes=5, stores=(S3, S3)).blobs() is None


def test_one_store_is_written_to_and_the_others_are_read() -> None:
    blobs = ExternalStorage(enabled=True, threshold_bytes=5, stores=(FOLDER, S3), min_age_days=2).blobs()
    assert blobs is not None
    assert (blobs.threshold_bytes, blobs.min_age_ms, blobs.cleanup_cron) == (5, 2 * 86_400_000, "0 3 * * *")
    assert isinstance(blobs.store, BlobBucket)
    assert [type(store) for store in blobs.others] == [BlobFolder]
    assert [store.store_id for store in blobs.stores] == ["a", "f"]
    assert repr(blobs.others[0]) == f"BlobFolder({str(Path('old').absolute())!r})"


def test_without_an_age_it_is_a_day() -> None:
    blobs = ExternalStorage(enabled=True, stores=(S3,)).blobs()
    assert blobs is not None
    assert blobs.min_age_ms == MIN_AGE_MS


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (ObjectStore("a", active=True), "store 'a' has no bucket"),
        (ObjectStore("a", active=True, kind=StorageType.FOLDER), "store 'a' has no folder"),
        (ObjectStore("a", active=True, bucket="b", access_key="k"), "expected both or none"),
    ],
)
def test_what_a_store_lacks_is_told(store: ObjectStore, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        ExternalStorage(enabled=True, stores=(store,)).blobs()


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="thresholdInBytes is -1"):
        ExternalStorage(threshold_bytes=-1)
    with pytest.raises(InvalidRequest, match="minAgeForCleanupCheckInDays is -1"):
        ExternalStorage(min_age_days=-1)
