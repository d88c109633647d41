"""Codecs of single values: what JSON knows itself, and what is written as text."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from uuid import UUID

from perdure.authoring.codec.codec import Codec, Kind, Mismatch

T = TypeVar("T")

_TEXT = frozenset({Kind.STR})


def _none(value: object) -> object:
    if value is not None:
        raise Mismatch(value, "None")
    return None


def _bool(value: object) -> object:
    if value is True or value is False:
        return value
    raise Mismatch(value, "bool")


def _encode_int(value: object) -> object:
    if isinstance(value, int):
        return int(value)  # type checkers let a bool stand for an int: 1 is then what comes back
    raise Mismatch(value, "int")


def _decode_int(raw: object) -> object:
    if type(raw) is int:
        return raw
    raise Mismatch(raw, "int")


def _encode_float(value: object) -> object:
    if isinstance(value, float | int):
        number = float(value)
        if math.isfinite(number):
            return number
        raise Mismatch(value, "float", because="JSON has no such number")
    raise Mismatch(value, "float")


def _decode_float(raw: object) -> object:
    if type(raw) is float:
        return raw
    if type(raw) is int:
        return float(raw)
    raise Mismatch(raw, "float")


def _encode_str(value: object) -> object:
    if isinstance(value, str):
        return str.__str__(value)
    raise Mismatch(value, "str")


def _decode_str(raw: object) -> object:
    if type(raw) is str:
        return raw
    raise Mismatch(raw, "str")


NONE = Codec("None", _none, _none, frozenset({Kind.NULL}), python=type(None))
BOOL = Codec("bool", _bool, _bool, frozenset({Kind.BOOL}), python=bool)
INT = Codec("int", _encode_int, _decode_int, frozenset({Kind.INT}), python=int)
FLOAT = Codec("float", _encode_float, _decode_float, frozenset({Kind.FLOAT}), frozenset({Kind.INT}), python=float)
STR = Codec("str", _encode_str, _decode_str, _TEXT, python=str, free_text=True)


def _as_text(kind: type[T], write: Callable[[T], str], read: Callable[[str], T], *, immutable: bool = True) -> Codec:
    """Return the codec of a type written as text; *read* may raise ``ValueError``."""
    name = kind.__name__

    def encode(value: object) -> object:
        if isinstance(value, kind):
            return write(value)
        raise Mismatch(value, name)

    def decode(raw: object) -> object:
        if type(raw) is not str:
            raise Mismatch(raw, name)
        try:
            return read(raw)
        except ValueError as error:
            raise Mismatch(raw, name, because=str(error)) from None

    return Codec(name, encode, decode, _TEXT, immutable=immutable, python=kind)


def _write_date(value: date) -> str:
    if isinstance(value, datetime):  # it is a date to Python, and its time would be lost
        raise Mismatch(value, "date")
    return value.isoformat()


def _read_datetime(text: str) -> datetime:
    if len(text) <= len("2026-11-24"):
        raise ValueError("a date without a time")
    return datetime.fromisoformat(text)


def _read_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None


def _read_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not Base64: {error}") from None


def _write_bytes(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


_MICROSECOND = timedelta(microseconds=1)
_DURATION = re.compile(
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:[.,](?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)


def write_duration(value: timedelta) -> str:
    """Write it by ISO 8601, exactly: ``P1DT3.5S``."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = (
        f"{rest.seconds}.{rest.microseconds:06d}".rstrip("0").rstrip(".") if rest.microseconds else str(rest.seconds)
    )
    days = f"{rest.days}D" if rest.days else ""
    return f"{sign}P{days}T{seconds}S"


def read_duration(text: str) -> timedelta:
    """Read days, hours, minutes and seconds as ISO 8601 writes them."""
    match = _DURATION.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError("not a duration such as P1DT12H or PT30S")
    days, hours, minutes, seconds = (int(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    microseconds = int((match["fraction"] or "").ljust(6, "0"))
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return -length if match["sign"] else length


DATETIME = _as_text(datetime, datetime.isoformat, _read_datetime)
DATE = _as_text(date, _write_date, date.fromisoformat)
TIME = _as_text(time, time.isoformat, time.fromisoformat)
TIMEDELTA = _as_text(timedelta, write_duration, read_duration)
UUID_ = _as_text(UUID, str, UUID)
DECIMAL = _as_text(Decimal, str, _read_decimal)
BYTES = _as_text(bytes, _write_bytes, _read_bytes)
BYTEARRAY = _as_text(bytearray, _write_bytes, lambda text: bytearray(_read_bytes(text)), immutable=False)

SCALARS: dict[object, Codec] = {
    None: NONE,
    type(None): NONE,
    bool: BOOL,
    int: INT,
    float: FLOAT,
    str: STR,
    datetime: DATETIME,
    date: DATE,
    time: TIME,
    timedelta: TIMEDELTA,
    UUID: UUID_,
    Decimal: DECIMAL,
    bytes: BYTES,
    bytearray: BYTEARRAY,
}
