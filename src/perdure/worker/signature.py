"""Signatures of calls, as Standard Webhooks has them: three headers beside the body.

Rule 1: what is signed is ``id.timestamp.body``, so none of them can be changed alone.
Rule 2: one good signature among those that came is enough. While keys are changed, a server signs
        with the old and the new one, and a worker takes either.
Rule 3: what is good is taken once. A call of some minutes ago is refused for its age, and a younger
        one because its id is remembered.
"""

from __future__ import annotations

import secrets
from base64 import b64decode
from binascii import Error as NoBase64
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Final

from perdure.worker.keys import SigningKey, VerifyingKey, read_signing_key, read_verifying_key

ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
TOLERANCE_SECONDS: Final = 300
"""How far a call's time may be from this machine's: what the libraries of Standard Webhooks allow."""
SIGNATURES_MAX: Final = 16
"""Far more than keys are in use at once: whoever sends more wants to have us compute."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What came with a body; empty where there was no such header."""

    id: str
    timestamp: str
    signatures: str
    """One or more, each with the version of its scheme, with spaces between."""


class Signer:
    """Signs a server's calls, each with all keys."""

    def __init__(self, keys: Iterable[str], *, now_ms: Callable[[], int]) -> None:
        """Read the keys.

        Raises:
            InvalidRequest: one of them is none; it is not shown.
        """
        self._keys = tuple(read_signing_key(key) for key in keys)
        self._now_ms = now_ms
        # Counted, for a call is too short to pay for drawing; unlike any other server's all the same.
        self._prefix = f"msg_{secrets.token_hex(16)}_"
        self._numbers = count(1)

    def lines(self, body: bytes) -> str:
        """Return the headers of the next call. Each call has an id of its own, repeated attempts too."""
        signed = sign(self._keys, f"{self._prefix}{next(self._numbers)}", self._now_ms() // 1_000, body)
        return f"{ID}: {signed.id}\r\n{TIMESTAMP}: {signed.timestamp}\r\n{SIGNATURE}: {signed.signatures}\r\n"


class Guard:
    """Lets signed calls in, once each. May be asked from any thread.

    Its memory is its own: of several processes that serve one address, each lets a call in once.
    """

    def __init__(
        self, keys: Iterable[str], *, now_s: Callable[[], float], tolerance_seconds: int = TOLERANCE_SECONDS
    ) -> None:
        """Read the keys.

        Raises:
            InvalidRequest: one of them is none; it is not shown.
        """
        self._keys = tuple(read_verifying_key(key) for key in keys)
        self._now_s = now_s
        self._tolerance_seconds = tolerance_seconds
        self._lock = Lock()
        self._taken: dict[int, set[str]] = {}
        """The ids that came in, by the second that was signed with them."""
        self._forgotten_until = 0
        """Ids of up to this second are not remembered any more, should the clock go back."""

    def refusal(self, signed: Signed, body: bytes) -> str | None:
        """Say why a call is not let in; ``None``: it is, and will not be again."""
        now_s = int(self._now_s())
        problem = problem_of(self._keys, signed, body, now_s=now_s, tolerance_seconds=self._tolerance_seconds)
        return problem or self._take(signed, now_s)

    @property
    def remembered_count(self) -> int:
        return sum(map(len, self._taken.values()))

    def _take(self, signed: Signed, now_s: int) -> str | None:
        second = int(signed.timestamp)
        with self._lock:
            self._forget(now_s - self._tolerance_seconds)
            if second <= self._forgotten_until:
                return f"{TIMESTAMP} is {second}, from before this machine's clock was set back: it may have been here"
            ids = self._taken.setdefault(second, set())
            if signed.id in ids:
                return f"{ID} is {signed.id!a}, which has been here before: a call is taken once"
            ids.add(signed.id)
        return None

    def _forget(self, before_s: int) -> None:
        """Drop what would be refused for its age. The seconds are nearly in order: most calls look at one."""
        while self._taken and (oldest := next(iter(self._taken))) < before_s:
            del self._taken[oldest]
            self._forgotten_until = max(self._forgotten_until, oldest)


def sign(keys: Iterable[SigningKey], message_id: str, timestamp_s: int, body: bytes) -> Signed:
    content = _content(message_id, str(timestamp_s), body)
    signatures = " ".join(
        [f"{key.version},{b2a_base64(key.sign(content), newline=False).decode('ascii')}" for key in keys]
    )
    return Signed(message_id, str(timestamp_s), signatures)


def problem_of(
    keys: Iterable[VerifyingKey], signed: Signed, body: bytes, *, now_s: int, tolerance_seconds: int
) -> str | None:
    """Say what is wrong with a call's signature, whatever came before; ``None``: nothing."""
    for name, value in ((ID, signed.id), (TIMESTAMP, signed.timestamp), (SIGNATURE, signed.signatures)):
        if not value:
            return f"the call has no {name}, expected one that is signed; give the server this worker's key"
    if "." in signed.id:
        return f"{ID} is {signed.id[:80]!a}, expected no dot in it: a dot parts it from the time"
    if not (signed.timestamp.isascii() and signed.timestamp.isdigit() and len(signed.timestamp) < 15):
        return f"{TIMESTAMP} is {signed.timestamp[:40]!a}, expected seconds since 1970"
    age_seconds = now_s - int(signed.timestamp)
    if abs(age_seconds) > tolerance_seconds:
        return (
            f"{TIMESTAMP} is {abs(age_seconds)} s {'ago' if age_seconds > 0 else 'ahead'} by this machine's clock, "
            f"expected no more than {tolerance_seconds}; compare the clocks"
        )
    if not _is_signed(tuple(keys), signed, body):
        return f"{SIGNATURE} is of none of this worker's keys, or the call was changed; compare the keys of server and worker"
    return None


def _is_signed(keys: tuple[VerifyingKey, ...], signed: Signed, body: bytes) -> bool:
    content = _content(signed.id, signed.timestamp, body)
    for text in signed.signatures.split(" ")[:SIGNATURES_MAX]:
        version, _, encoded = text.partition(",")
        try:
            signature = b64decode(encoded, validate=True)
        except (NoBase64, ValueError):
            continue
        if any(key.version == version and key.verifies(signature, content) for key in keys):
            return True
    return False


def _content(message_id: str, timestamp: str, body: bytes) -> bytes:
    # Escaped, what is not Latin-1 is signed by nobody; a dot can be in none of ours.
    return f"{message_id}.{timestamp}.".encode("latin-1", "backslashreplace") + body
