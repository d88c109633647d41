"""Run ids: UUIDv7, drawn at the edge and handed in."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from perdure.model.ids import RunId

_COUNTER_BITS = 74  # what version 7 leaves beside its 48 bits of time
_DRAWN_BITS = 73  # the highest stays free, so that counting on seldom runs over
_STEP_BITS = 32


class UuidV7:
    """UUIDs of version 7 that only go up, also within a millisecond and when the clock goes back.

    Later ids sort after earlier ones, so that what is stored by them is written in one place. Within
    one millisecond the number is counted on by a random step (RFC 9562, 6.2, method 2).
    """

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last_ms = -1
        self._number = 0

    def new_run_id(self) -> RunId:
        now_ms = self._now_ms()
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._number = secrets.randbits(_DRAWN_BITS)
        else:
            self._number += secrets.randbits(_STEP_BITS) + 1
            if self._number >> _COUNTER_BITS:
                self._last_ms += 1
                self._number = secrets.randbits(_DRAWN_BITS)
        return RunId(_text(self._last_ms, self._number))


def _text(at_ms: int, number: int) -> str:
    high, low = number >> 62, number & ((1 << 62) - 1)
    value = (at_ms & ((1 << 48) - 1)) << 80 | 7 << 76 | high << 64 | 2 << 62 | low
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
