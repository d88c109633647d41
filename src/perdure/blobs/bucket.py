"""Blobs as objects of one bucket, of S3 or of what speaks its protocol. Needs the extra ``perdure[s3]``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeVar

from perdure.blobs.paths import check_path
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.ports.blob_store import StoredBlob

try:
    from obstore.exceptions import BaseError, NotFoundError
    from obstore.store import S3Store
except ModuleNotFoundError:
    IS_INSTALLED = False  # said by the first who needs it: a server without a bucket does not
else:
    IS_INSTALLED = True

STORE_ID = "s3"
TIMEOUT_SECONDS = 20
RETRY_SECONDS = 15
"""How long a request that failed by no fault of its own is made again. A call of a state goes on being retried."""

T = TypeVar("T")


class BlobBucket:
    """A ``BlobStore`` in a bucket. Several processes may use one: their databases have paths of their own."""

    def __init__(
        self,
        bucket: str,
        *,
        store_id: str = STORE_ID,
        prefix: str = "",
        endpoint: str = "",
        region: str = "",
        access_key: str = "",
        secret_key: str = "",
    ) -> None:
        """Reach for nothing yet.

        Args:
            bucket: it must be there.
            store_id: stands in journals, so it may never change; the bucket may move.
            prefix: before all paths in the bucket, for one that is used for more.
            endpoint: where it is, if not at Amazon: ``https://minio.example:9000``.
            access_key: with *secret_key*; both empty: those of the environment (``AWS_ACCESS_KEY_ID``,
                ``AWS_SECRET_ACCESS_KEY``), or of the machine's own role.

        Raises:
            InvalidRequest: the bucket has no name, or one key is given without the other.
        """
        if not bucket:
            raise InvalidRequest(f"store {store_id!r} has no bucket (s3Bucket), expected the name of one that is there")
        if bool(access_key) != bool(secret_key):
            raise InvalidRequest(f"store {store_id!r} has one of an access key and a secret key, expected both or none")
        self.store_id = store_id
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._region = region
        self._keys = (access_key, secret_key)
        self._opened: S3Store | None = None

    def __repr__(self) -> str:
        return f"BlobBucket({self._where})"

    @property
    def _where(self) -> str:
        return f"bucket {self._bucket!r}" + (f" at {self._endpoint}" if self._endpoint else "")

    def open(self) -> None:
        self._opened = self._connect()
        try:
            for _ in self._store.list(prefix=self._prefix or None, chunk_size=1):
                break
        except (BaseError, OSError) as error:
            if isinstance(error, NotFoundError) or "NoSuchBucket" in str(error):
                raise InvalidRequest(f"there is no {self._where} for large values: make it, or name another") from error
            raise self._unavailable("list", error) from error

    def put(self, path: str, data: bytes) -> None:
        self._told("write", lambda: self._store.put(self._key(path), data, use_multipart=False))

    def get(self, path: str) -> bytes | None:
        key = self._key(path)

        def get() -> bytes | None:
            try:
                return bytes(self._store.get(key).bytes())
            except (NotFoundError, FileNotFoundError):
                return None

        return self._told("read", get)

    def delete(self, path: str) -> None:
        key = self._key(path)

        def delete() -> None:
            try:
                self._store.delete(key)
            except (NotFoundError, FileNotFoundError):
                return

        self._told("remove from", delete)

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        if prefix:
            check_path(prefix.removesuffix("/"))
        wanted = self._prefix + prefix
        pages = iter(self._store.list(prefix=wanted or None))
        while (page := self._told("list", lambda: next(pages, None))) is not None:
            for entry in page:
                path = entry["path"].removeprefix(self._prefix)
                yield StoredBlob(path, int(entry["last_modified"].timestamp() * 1_000))

    def close(self) -> None:
        self._opened = None

    @property
    def _store(self) -> S3Store:
        if self._opened is None:
            raise UnavailableError(f"the {self._where} is closed")
        return self._opened

    def _key(self, path: str) -> str:
        return self._prefix + check_path(path)

    def _connect(self) -> S3Store:
        if not IS_INSTALLED:
            raise InvalidRequest(f"the {self._where} needs obstore to be reached: pip install 'perdure[s3]'")
        access_key, secret_key = self._keys
        options = {
            "endpoint": self._endpoint,
            "region": self._region,
            "access_key_id": access_key,
            "secret_access_key": secret_key,
        }
        try:
            return S3Store(
                self._bucket,
                config={name: text for name, text in options.items() if text},  # type: ignore[arg-type]  # of its own names
                client_options={
                    "allow_http": self._endpoint.startswith("http:"),
                    "timeout": timedelta(seconds=TIMEOUT_SECONDS),
                },
                retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
            )
        except (BaseError, ValueError) as error:
            raise InvalidRequest(
                f"the {self._where} cannot be reached as it is described: {_first_line(error)}"
            ) from error

    def _told(self, doing: str, do: Callable[[], T]) -> T:
        try:
            return do()
        except (BaseError, OSError) as error:
            raise self._unavailable(doing, error) from error

    def _unavailable(self, doing: str, error: Exception) -> UnavailableError:
        return UnavailableError(f"cannot {doing} the {self._where} for large values: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:500] if lines else type(error).__name__
