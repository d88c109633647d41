"""Where values too large for the database would be kept: what iWF's server calls its external storage.

The settings are read and checked, so that a file of iWF's says here what it says there. Nothing is
kept outside the database yet, and a server that is told to refuses to begin: it must not look as if
it had done so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.model.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A bucket. One is written to, the others hold what was written earlier."""

    store_id: str
    active: bool
    endpoint: str = ""
    bucket: str = ""
    region: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    cleanup_cron: str = ""


@dataclass(frozen=True, slots=True)
class ExternalStorage:
    enabled: bool = False
    threshold_bytes: int = 0
    """Values longer than this go to the active store."""
    stores: tuple[ObjectStore, ...] = ()

    def __post_init__(self) -> None:
        if self.threshold_bytes < 0:
            raise InvalidRequest(f"thresholdInBytes is {self.threshold_bytes}, expected 0 or more")
        active = [store.store_id for store in self.stores if store.active]
        if self.enabled and len(active) != 1:
            raise InvalidRequest(f"found {len(active)} active stores, expected exactly one to write to")

    def refuse_if_enabled(self) -> None:
        """Say that this cannot be done.

        Raises:
            InvalidRequest: it is enabled.
        """
        if self.enabled:
            raise InvalidRequest(
                "external_storage is enabled, and this version keeps every value in its database, of any size. "
                "Disable it (externalStorage.enabled: false), if that is where they may be"
            )
