"""Where values too large for the database are kept: what iWF's server calls its external storage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from perdure.blobs.bucket import BlobBucket
from perdure.blobs.folder import BlobFolder
from perdure.blobs.settings import MIN_AGE_MS, Blobs
from perdure.model.errors import InvalidRequest
from perdure.ports.blob_store import BlobStore

_DAY_MS = 86_400_000


class StorageType(StrEnum):
    """What a store is."""

    S3 = "s3"
    FOLDER = "folder"
    """Not iWF's: of this machine."""


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A store. One is written to, the others hold what was written earlier."""

    store_id: str
    active: bool
    endpoint: str = ""
    bucket: str = ""
    region: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    cleanup_cron: str = ""
    kind: StorageType = StorageType.S3
    folder: str = ""

    def store(self, *, read_only: bool = False) -> BlobStore:
        """Return it as it is used, not opened yet.

        Raises:
            InvalidRequest: something is missing that its kind needs.
        """
        if self.kind is StorageType.FOLDER:
            if not self.folder:
                raise InvalidRequest(f"store {self.store_id!r} has no folder, expected the path of one")
            return BlobFolder(self.folder, store_id=self.store_id, read_only=read_only)
        return BlobBucket(
            self.bucket,
            store_id=self.store_id,
            endpoint=self.endpoint,
            region=self.region,
            access_key=self.access_key,
            secret_key=self.secret_key,
        )


@dataclass(frozen=True, slots=True)
class ExternalStorage:
    enabled: bool = False
    threshold_bytes: int = 0
    """Values longer than this go to the active store."""
    stores: tuple[ObjectStore, ...] = ()
    min_age_days: int = 0
    """How old what nobody names must be to be removed; 0: the default, a day."""

    def __post_init__(self) -> None:
        if self.threshold_bytes < 0:
            raise InvalidRequest(f"thresholdInBytes is {self.threshold_bytes}, expected 0 or more")
        if self.min_age_days < 0:
            raise InvalidRequest(f"minAgeForCleanupCheckInDays is {self.min_age_days}, expected 0 or more")
        active = [store.store_id for store in self.stores if store.active]
        if self.enabled and len(active) != 1:
            raise InvalidRequest(f"found {len(active)} active stores, expected exactly one to write to")

    def blobs(self, *, read_only: bool = False) -> Blobs | None:
        """Return what an engine is told of it; ``None``: every value stays in the database.

        Args:
            read_only: for who only looks, and makes nothing.

        Raises:
            InvalidRequest: a store is not described well enough to be used.
        """
        if not self.enabled:
            return None
        [active] = (store for store in self.stores if store.active)
        return Blobs(
            active.store(read_only=read_only),
            threshold_bytes=self.threshold_bytes,
            others=tuple(store.store(read_only=read_only) for store in self.stores if not store.active),
            min_age_ms=self.min_age_days * _DAY_MS or MIN_AGE_MS,
            cleanup_cron=active.cleanup_cron,
        )
