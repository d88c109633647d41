"""The contract is in the suite, held against moto's server; here is what a bucket has of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from perdure.blobs import bucket as bucket_module
from perdure.blobs.bucket import BlobBucket
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.testing.conformance.blob_store import BlobStoreConformance
from tests.blobs.moto import KEYS, REGION, make_bucket, moto, remove_bucket
from tests.ports import quiet_port

_numbers = count()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with moto() as address:
        yield address


@pytest.fixture
def name(address: str) -> str:
    name = f"bucket-{next(_numbers)}"
    make_bucket(address, name)
    return name


def opened(name: str, address: str, *, prefix: str = "") -> BlobBucket:
    bucket = BlobBucket(name, endpoint=address, region=REGION, prefix=prefix, **KEYS)
    bucket.open()
    return bucket


class TestBlobBucket(BlobStoreConformance):
    @pytest.fixture
    def store(self, name: str, address: str) -> Iterator[BlobBucket]:
        bucket = opened(name, address)
        yield bucket
        bucket.close()


class TestBlobBucketWithAPrefix(BlobStoreConformance):
    @pytest.fixture
    def store(self, name: str, address: str) -> Iterator[BlobBucket]:
        bucket = opened(name, address, prefix="perdure/")
        yield bucket
        bucket.close()


def test_a_prefix_parts_what_shares_a_bucket(name: str, address: str) -> None:
    ours, theirs = opened(name, address, prefix="ours/"), opened(name, address, prefix="theirs/")
    ours.put("a", b"1")
    assert theirs.get("a") is None
    assert list(theirs.list("")) == []
    assert [blob.path for blob in opened(name, address).list("")] == ["ours/a"]


def test_more_than_a_page_is_listed(name: str, address: str) -> None:
    bucket = opened(name, address)
    paths = [f"f/{number:04}" for number in range(1_005)]  # S3 lists a thousand at a time
    for path in paths:
        bucket.put(path, b"")
    assert [blob.path for blob in bucket.list("f/")] == paths


def test_a_bucket_that_is_not_there_is_told_when_it_is_opened(address: str) -> None:
    with pytest.raises(InvalidRequest, match=r"there is no bucket 'nowhere' at http://127.* make it, or name another"):
        opened("nowhere", address)


def test_a_bucket_that_goes_is_unavailable(name: str, address: str) -> None:
    bucket = opened(name, address)
    remove_bucket(address, name)
    with pytest.raises(UnavailableError, match=f"cannot write the bucket '{name}'"):
        bucket.put("a", b"1")


def test_a_server_that_is_away_is_unavailable_and_no_key_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "RETRY_SECONDS", 0)
    bucket = BlobBucket("b", endpoint=f"http://127.0.0.1:{quiet_port()}", region=REGION, **KEYS)
    with pytest.raises(UnavailableError, match="cannot list the bucket 'b' at http") as told:
        bucket.open()
    with pytest.raises(UnavailableError, match="cannot write the bucket 'b' at http"):
        bucket.put("a", b"1")
    with pytest.raises(UnavailableError, match="cannot read the bucket 'b' at http"):
        bucket.get("a")
    with pytest.raises(UnavailableError, match="cannot remove from the bucket 'b' at http"):
        bucket.delete("a")
    assert KEYS["secret_key"] not in f"{told.value}{bucket!r}"


def test_a_closed_one_is_unavailable(name: str, address: str) -> None:
    bucket = opened(name, address)
    bucket.close()
    with pytest.raises(UnavailableError, match="is closed"):
        bucket.get("a")


def test_keys_come_from_the_environment_if_none_are_given(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "else")
    bucket = BlobBucket(name, endpoint=address, region=REGION)
    bucket.open()
    bucket.put("a", b"1")
    assert bucket.get("a") == b"1"


@pytest.mark.parametrize("keys", [{"access_key": "a"}, {"secret_key": "a"}])
def test_one_key_without_the_other_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="expected both or none"):
        BlobBucket("b", **keys)


def test_a_bucket_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="store 's3' has no bucket"):
        BlobBucket("")


def test_what_it_takes_to_reach_a_bucket_is_told_where_it_is_not_installed() -> None:
    program = "import sys; sys.modules['obstore'] = None\nfrom perdure import BlobBucket\nBlobBucket('b').open()"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'perdure[s3]'" in told.stderr
