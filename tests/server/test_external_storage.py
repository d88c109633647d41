import pytest

from perdure.model.errors import InvalidRequest
from perdure.server.external_storage import ExternalStorage, ObjectStore

STORE = ObjectStore("a", active=True)


def test_one_that_is_not_enabled_may_say_what_it_likes() -> None:
    ExternalStorage(enabled=False, threshold_bytes=5, stores=(STORE, STORE)).refuse_if_enabled()


def test_one_that_is_enabled_is_refused_as_long_as_there_is_none() -> None:
    with pytest.raises(InvalidRequest, match=r"Disable it \(externalStorage.enabled: false\)"):
        ExternalStorage(enabled=True, stores=(STORE,)).refuse_if_enabled()


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="thresholdInBytes is -1"):
        ExternalStorage(threshold_bytes=-1)
