"""What no request may hold, however well it fits its call: looked for once, before anything is read.

iWF's own reader lets these pass or repairs them. Here they are refused, for what they do later: text
that is not Unicode comes back changed, a NUL ends a text early in half of the programs that will see
it, and depth makes readers fall over that count on less.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from perdure.model.limits import DEPTH_MAX, SHALLOWER
from perdure.wire.document import Malformed

_DECODER = json.JSONDecoder()
_FOREIGN = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as ``surrogateescape`` shows them."""


def screen(body: bytes) -> None:
    """Refuse a body that no call can take.

    A body that is no JSON passes: whoever reads it says so, and better.

    Raises:
        Malformed: what is wrong, and in which field.
    """
    is_unicode = _is_unicode(body)
    if is_unicode and b"\\u0000" not in body and body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return
    try:
        value, _ = _DECODER.raw_decode(body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n"))
    except RecursionError:
        raise Malformed(
            f"the body has lists and objects more than {DEPTH_MAX} deep inside each other. {SHALLOWER}"
        ) from None
    except ValueError:
        value = None
    for place, found, depth in _walk(value):
        if depth > DEPTH_MAX:
            raise Malformed(
                f"has lists and objects more than {DEPTH_MAX} deep inside each other. {SHALLOWER}", place=_shown(place)
            )
        if isinstance(found, str):
            _check_text(found, _shown(place))
    if not is_unicode:
        raise Malformed("the body is not UTF-8")


def _is_unicode(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_text(text: str, place: str) -> None:
    if "\0" in text:
        raise Malformed("has a NUL character, which no text here may have", place=place)
    if _FOREIGN.search(text):
        raise Malformed("has bytes that are not UTF-8", place=place)


def _walk(value: Any) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    """Yield every value inside *value*, names of fields too, with its place and its depth."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), value)]
    while waiting:
        place, found = waiting.pop()
        is_container = isinstance(found, dict | list)
        yield place, found, len(place) + is_container
        if len(place) > DEPTH_MAX:
            continue
        if isinstance(found, dict):
            for name, item in found.items():
                yield place, name, len(place)
                waiting.append(((*place, f".{name}"), item))
        elif isinstance(found, list):
            waiting.extend(((*place, f"[{number}]"), item) for number, item in enumerate(found))


def _shown(place: tuple[str, ...]) -> str:
    """Return a place as text, the beginning of it if it is long."""
    text = "".join(place[:8]).removeprefix(".")
    return ascii(text)[1:-1][:200] + ("..." if len(place) > 8 else "")
