"""Links that nobody can guess, and that a repeated attempt makes again exactly as they were.

A random token would have to be stored before it is mailed, and an attempt repeated after a crash
would mail another one, leaving the first link dead. So a token is derived: from a secret key in the
settings, a random salt in the sign-up, and everything the link is good for. Neither the key alone
nor the database alone forges one, and no token is stored anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass

KEY_BYTES_MIN = 32
_MAC_BYTES = hashlib.sha256().digest_size
_TOKEN = re.compile(r"[A-Za-z0-9_-]{44}")  # 1 + 32 bytes, without padding: each token has one spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a link is good for. Change any of it, and the links sent before are dead."""

    salt: str
    """Random, drawn once for each sign-up."""
    workflow_id: str
    run_id: str
    """Kills the links of an earlier sign-up under the same name."""
    email: str
    """Kills the links sent to an earlier address."""
    purpose: str = "verify"
    sequence: int = 1
    """Counted up to revoke the links sent so far."""


class Tokens:
    """Makes and checks tokens. The first key signs, all of them verify: that is how keys are changed."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        for kid, key in keys.items():
            if not 0 <= kid <= 255:
                raise ValueError(f"token key id is {kid}, expected 0 to 255")
            if len(key) < KEY_BYTES_MIN:
                raise ValueError(f"token key {kid} has {len(key)} bytes, expected at least {KEY_BYTES_MIN}")
        if not keys:
            raise ValueError("there is no token key, expected at least one")
        self._keys = dict(keys)
        self._signing_kid = next(iter(self._keys))

    def make(self, claim: Claim) -> str:
        """Return the token of *claim*: 44 characters that are safe in a URL, always the same ones."""
        return _encode(self._signing_kid, _mac(self._keys[self._signing_kid], claim))

    def matches(self, token: str, claim: Claim) -> bool:
        """Say whether *token* was made for *claim*, in a time that tells nothing of how nearly it was."""
        kid, mac = _decode(token)
        key = self._keys.get(kid)
        # An unknown key costs the same work as a known one.
        expected = _mac(key if key is not None else bytes(KEY_BYTES_MIN), claim)
        return hmac.compare_digest(mac, expected) and key is not None


def _mac(key: bytes, claim: Claim) -> bytes:
    mac = hmac.new(key, b"signup-token-v1", hashlib.sha256)
    for value in astuple(claim):
        field = str(value).encode()
        mac.update(len(field).to_bytes(4, "big") + field)  # with lengths, "ab"+"c" is not "a"+"bc"
    return mac.digest()


def _encode(kid: int, mac: bytes) -> str:
    return base64.urlsafe_b64encode(bytes([kid]) + mac).decode()


def _decode(token: str) -> tuple[int, bytes]:
    """Split a token into key id and code; what is no token becomes a code that matches nothing."""
    if not _TOKEN.fullmatch(token):
        return -1, bytes(_MAC_BYTES)
    raw = base64.urlsafe_b64decode(token)
    return raw[0], raw[1:]
