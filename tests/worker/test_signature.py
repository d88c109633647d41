"""Signatures by the example of the specification, and what becomes of a call that was tampered with."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.model.errors import InvalidRequest
from perdure.worker.keys import read_signing_key
from perdure.worker.signature import Guard, Signed, Signer, sign
from tests.worker.test_keys import PUBLIC, SEED, text

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
AT = 1614265330
SIGNED = Signed("msg_p5jXN8AQM9LWM0D4loKWxJek", str(AT), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
"""The example that the libraries of Standard Webhooks are tested with."""

OLD, NEW = text("whsec_", b"o" * 24), text("whsec_", b"n" * 24)
PRIVATE_PAIR, PUBLIC_PAIR = text("whsk_", SEED), text("whpk_", PUBLIC)


class Hand:
    """A clock whose hand is moved."""

    def __init__(self, at: float = AT) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def guard(*keys: str, clock: Hand | None = None) -> Guard:
    return Guard(keys or (SECRET,), now_s=clock or Hand())


def signed(*keys: str, at: int = AT, body: bytes = BODY, message_id: str = "msg_1") -> Signed:
    return sign([read_signing_key(key) for key in keys or (SECRET,)], message_id, at, body)


def test_signatures_are_those_of_standard_webhooks() -> None:
    assert signed(message_id=SIGNED.id) == SIGNED
    assert guard().refusal(SIGNED, BODY) is None


def test_a_server_signs_each_call_with_an_id_of_its_own() -> None:
    signer = Signer([SECRET], now_ms=lambda: AT * 1_000 + 999)
    first, second = (dict(line.split(": ") for line in signer.lines(BODY).strip().split("\r\n")) for _ in range(2))
    assert list(first) == ["webhook-id", "webhook-timestamp", "webhook-signature"]
    assert first["webhook-timestamp"] == str(AT)
    assert first["webhook-id"] != second["webhook-id"]
    assert Signer([SECRET], now_ms=lambda: 0).lines(BODY).split("_")[1] != first["webhook-id"].split("_")[1]
    assert "." not in first["webhook-id"]
    both = guard()
    for headers in (first, second):
        assert both.refusal(Signed(*headers.values()), BODY) is None


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (replace(SIGNED, id="msg_other"), "none of this worker's keys"),
        (replace(SIGNED, timestamp=str(AT + 1)), "none of this worker's keys"),
        (replace(SIGNED, signatures=SIGNED.signatures.replace("g0", "g1")), "none of this worker's keys"),
        (replace(SIGNED, signatures=SIGNED.signatures.replace("v1,", "v2,")), "none of this worker's keys"),
        (replace(SIGNED, signatures=SIGNED.signatures.replace("v1,", "v1a,")), "none of this worker's keys"),
        (replace(SIGNED, signatures=SIGNED.signatures[3:]), "none of this worker's keys"),
        (replace(SIGNED, signatures="v1,no base64"), "none of this worker's keys"),
        (replace(SIGNED, signatures="v1,"), "none of this worker's keys"),
        (replace(SIGNED, signatures="v1,\xff"), "none of this worker's keys"),
        (replace(SIGNED, id=""), "no webhook-id"),
        (replace(SIGNED, timestamp=""), "no webhook-timestamp"),
        (replace(SIGNED, signatures=""), "no webhook-signature"),
        (replace(SIGNED, id="msg.1"), "expected no dot"),
        (replace(SIGNED, timestamp="soon"), "expected seconds since 1970"),
        (replace(SIGNED, timestamp="-5"), "expected seconds since 1970"),
        (replace(SIGNED, timestamp="²"), "expected seconds since 1970"),
        (replace(SIGNED, timestamp="9" * 5_000), "expected seconds since 1970"),
    ],
)
def test_a_call_that_was_changed_is_refused(tampered: Signed, told: str) -> None:
    refused = guard().refusal(tampered, BODY)
    assert refused is not None
    assert told in refused


def test_a_changed_body_is_refused() -> None:
    assert guard().refusal(SIGNED, BODY + b" ") is not None
    assert guard().refusal(SIGNED, b"") is not None


@given(st.integers(min_value=0, max_value=8 * len(BODY) - 1))
def test_not_a_bit_of_the_body_can_be_changed(bit: int) -> None:
    changed = bytearray(BODY)
    changed[bit // 8] ^= 1 << bit % 8
    assert guard().refusal(SIGNED, bytes(changed)) is not None


def test_another_secret_is_refused() -> None:
    assert guard(OLD).refusal(SIGNED, BODY) is not None


def test_keys_are_changed_without_a_call_being_refused() -> None:
    """First the worker takes both, then the server signs with both, then either lets go of the old one."""
    for server, worker in (([OLD], [OLD, NEW]), ([OLD, NEW], [OLD, NEW]), ([OLD, NEW], [NEW]), ([NEW], [NEW])):
        assert guard(*worker).refusal(signed(*server), BODY) is None
    assert guard(NEW).refusal(signed(OLD), BODY) is not None


def test_secrets_and_pairs_can_stand_beside_each_other() -> None:
    both = signed(SECRET, PRIVATE_PAIR)
    assert [part.partition(",")[0] for part in both.signatures.split(" ")] == ["v1", "v1a"]
    assert guard(PUBLIC_PAIR).refusal(both, BODY) is None
    assert guard(SECRET).refusal(both, BODY) is None
    assert guard(PUBLIC_PAIR).refusal(both, BODY + b" ") is not None
    assert guard(PUBLIC_PAIR).refusal(signed(SECRET), BODY) is not None


def test_signatures_are_not_looked_at_without_end() -> None:
    many = replace(SIGNED, signatures=" ".join(["v1,AAAA"] * 16 + [SIGNED.signatures]))
    assert guard().refusal(many, BODY) is not None
    some = replace(SIGNED, signatures=" ".join(["v1,AAAA"] * 15 + [SIGNED.signatures]))
    assert guard().refusal(some, BODY) is None


@pytest.mark.parametrize(("apart", "taken"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_call_is_taken_for_five_minutes(apart: int, taken: bool) -> None:
    refused = guard(clock=Hand(AT + apart)).refusal(SIGNED, BODY)
    assert (refused is None) == taken
    if refused is not None:
        assert f"301 s {'ago' if apart > 0 else 'ahead'}" in refused


def test_a_call_is_taken_once() -> None:
    clock = Hand()
    once = guard(clock=clock)
    assert once.refusal(SIGNED, BODY) is None
    for later in (0, 299, 300):
        clock.at = AT + later
        assert "has been here before" in (once.refusal(SIGNED, BODY) or "")
    clock.at = AT + 301
    assert "301 s ago" in (once.refusal(SIGNED, BODY) or "")


def test_a_forgery_does_not_use_up_an_id() -> None:
    once = guard()
    assert once.refusal(SIGNED, b"forged") is not None
    assert once.refusal(SIGNED, BODY) is None


def test_ids_are_forgotten_once_their_calls_are_too_old() -> None:
    clock = Hand()
    once = guard(clock=clock)
    for second in range(1_000):
        clock.at = AT + second
        assert once.refusal(signed(at=AT + second, message_id=f"msg_{second}"), BODY) is None
    assert once.remembered_count == 301


def test_a_clock_that_is_set_back_lets_nothing_in_twice() -> None:
    clock = Hand()
    once = guard(clock=clock)
    assert once.refusal(SIGNED, BODY) is None
    clock.at = AT + 3_600
    assert once.refusal(signed(at=AT + 3_600), BODY) is None
    clock.at = AT
    assert "it may have been here" in (once.refusal(SIGNED, BODY) or "")
    assert once.refusal(signed(at=AT + 1, message_id="msg_new"), BODY) is None


def test_of_many_that_come_at_once_one_is_taken() -> None:
    once = guard()
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _: once.refusal(SIGNED, BODY) is None, range(200)))
    assert sum(taken) == 1


def test_a_key_that_is_none_is_found_before_anything_is_signed() -> None:
    with pytest.raises(InvalidRequest):
        Signer(["whsec_short"], now_ms=lambda: 0)
    with pytest.raises(InvalidRequest):
        Guard(["whsec_short"], now_s=lambda: 0)
