from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from perdure.model.errors import InvalidRequest
from perdure.worker.keys import keys_among, read_keys_file, read_signing_key, read_verifying_key

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
EMPTY_SIGNED = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
"""The first test of RFC 8032, 7.1: a key pair, and its signature of nothing."""


def text(prefix: str, key: bytes) -> str:
    return prefix + b64encode(key).decode()


@pytest.mark.parametrize("private", [SEED, SEED + PUBLIC], ids=["seed", "seed and public key"])
def test_ed25519_is_that_of_the_rfc(private: bytes) -> None:
    signing, verifying = read_signing_key(text("whsk_", private)), read_verifying_key(text("whpk_", PUBLIC))
    assert signing.sign(b"") == EMPTY_SIGNED
    assert verifying.verifies(EMPTY_SIGNED, b"")
    assert not verifying.verifies(EMPTY_SIGNED, b"x")
    assert not verifying.verifies(b"short", b"")
    assert signing.version == verifying.version == "v1a"


def test_a_secret_signs_and_verifies() -> None:
    key = text("whsec_", bytes(24))
    signature = read_signing_key(key).sign(b"x")
    assert read_verifying_key(key).verifies(signature, b"x")
    assert not read_verifying_key(key).verifies(signature, b"y")
    assert not read_verifying_key(text("whsec_", b"k" * 24)).verifies(signature, b"x")


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (text("whsec_", b"k" * 23), "of 23 bytes, expected 24 to 64; make one: "),
        (text("whsec_", b"k" * 65), "of 65 bytes"),
        ("whsec_k!!!", "not followed by base64"),
        ("whsec_ä", "not followed by base64"),
        (text("whsk_", b"k" * 31), "of 31 bytes, expected 32"),
        (text("whsk_", SEED + bytes(32)), "second half is not the public key"),
        (text("whpk_", PUBLIC), "the other side's half"),
        ("s3cret", "found a key of 6 characters"),
        ("", "found a key of 0 characters"),
    ],
)
def test_what_is_no_signing_key_is_refused_without_being_shown(key: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told) as refused:
        read_signing_key(key)
    secret = key.partition("_")[2] or key
    assert not secret or secret not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (text("whpk_", b"k" * 33), "of 33 bytes, expected 32"),
        (text("whsk_", SEED), "the other side's half"),
        ("whsec_", "of 0 bytes"),
    ],
)
def test_what_is_no_verifying_key_is_refused(key: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read_verifying_key(key)


def test_keys_stand_in_a_file_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# since May\n\n  whsec_a \nwhsec_b\n")
    assert read_keys_file(str(file)) == ("whsec_a", "whsec_b")
    assert keys_among(["", "#x", " y"]) == ("y",)


def test_a_file_without_keys_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("# none yet\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name, told in (("empty", "has none"), ("absent", "No such file"), ("binary", "no text"), (".", "director")):
        with pytest.raises(InvalidRequest, match=told):
            read_keys_file(str(tmp_path / name))


def test_pairs_of_keys_need_an_extra_and_secrets_do_not() -> None:
    program = """
import sys
sys.modules["cryptography"] = None
from perdure.worker.keys import read_signing_key
from perdure.model.errors import InvalidRequest
read_signing_key("whsec_" + "a" * 32)
try:
    read_signing_key("whsk_" + "a" * 44)
except InvalidRequest as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert "pip install 'perdure[ed25519]'" in told
