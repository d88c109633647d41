"""Where a page of a search ended, as a text that callers hand back and never read."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import assert_never

from perdure.model.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class AmongOpen:
    """The page ended at this open run. Open ones come first, the latest start first."""

    key: int


@dataclass(frozen=True, slots=True)
class AmongClosed:
    """The page ended at this closed run. The latest end comes first."""

    closed_ms: int
    key: int


@dataclass(frozen=True, slots=True)
class InOrder:
    """The page ended at the run with these values, in the order that the query asked for."""

    values: tuple[int | float | str, ...]


Position = AmongOpen | AmongClosed | InOrder


def write_token(position: Position) -> str:
    return b64encode(json.dumps(_plain(position), separators=(",", ":")).encode()).decode()


def read_token(token: str) -> Position:
    """Read a token.

    Raises:
        InvalidRequest: it is not one of ours.
    """
    try:
        plain = json.loads(b64decode(token, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _not_a_token(token) from None
    match plain:
        case ["open", key] if _is_key(key):
            return AmongOpen(key)
        case ["closed", closed_ms, key] if _is_key(closed_ms) and _is_key(key):
            return AmongClosed(closed_ms, key)
        case ["order", *values] if all(_is_value(value) for value in values):
            return InOrder(tuple(values))
        case _:
            raise _not_a_token(token)


def _plain(position: Position) -> list[object]:
    match position:
        case AmongOpen(key):
            return ["open", key]
        case AmongClosed(closed_ms, key):
            return ["closed", closed_ms, key]
        case InOrder(values):
            return ["order", *values]
        case _:
            assert_never(position)


def _is_key(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return type(value) is float or _is_key(value)


def _not_a_token(token: str) -> InvalidRequest:
    return InvalidRequest(
        f"nextPageToken {token[:100]!r} is none that a search gave: leave it out to begin with the first page"
    )
