"""Keys for signed calls, in the form that Standard Webhooks gives them.

``whsec_…`` is a secret that both sides have (HMAC-SHA256, signatures ``v1``). ``whsk_…`` signs and
``whpk_…`` verifies (Ed25519, signatures ``v1a``): who has the latter alone can sign nothing. A
message about a key never says the key.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from perdure.model.errors import InvalidRequest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC_BYTES: Final = range(24, 65)
"""What Standard Webhooks allows for a secret."""
_ED25519_BYTES: Final = 32


class SigningKey(Protocol):
    """Makes signatures."""

    @property
    def version(self) -> str:
        """What stands before each signature, to tell which scheme it is of."""
        ...

    def sign(self, content: bytes) -> bytes: ...


class VerifyingKey(Protocol):
    """Tells signatures from forgeries."""

    @property
    def version(self) -> str: ...

    def verifies(self, signature: bytes, content: bytes) -> bool: ...


class HmacKey:
    """A secret of both sides."""

    version = "v1"

    def __init__(self, secret: bytes) -> None:
        self._begun = hmac.new(secret, digestmod="sha256")
        """With the secret taken in: a copy of it goes on in two thirds of the time."""

    def sign(self, content: bytes) -> bytes:
        code = self._begun.copy()
        code.update(content)
        return code.digest()

    def verifies(self, signature: bytes, content: bytes) -> bool:
        return hmac.compare_digest(signature, self.sign(content))


class Ed25519SigningKey:
    """The signing half of a pair."""

    version = "v1a"

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def sign(self, content: bytes) -> bytes:
        return self._key.sign(content)


class Ed25519VerifyingKey:
    """The half of a pair that anybody may have."""

    version = "v1a"

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    def verifies(self, signature: bytes, content: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra's

        try:
            self._key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


def read_signing_key(text: str) -> SigningKey:
    """Read what a server signs with.

    Raises:
        InvalidRequest: it is no ``whsec_…`` and no ``whsk_…``; or the extra ``ed25519`` is missing.
    """
    if text.startswith("whsec_"):
        return _read_hmac(text)
    if text.startswith("whsk_"):
        return _read_ed25519_signing(text)
    raise InvalidRequest(_unknown(text, "a server signs with whsec_… or whsk_…", "whpk_"))


def read_verifying_key(text: str) -> VerifyingKey:
    """Read what a worker verifies with.

    Raises:
        InvalidRequest: it is no ``whsec_…`` and no ``whpk_…``; or the extra ``ed25519`` is missing.
    """
    if text.startswith("whsec_"):
        return _read_hmac(text)
    if text.startswith("whpk_"):
        return _read_ed25519_verifying(text)
    raise InvalidRequest(_unknown(text, "a worker verifies with whsec_… or whpk_…", "whsk_"))


def read_keys_file(path: str) -> tuple[str, ...]:
    """Return the keys in a file, one a line; empty lines and those that begin with ``#`` are none.

    Raises:
        InvalidRequest: the file cannot be read, or has no key.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise InvalidRequest(f"the file of keys {path} cannot be read: {reason}") from None
    keys = keys_among(lines)
    if not keys:
        raise InvalidRequest(f"the file of keys {path} has none, expected one a line: whsec_…")
    return keys


def keys_among(lines: Iterable[str]) -> tuple[str, ...]:
    stripped = (line.strip() for line in lines)
    return tuple(line for line in stripped if line and not line.startswith("#"))


def _read_hmac(text: str) -> HmacKey:
    secret = _bytes_of(text, "whsec_")
    if len(secret) not in HMAC_BYTES:
        raise InvalidRequest(
            f"found a key whsec_… of {len(secret)} bytes, expected {HMAC_BYTES.start} to {HMAC_BYTES.stop - 1}; "
            "make one: echo whsec_$(openssl rand -base64 32)"
        )
    return HmacKey(secret)


def _read_ed25519_signing(text: str) -> Ed25519SigningKey:
    private, _ = _ed25519()
    found = _bytes_of(text, "whsk_")
    if len(found) not in (_ED25519_BYTES, 2 * _ED25519_BYTES):
        raise InvalidRequest(f"found a key whsk_… of {len(found)} bytes, expected {_ED25519_BYTES} or twice as many")
    # Some tools write the public key behind the secret one.
    seed, public = found[:_ED25519_BYTES], found[_ED25519_BYTES:]
    key = private.from_private_bytes(seed)
    if public and public != key.public_key().public_bytes_raw():
        raise InvalidRequest("found a key whsk_… whose second half is not the public key of its first")
    return Ed25519SigningKey(key)


def _read_ed25519_verifying(text: str) -> Ed25519VerifyingKey:
    _, public = _ed25519()
    found = _bytes_of(text, "whpk_")
    if len(found) != _ED25519_BYTES:
        raise InvalidRequest(f"found a key whpk_… of {len(found)} bytes, expected {_ED25519_BYTES}")
    return Ed25519VerifyingKey(public.from_public_bytes(found))


def _ed25519() -> tuple[type[Ed25519PrivateKey], type[Ed25519PublicKey]]:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra's
    except ModuleNotFoundError:
        raise InvalidRequest(
            "Ed25519 keys (whsk_…, whpk_…) need cryptography, which is not installed. "
            "Install it: pip install 'perdure[ed25519]'; or use a secret: whsec_…"
        ) from None
    return ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey


def _bytes_of(text: str, prefix: str) -> bytes:
    try:
        return b64decode(text.removeprefix(prefix), validate=True)
    except (NoBase64, ValueError):
        raise InvalidRequest(f"found a key {prefix}… that is not followed by base64") from None


def _unknown(text: str, expected: str, other_half: str) -> str:
    if text.startswith(other_half):
        return f"found a key {other_half}…, the other side's half of a pair; {expected}"
    return f"found a key of {len(text)} characters that begins with neither; {expected}"
