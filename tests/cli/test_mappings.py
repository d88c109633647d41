from typing import Any

import pytest

from perdure.cli.mappings import read_external_storage, read_headers, read_search_attributes, read_workflow_config
from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.options import WorkflowConfig
from perdure.server.external_storage import ObjectStore, StorageType

STORE = {"storageId": "a", "storageType": "s3", "status": "active"}


def test_a_config_may_have_its_keys_in_any_case() -> None:
    assert read_workflow_config({"continueasnewthreshold": 7}) == WorkflowConfig(continue_as_new_threshold=7)


def test_headers_are_texts() -> None:
    assert read_headers({"x-a": "1"}) == {"x-a": "1"}
    with pytest.raises(ValueError, match="x-a is 1, expected a text"):
        read_headers({"x-a": 1})


def test_a_secret_of_a_store_is_not_shown() -> None:
    storage = read_external_storage({"supportedStorages": [{**STORE, "s3SecretKey": "s3cret"}]})

    assert storage.stores[0].secret_key == "s3cret"
    assert "s3cret" not in repr(storage)


def test_a_folder_of_this_machine_is_a_store_too() -> None:
    store = {"status": "active", "storageId": "f", "storageType": "folder", "folder": "/var/lib/perdure/blobs"}
    storage = read_external_storage({"enabled": True, "minAgeForCleanupCheckInDays": 7, "supportedStorages": [store]})
    assert storage.stores == (ObjectStore("f", active=True, kind=StorageType.FOLDER, folder="/var/lib/perdure/blobs"),)
    assert storage.min_age_days == 7


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ({"supportedStorages": [{**STORE, "storageType": "gcs"}]}, "gcs is not a valid type of store"),
        (
            {"supportedStorages": [{**STORE, "s3Buket": "b"}]},
            "there is no key s3Buket. The nearest there is is s3Bucket",
        ),
        ({"supportedStorages": [{"status": "active"}]}, "lacks its storageId or storageType"),
        ({"supportedStorages": "s3"}, "supportedStorages is a text, expected a list"),
        ({"thresholdInBytes": "big"}, "thresholdInBytes is a text, expected a whole number"),
    ],
)
def test_what_is_wrong_with_an_external_storage_is_said(written: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_external_storage(written)


def test_one_store_is_written_to() -> None:
    with pytest.raises(InvalidRequest, match="found 2 active stores, expected exactly one"):
        read_external_storage({"enabled": True, "supportedStorages": [STORE, {**STORE, "storageId": "b"}]})


def test_search_attributes_are_registered_by_iwf_s_names_of_types_in_any_case() -> None:
    assert read_search_attributes({"Customer": "Keyword", "Age": "INT"}) == {
        "Customer": SearchAttributeType.KEYWORD,
        "Age": SearchAttributeType.INT,
    }
    with pytest.raises(ValueError, match="Age is 'number', expected one of KEYWORD"):
        read_search_attributes({"Age": "number"})
