"""What no request may hold, however well it fits its call: looked for once, before anything is read.

iWF's own reader lets these pass or repairs them. Here they are refused, for what they do later: text
that is not Unicode comes back changed, a NUL ends a text early in half of the programs that will see
it, and depth makes readers fall over that count on less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from perdure.model.limits import DEPTH_MAX, SHALLOWER
from perdure.wire.document import Malformed

_DECODER = json.JSONDecoder()
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(each for each in range(256) if each not in b"[]{}")
_ALL_ALIKE = bytes.maketrans(b"{}", b"[]")
_TOO_DEEP = b"[" * (DEPTH_MAX + 1)
_NUL = re.compile("\0")
_NUL_OR_FOREIGN = re.compile("[\0\udc80-\udcff]")
"""Bytes that are no UTF-8, as ``surrogateescape`` shows them, too."""
_Place = tuple["_Place", str | int] | None
"""Where a value is in what it is in, and where that is."""


def screen(body: bytes) -> None:
    """Refuse a body that no call can take.

    A body that is no JSON passes: whoever reads it says so, and better.

    Raises:
        Malformed: what is wrong, and in which field.
    """
    is_unicode = _is_unicode(body)
    if is_unicode and not _ESCAPED_NUL.search(body) and _is_shallow(body):
        return
    try:
        value, _ = _DECODER.raw_decode(body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n"))
    except RecursionError:
        raise Malformed(
            f"the body has lists and objects more than {DEPTH_MAX} deep inside each other. {SHALLOWER}"
        ) from None
    except ValueError:
        value = None
    _check(value, _NUL if is_unicode else _NUL_OR_FOREIGN)
    if not is_unicode:
        raise Malformed("the body is not UTF-8")


def _is_unicode(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_shallow(body: bytes) -> bool:
    """Say whether a body is known to be no deeper than it may be, without reading it: one may be as wide as it is long."""
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return True
    brackets = _TEXT.sub(b"", body).translate(_ALL_ALIKE, _NO_BRACKETS)
    for _ in range(DEPTH_MAX):
        if _TOO_DEEP in brackets:
            return False
        brackets = brackets.replace(b"[]", b"")  # the innermost ones, all at once
        if not brackets:
            return True
    return False


def _check(value: Any, unwanted: re.Pattern[str]) -> None:
    """Look at all texts in *value*, names of fields too, and at its depth: a level at a time, for a body may be as wide as it is long.

    Where something is, is made out only for what is refused.
    """
    if isinstance(value, str):
        _check_text(value, unwanted, None)
    level: list[tuple[_Place, Any]] = [(None, value)] if isinstance(value, dict | list) else []
    for depth in range(1, DEPTH_MAX + 2):
        if level and depth > DEPTH_MAX:
            raise Malformed(
                f"has lists and objects more than {DEPTH_MAX} deep inside each other. {SHALLOWER}",
                place=_shown(level[0][0]),
            )
        level = [inside for place, found in level for inside in _look_into(place, found, unwanted)]


def _look_into(place: _Place, found: Any, unwanted: re.Pattern[str]) -> Iterator[tuple[_Place, Any]]:
    """Check the texts of a list or an object, and yield the lists and objects that it has."""
    items: Iterable[tuple[Any, Any]] = found.items() if isinstance(found, dict) else enumerate(found)
    for name, item in items:
        if isinstance(name, str) and unwanted.search(name):
            _check_text(name, unwanted, place)
        if isinstance(item, str):
            if unwanted.search(item):
                _check_text(item, unwanted, (place, name))
        elif isinstance(item, dict | list):
            yield (place, name), item


def _check_text(text: str, unwanted: re.Pattern[str], place: _Place) -> None:
    match = unwanted.search(text)
    if match is None:
        return
    if "\0" in text:
        raise Malformed("has a NUL character, which no text here may have", place=_shown(place))
    raise Malformed("has bytes that are not UTF-8", place=_shown(place))


def _shown(place: _Place) -> str:
    """Return a place as text, the beginning of it if it is long."""
    parts: list[str] = []
    while place is not None:
        place, name = place
        parts.append(f".{name}" if isinstance(name, str) else f"[{name}]")
    parts.reverse()
    text = "".join(parts[:8]).removeprefix(".")
    return ascii(text)[1:-1][:200] + ("..." if len(parts) > 8 else "")
