"""A server with a file of settings as a team has it for iWF's, a worker, and values over the threshold, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from perdure import connect
from perdure.blobs.bucket import BlobBucket
from perdure.blobs.folder import BlobFolder
from perdure.ports.blob_store import BlobStore
from tests.blobs.moto import KEYS, REGION, make_bucket, moto
from tests.cli.served import Steady
from tests.server.process import ServerProcess, WorkerProcess

LARGE = "large-" * 10_000
FOLDER = "{status: active, storageId: local, storageType: folder, folder: %s}"
S3 = "{status: active, storageId: s3, storageType: s3, s3Endpoint: '%s', s3Bucket: large, s3Region: %s, s3AccessKey: %s, s3SecretKey: %s, cleanupCronSchedule: '0 3 * * *'}"


def settings(folder: Path, store: str) -> str:
    file = folder / "iwf.yaml"
    file.write_text(
        "externalStorage:\n  enabled: true\n  thresholdInBytes: 1000\n  minAgeForCleanupCheckInDays: 1\n"
        f"  supportedStorages:\n    - {store}\n"
    )
    return str(file)


@pytest.fixture(params=["folder", "s3"])
def described(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, BlobStore]]:
    """Give a store as a file of settings describes it, and as a test looks into it."""
    if request.param == "folder":
        yield FOLDER % (tmp_path / "blobs"), BlobFolder(tmp_path / "blobs", store_id="local")
        return
    with moto() as address:
        make_bucket(address, "large")
        bucket = BlobBucket("large", endpoint=address, region=REGION, **KEYS)
        bucket.open()
        yield S3 % (address, REGION, *KEYS.values()), bucket


def post(url: str, call: str, body: Mapping[str, object]) -> dict[str, object]:
    asked = Request(
        f"{url}/api/v1/{call}", data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urlopen(asked, timeout=30) as answer:
        read: dict[str, object] = json.loads(answer.read())
        return read


def refusal(url: str, call: str, body: Mapping[str, object]) -> tuple[int, str]:
    with pytest.raises(HTTPError) as refused:
        post(url, call, body)
    with refused.value as answer:
        return answer.code, answer.read().decode()


def test_large_values_are_in_the_store_and_come_back_everywhere(
    tmp_path: Path, described: tuple[str, BlobStore]
) -> None:
    store, inside = described
    value = {"encoding": "json", "data": json.dumps(LARGE)}
    with (
        ServerProcess(tmp_path, "--config", settings(tmp_path, store)) as server,
        WorkerProcess(tmp_path, "tests.cli.served:every") as worker,
        connect(server.url, worker_url=worker.url) as client,
    ):
        assert client.start(Steady, "w", LARGE).result(timeout=60) == LARGE
        [kept] = inside.list("")  # what goes in and what comes out is the same, so it is there once

        told = post(server.url, "workflow/getWithWait", {"workflowId": "w", "needsResults": True})
        assert isinstance(told["results"], list)
        assert told["results"][0]["completedStateOutput"]["data"] == json.dumps(LARGE)

        attribute = {"key": "a", "value": {**value, "data": "x" * 5_000}}
        client.start(Steady, "open", "small")
        post(
            server.url,
            "workflow/start",
            {
                "workflowId": "idle",
                "iwfWorkflowType": "Steady",
                "workflowTimeoutSeconds": 0,
                "iwfWorkerUrl": worker.url,
            },
        )
        post(server.url, "workflow/dataobjects/set", {"workflowId": "idle", "objects": [attribute]})
        assert post(server.url, "workflow/dataobjects/get", {"workflowId": "idle"}) == {"objects": [attribute]}
        assert len(list(inside.list(""))) == 2

        name = {"extStoreId": inside.store_id, "extPath": kept.path, "encoding": "json"}
        assert post(server.url, "workflow/encodedobject/load", name) == value
        status, _ = refusal(server.url, "workflow/encodedobject/load", {**name, "extPath": "../../../etc/passwd"})
        assert status == 400

        client.get(Steady, "w").erase()
        assert kept.path not in [blob.path for blob in inside.list("")]
    assert not any(secret in line for line in server.output for secret in KEYS.values())
    assert not _in_the_file(tmp_path, "large-large-")
    assert not _in_the_file(tmp_path, "x" * 5_000)


def _in_the_file(folder: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in folder.glob("*.db*"))


def test_a_bucket_that_goes_away_is_503_for_what_is_large_and_nothing_to_the_rest(tmp_path: Path) -> None:
    with ExitStack() as bucket:
        address = bucket.enter_context(moto())
        make_bucket(address, "large")
        store = S3 % (address, REGION, *KEYS.values())
        with ServerProcess(tmp_path, "--config", settings(tmp_path, store)) as server:
            bucket.close()
            _ask_without_a_bucket(server.url)
    assert not any(secret in line for line in server.output for secret in KEYS.values())


def _ask_without_a_bucket(url: str) -> None:
    body: dict[str, object] = {
        "workflowId": "w",
        "iwfWorkflowType": "Steady",
        "workflowTimeoutSeconds": 0,
        "iwfWorkerUrl": "http://127.0.0.1:1",
    }
    post(url, "workflow/start", body)
    large = {"workflowId": "w", "signalChannelName": "c", "signalValue": {"encoding": "json", "data": "x" * 5_000}}
    status, told = refusal(url, "workflow/signal", large)
    assert status == 503
    assert "cannot write the bucket 'large' at http" in told
    assert KEYS["secret_key"] not in told
    post(url, "workflow/signal", {**large, "signalValue": {"encoding": "json", "data": "small"}})
    history = post(url, "perdure/history", {"workflowId": "w"})
    assert [entry["kind"] for entry in history["entries"]] == ["started", "signal"]  # type: ignore[attr-defined]  # JSON
