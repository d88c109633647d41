"""JSON as the protocol reads and writes it: as lenient as iWF's own reader, and no more."""

from __future__ import annotations

import json
import re
from typing import Any

try:
    from msgspec.json import Encoder
except ImportError:  # a base install: the same text, for ten times the CPU
    Encoder = None  # type: ignore[assignment,misc]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder(parse_constant=lambda name: _refuse(name))


class Malformed(ValueError):
    """A body is not what its call takes."""

    def __init__(self, problem: str, *, place: str = "", complete: bool = False) -> None:
        super().__init__(f"{place} {problem}".strip())
        self.problem = problem
        self.place = place
        """Where, as a path of field names."""
        self.complete = complete
        """The problem can be understood without its place."""

    def under(self, name: str) -> Malformed:
        """Return the same problem, one level further out."""
        joint = "." if self.place and not self.place.startswith("[") else ""
        return Malformed(self.problem, place=f"{name}{joint}{self.place}", complete=self.complete)


def read(body: bytes) -> Any:
    """Return the first JSON value of *body*; what follows it is ignored, as iWF does.

    Bytes that are no UTF-8 and escapes that are no character become U+FFFD.

    Raises:
        Malformed: there is no JSON value.
    """
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"the body is not JSON: {error}") from None
    return _repaired(value) if "\\u" in text else value


def _write_in_python(value: Any) -> bytes:
    return _ENCODER.encode(value).encode()


_write = _write_in_python if Encoder is None else Encoder().encode


def write(value: Any) -> bytes:
    """Return *value* as compact UTF-8. It has no float but finite ones: JSON has no word for the others.

    Raises:
        ValueError: a text in it has half a character, which UTF-8 cannot write.
    """
    return _write(value)


def write_ascii(value: Any) -> str:
    """Return JSON of one byte a character, so that it can be cut anywhere."""
    return json.dumps(value, separators=(",", ":"))


def write_sorted(value: Any) -> str:
    """Return JSON as iWF puts it into error texts: compact, by field name."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_repaired(item) for item in value]
    if isinstance(value, dict):
        return {_repaired(name): _repaired(item) for name, item in value.items()}
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
