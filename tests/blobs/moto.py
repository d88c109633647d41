"""S3, as moto plays it: a server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests.ports import quiet_port

KEYS = {"access_key": "whoever", "secret_key": "s3cret-of-whoever"}
REGION = "eu-central-1"


@contextmanager
def moto(*, port: int = 0) -> Iterator[str]:
    """Serve, and give the address. It forgets everything at its end."""
    port = port or quiet_port()
    process = subprocess.Popen(
        [sys.executable, "-c", f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, process)
        yield address
    finally:
        process.kill()
        process.wait()


def make_bucket(address: str, bucket: str) -> None:
    """Ask for a bucket, signed or not: moto minds no keys."""
    body = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
    _send(address, bucket, "PUT", body)


def remove_bucket(address: str, bucket: str) -> None:
    _send(address, bucket, "DELETE")


def _send(address: str, bucket: str, method: str, body: str = "") -> None:
    asked = Request(f"{address}/{bucket}", data=body.encode() or None, method=method)
    with urlopen(asked, timeout=60) as answer:
        assert answer.status < 300


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """By real time: it is another program that starts, and it does not say when it has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "moto's server has ended"
        try:
            urlopen(f"{address}/moto-api/", timeout=60).close()
        except (URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("moto's server does not answer")
