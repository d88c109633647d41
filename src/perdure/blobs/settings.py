"""Which values are kept apart, and where."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.errors import InvalidRequest
from perdure.ports.blob_store import BlobStore

THRESHOLD_BYTES = 128 * 1024
MIN_AGE_MS = 86_400_000
CACHE_CHARACTERS = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Blobs:
    """Keep values over a threshold in a store of their own, beside the database."""

    store: BlobStore
    """Where new ones go."""
    threshold_bytes: int = THRESHOLD_BYTES
    """Data of more bytes than this, in UTF-8, is kept apart."""
    others: tuple[BlobStore, ...] = ()
    """Where earlier ones are: read and cleaned, not written to."""
    min_age_ms: int = MIN_AGE_MS
    """A blob that no run names is removed once it is as old: until then a request may be about to name it."""
    cleanup_cron: str = ""
    """When to look for those, in UTC; empty: soon after the beginning, and then once a day."""
    cache_characters: int = CACHE_CHARACTERS
    """How much of what was lately read is kept in memory."""

    def __post_init__(self) -> None:
        for name in ("threshold_bytes", "min_age_ms", "cache_characters"):
            if getattr(self, name) < 0:
                raise InvalidRequest(f"{name} is {getattr(self, name)}, expected 0 or more")
        ids = [store.store_id for store in self.stores]
        if len(ids) != len(set(ids)) or not all(ids):
            raise InvalidRequest(f"found blob stores of the ids {', '.join(map(repr, ids))}, expected an id for each")

    @property
    def stores(self) -> tuple[BlobStore, ...]:
        """All of them, the one that is written to first."""
        return (self.store, *self.others)
