"""The author's values of one event as one text.

A line of JSON says where each value's data is, and behind it stands the data of the small ones, as
it is, one after the other. An entry of that line is ``[where, encoding, store id, path]``, with
absent fields at its end left out; *where* is one of

    null            the value has no data
    a number        the next so many characters behind the line
    a text          the BLAKE2b hash of a large value, which the table ``value`` keeps once
    [text]          the data itself, where it is text that cannot stand in a file as it is

Most events have small values of one encoding. Their line is that encoding and then each value's
number of characters, with a hyphen if that value has no encoding: ``json 128 17 36-``.

A payload without values is empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from perdure.model.value import EncodedValue

LARGE_CHARACTERS = 8_192
"""Longer data is kept once for all events that have it."""

ExternalName = tuple[str, str]
"""The store that has a value, by its id, and the path in it."""

_WORD = re.compile(r"[A-Za-z0-9_./+-]+")
_HASH = re.compile(r'\["([0-9a-f]{64})"')

_to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Payload:
    text: str
    large: tuple[tuple[str, str], ...] = ()
    """Large data, by its hash."""


def pack(values: tuple[EncodedValue, ...], *, apart: bool = True) -> Payload:
    """Write values as one payload, large ones *apart* or all in it."""
    if not values:
        return Payload("")
    short = _short(values)
    if short is not None:
        return Payload(short)
    entries: list[list[Any]] = []
    behind: list[str] = []
    large: list[tuple[str, str]] = []
    for value in values:
        where: int | str | list[str] | None = None
        if (data := value.data) is not None:
            where = _place(data, behind, large if apart else None)
        entries.append(_trimmed([where, value.encoding, value.external_store_id, value.external_path]))
    return Payload("\n".join((_to_json(entries), "".join(behind))), tuple(large))


def unpack(text: str, large: Mapping[str, str]) -> tuple[EncodedValue, ...]:
    """Read a payload; *large* has the data of every hash in it."""
    if not text:
        return ()
    line, _, behind = text.partition("\n")
    if line[0] != "[":
        return _unpack_short(line, behind)
    position = 0
    values = []
    for where, *rest in json.loads(line):
        data: str | None
        match where:
            case int():
                data = behind[position : position + where]
                position += where
            case str():
                data = large[where]
            case [inline]:
                data = inline
            case _:
                data = None
        values.append(EncodedValue(data, *rest))
    return tuple(values)


def hashes_in(text: str) -> list[str]:
    """Say which large values it takes to read a payload."""
    return _HASH.findall(text, 0, text.find("\n")) if text.startswith("[") else []


def external_names_in(text: str) -> list[ExternalName]:
    """Say in which stores and at which paths values of a payload are that are kept outside; its first line is enough."""
    if not text.startswith("["):
        return []
    entries = json.loads(text.partition("\n")[0])
    return [(rest[1] or "", rest[2]) for _, *rest in entries if len(rest) > 2 and rest[2] is not None]


def _short(values: tuple[EncodedValue, ...]) -> str | None:
    encoding = ""
    words, behind = [], []
    for value in values:
        data = value.data
        if data is None or value.external_store_id is not None or value.external_path is not None:
            return None
        if len(data) > LARGE_CHARACTERS or not (data.isascii() or _is_utf_8(data)):
            return None
        if value.encoding is None:
            words.append(f"{len(data)}-")
        elif value.encoding == encoding != "" or (not encoding and _WORD.fullmatch(value.encoding)):
            encoding = value.encoding
            words.append(str(len(data)))
        else:
            return None
        behind.append(data)
    return f"{encoding} {' '.join(words)}\n{''.join(behind)}"


def _unpack_short(line: str, behind: str) -> tuple[EncodedValue, ...]:
    encoding, *words = line.split(" ")
    position = 0
    values = []
    for word in words:
        if word[-1] == "-":
            end = position + int(word[:-1])
            values.append(EncodedValue(behind[position:end]))
        else:
            end = position + int(word)
            values.append(EncodedValue(behind[position:end], encoding))
        position = end
    return tuple(values)


def _is_utf_8(data: str) -> bool:
    try:
        data.encode()
    except UnicodeEncodeError:
        return False
    return True


def _place(data: str, behind: list[str], large: list[tuple[str, str]] | None) -> int | str | list[str]:
    try:
        encoded = data.encode()
    except UnicodeEncodeError:  # half a surrogate pair: JSON can say it, UTF-8 cannot
        return [data]
    if large is not None and len(data) > LARGE_CHARACTERS:
        digest = blake2b(encoded, digest_size=32).hexdigest()
        large.append((digest, data))
        return digest
    behind.append(data)
    return len(data)


def _trimmed(entry: list[Any]) -> list[Any]:
    while len(entry) > 1 and entry[-1] is None:
        entry.pop()
    return entry
