"""The suite of ``BlobStore``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from perdure.model.errors import InvalidRequest
from perdure.ports.blob_store import BlobStore

_LEADING_ELSEWHERE = (
    "",
    "/etc/passwd",
    "..",
    "../secret",
    "a/../../secret",
    "a//b",
    "a/./b",
    "a/",
    ".hidden",
    "a/.incoming/b",
    "a\\..\\b",
    "a/b\x00",
    "a/b\n",
    "~/a",
    "ä",
    "a/" * 8 + "b",
    "a" * 201,
)


class BlobStoreConformance:
    """Every method of ``BlobStore``. The tests need pytest."""

    @pytest.fixture
    def store(self) -> BlobStore:
        """Give each test an empty store, open; whoever runs the suite overrides this."""
        raise NotImplementedError("override the fixture `store`: it yields an empty store that is open")

    @pytest.mark.parametrize("data", [b"", b"small", bytes(range(256)) * 10_000], ids=["empty", "small", "large"])
    def test_what_was_put_comes_back(self, store: BlobStore, data: bytes) -> None:
        store.put("f/ab/abc/def", data)
        assert store.get("f/ab/abc/def") == data

    def test_what_was_never_put_is_not_there(self, store: BlobStore) -> None:
        store.put("f/ab/abc/def", b"1")
        assert store.get("f/ab/abc/other") is None
        assert store.get("f/ab/abc/def/below") is None
        assert store.get("nowhere/at-all") is None

    def test_putting_again_is_no_error_and_makes_it_young(self, store: BlobStore) -> None:
        store.put("f/a", b"1")
        [before] = store.list("")
        store.put("f/a", b"1")
        [after] = store.list("")
        assert (after.path, after.put_ms >= before.put_ms) == (before.path, True)
        assert store.get("f/a") == b"1"

    def test_many_put_the_same_at_once(self, store: BlobStore) -> None:
        data = b"x" * 100_000
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: store.put(f"f/{number % 2}/same", data), range(16)))
        assert [store.get(f"f/{number}/same") for number in range(2)] == [data, data]

    def test_many_put_and_delete_in_one_folder_at_once(self, store: BlobStore) -> None:
        def come_and_go(number: int) -> bytes | None:
            path = f"f/ab/shared/{number}"
            store.put(path, b"1")
            found = store.get(path)
            store.delete(path)
            return found

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(come_and_go, range(100))) == {b"1"}
        assert list(store.list("")) == []

    def test_what_is_deleted_is_gone_and_deleting_again_is_no_error(self, store: BlobStore) -> None:
        store.put("f/ab/abc/def", b"1")
        store.put("f/ab/abc/other", b"2")
        store.delete("f/ab/abc/def")
        store.delete("f/ab/abc/def")
        store.delete("never/was")
        assert store.get("f/ab/abc/def") is None
        assert store.get("f/ab/abc/other") == b"2"

    def test_a_listing_has_what_begins_with_the_prefix(self, store: BlobStore) -> None:
        paths = {"f/ab/abc/1", "f/ab/abc/2", "f/ac/acd/1", "g/ab/abc/1", "fg/1"}
        for path in paths:
            store.put(path, b"1")
        assert {blob.path for blob in store.list("")} == paths
        assert {blob.path for blob in store.list("f/")} == {"f/ab/abc/1", "f/ab/abc/2", "f/ac/acd/1"}
        assert {blob.path for blob in store.list("f/ab/abc/")} == {"f/ab/abc/1", "f/ab/abc/2"}
        assert list(store.list("h/")) == []

    def test_a_path_leads_nowhere_but_into_the_store(self, store: BlobStore) -> None:
        for path in _LEADING_ELSEWHERE:
            for ask in (lambda path: store.put(path, b"1"), store.get, store.delete):
                with pytest.raises(InvalidRequest, match="expected words of letters"):
                    ask(path)
        with pytest.raises(InvalidRequest):
            list(store.list("../"))
        assert list(store.list("")) == []
