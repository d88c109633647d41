"""The codec of a value that may have several types.

JSON keeps no type beside a value, so a union is read by what its members write. Members that no
reader could tell apart are refused when the type is compiled; a single value that would come back
as another member is refused when it is written, never changed in silence.
"""

from __future__ import annotations

from enum import Enum

from perdure.authoring.codec.codec import ALL_KINDS, Codec, Kind, Mismatch, Unsupported, kind_of


def union_codec(members: tuple[Codec, ...]) -> Codec:
    """Return the codec of a union, whatever the order in which its members are named.

    Raises:
        Unsupported: two members are written alike.
    """
    ordered = tuple(sorted(members, key=_rank))
    _check_texts(ordered)
    expected = " | ".join(member.expected for member in sorted(members, key=lambda member: member is _last(members)))
    readers = {kind: _readers(ordered, kind) for kind in Kind}
    ambiguous = any(len(candidates) > 1 for candidates in readers.values())

    def encode(value: object) -> object:
        for member in sorted(ordered, key=lambda member: member.python is not type(value)):
            try:
                raw = member.encode(value)
            except Mismatch as mismatch:
                if member.python is type(value) and len(ordered) == len({codec.python for codec in ordered}):
                    raise mismatch from None  # the class is right: what is wrong inside is what to tell
                continue
            if ambiguous:
                _check_comes_back(value, raw, member, readers[kind_of(raw)], expected)
            return raw
        raise Mismatch(value, expected)

    def decode(raw: object) -> object:
        return _read(raw, readers[kind_of(raw)], expected)[1]

    return Codec(
        expected,
        encode,
        decode,
        frozenset().union(*(member.writes for member in ordered)),
        frozenset().union(*(member.reads for member in ordered)),
        immutable=all(member.immutable for member in ordered),
        free_text=any(member.free_text for member in ordered),
    )


def _last(members: tuple[Codec, ...]) -> Codec | None:
    """Return the member that reads best at the end: ``None``."""
    return next((member for member in members if member.python is type(None)), None)


def _rank(member: Codec) -> tuple[bool, bool, int, str]:
    """Put narrow members before wide ones; the name settles what is left, so that no order is by chance."""
    return (member.writes == ALL_KINDS, member.free_text, -len(member.keys or ()), member.expected)


def _check_texts(members: tuple[Codec, ...]) -> None:
    free = [member for member in members if member.free_text]
    texts = [
        member
        for member in members
        if member.writes == {Kind.STR} and member.python is not None and not member.free_text
    ]
    clashing = [member for member in texts if not issubclass(member.python or object, Enum)]
    if free and clashing:
        raise Unsupported(
            f"{free[0].expected} and {clashing[0].expected} are both written as text and cannot be told apart; "
            "use one of them, or a dataclass around each"
        )


def _readers(members: tuple[Codec, ...], kind: Kind) -> tuple[Codec, ...]:
    """Return who may have written this kind, then who reads it all the same."""
    writers = [member for member in members if kind in member.writes]
    return (*writers, *(member for member in members if kind in member.reads and member not in writers))


def _read(raw: object, candidates: tuple[Codec, ...], expected: str) -> tuple[Codec, object]:
    if isinstance(raw, dict) and len(candidates) > 1:
        candidates = tuple(sorted(candidates, key=lambda member: not raw.keys() <= (member.keys or raw.keys())))
    mismatch: Mismatch | None = None
    for member in candidates:
        try:
            return member, member.decode(raw)
        except Mismatch as found:
            mismatch = found
    if mismatch is not None and len(candidates) == 1:
        raise mismatch
    raise Mismatch(raw, expected)


def _check_comes_back(value: object, raw: object, writer: Codec, candidates: tuple[Codec, ...], expected: str) -> None:
    reader, read = _read(raw, candidates, expected)
    if reader is not writer and read != value:
        raise Mismatch(
            value,
            expected,
            because=f"it would be read back as {reader.expected}; tell them apart by a field with a Literal",
        )
