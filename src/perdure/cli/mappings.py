"""Settings that are more than one value: mappings in a file, JSON on a command line.

Their keys are iWF's, in any case. A key that nobody knows is a mistake here too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from perdure.model.attributes import SearchAttributeType
from perdure.model.options import WorkflowConfig
from perdure.server.external_storage import ExternalStorage, ObjectStore, StorageType
from perdure.wire.options import decode_config
from perdure.wire.protocol import FLAG, INT64, TEXT, WORKFLOW_CONFIG
from perdure.wire.shape import Choice, ListOf, Object

_STORE: Final = Object(
    {
        "status": Choice("status of a store", "active", "inactive"),
        "storageId": TEXT,
        "storageType": Choice("type of store", *StorageType),
        "folder": TEXT,
        "s3Endpoint": TEXT,
        "s3Bucket": TEXT,
        "s3Region": TEXT,
        "s3AccessKey": TEXT,
        "s3SecretKey": TEXT,
        "cleanupCronSchedule": TEXT,
    }
)
_STORAGE: Final = Object(
    {
        "enabled": FLAG,
        "thresholdInBytes": INT64,
        "minAgeForCleanupCheckInDays": INT64,
        "supportedStorages": ListOf(_STORE),
    }
)


def read_headers(written: Mapping[str, Any]) -> dict[str, str]:
    """Return headers by their names. What they may look like is said by whoever sends them."""
    for name, value in written.items():
        if not isinstance(value, str):
            raise ValueError(f"{name} is {value!r}, expected a text")
    return {str(name): value for name, value in written.items()}


def read_workflow_config(written: Mapping[str, Any]) -> WorkflowConfig:
    _check_keys(written, WORKFLOW_CONFIG.fields)
    return decode_config(WORKFLOW_CONFIG.read(_named(written)))


def read_search_attributes(written: Mapping[str, Any]) -> dict[str, SearchAttributeType]:
    return {str(name): _search_type(str(name), value) for name, value in written.items()}


def _search_type(name: str, written: Any) -> SearchAttributeType:
    try:
        return SearchAttributeType(str(written).upper())
    except ValueError:
        raise ValueError(f"{name} is {written!r}, expected one of {', '.join(SearchAttributeType)}") from None


def read_external_storage(written: Mapping[str, Any]) -> ExternalStorage:
    _check_keys(written, _STORAGE.fields)
    found = _named(written)
    fields = _STORAGE.read(found)
    for store in found.get(_spelt("supportedStorages", found), ()):
        _check_keys(store, _STORE.fields)
    return ExternalStorage(
        enabled=fields.get("enabled", False),
        threshold_bytes=fields.get("thresholdInBytes", 0),
        stores=tuple(_read_store(store) for store in fields.get("supportedStorages", ())),
        min_age_days=fields.get("minAgeForCleanupCheckInDays", 0),
    )


def _read_store(fields: Mapping[str, Any]) -> ObjectStore:
    if "storageType" not in fields or not fields.get("storageId"):
        raise ValueError("one of supportedStorages lacks its storageId or storageType, expected both")
    return ObjectStore(
        store_id=fields["storageId"],
        active=fields.get("status") == "active",
        kind=StorageType(fields["storageType"]),
        folder=fields.get("folder", ""),
        endpoint=fields.get("s3Endpoint", ""),
        bucket=fields.get("s3Bucket", ""),
        region=fields.get("s3Region", ""),
        access_key=fields.get("s3AccessKey", ""),
        secret_key=fields.get("s3SecretKey", ""),
        cleanup_cron=fields.get("cleanupCronSchedule", ""),
    )


def _named(written: Mapping[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in written.items()}


def _spelt(name: str, written: Iterable[str]) -> str:
    return next((each for each in written if each.casefold() == name.casefold()), name)


def _check_keys(written: Mapping[str, Any], known: Iterable[str]) -> None:
    by_folded = {name.casefold(): name for name in known}
    for key in written:
        folded = str(key).casefold()
        if folded not in by_folded:
            near = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.0)
            raise ValueError(f"there is no key {key}. The nearest there is is {by_folded[near[0]]}")
