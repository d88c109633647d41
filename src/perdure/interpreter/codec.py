"""Events and snapshots as text: the one versioned form that journals of every engine keep.

Rule 1: a journal outlives the code that wrote it. Kinds and tags are names of their own, never
        class names; a field that is renamed or changes its meaning needs an upcaster below.
Rule 2: a field that has its default is not written, so a new field with a default needs nothing.
Rule 3: the author's values stand beside the body, each once, and the body has their indexes. The
        fold never looks into them, so erasing them leaves a history that still folds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from json.encoder import encode_basestring_ascii
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from perdure.interpreter import events
from perdure.interpreter.events import Event
from perdure.interpreter.snapshot import Snapshot
from perdure.model.attributes import SearchValue
from perdure.model.calls import ExecuteAnswer, WaitUntilAnswer
from perdure.model.conditions import ChannelCondition, ChannelResult, TimerCondition, TimerResult
from perdure.model.decisions import Closing, Movement
from perdure.model.errors import InternalError
from perdure.model.value import EncodedValue

KINDS: dict[str, type] = {
    "started": events.Started,
    "resumed": events.Resumed,
    "released": events.Released,
    "call-succeeded": events.CallSucceeded,
    "call-exhausted": events.CallExhausted,
    "call-rejected": events.CallRejected,
    "signal": events.SignalReceived,
    "published": events.MessagesPublished,
    "attributes-set": events.AttributesSet,
    "rpc-wrote": events.RpcWrote,
    "rpc-opened": events.RpcOpened,
    "rpc-closed": events.RpcClosed,
    "timer-skipped": events.TimerSkipped,
    "deadline": events.DeadlinePassed,
    "config": events.ConfigUpdated,
    "stopped": events.Stopped,
}
"""The kind of each event in a journal. The names are for ever."""

VERSIONS: dict[str, int] = {}
"""The version of a kind's body, where it is not 1 any more."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""(kind, version) to what makes the next version's body of it."""

SNAPSHOT_VERSION = 1

_TAGS: dict[type, str] = {
    Movement: "move",
    Closing: "close",
    TimerCondition: "timer",
    ChannelCondition: "channel",
    TimerResult: "timer",
    ChannelResult: "channel",
    WaitUntilAnswer: "wait-until",
    ExecuteAnswer: "execute",
}
"""What tells the members of a union apart. The names are for ever."""

_KIND_OF: dict[type, str] = {event: kind for kind, event in KINDS.items()}


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    kind: str
    """A short stable name, never a class name."""
    version: int
    """Of this kind's body."""
    body: str
    """JSON. The author's values stand in it as indexes into *values*."""
    values: tuple[EncodedValue, ...] = ()
    """Each value once, in the order of first use."""


@dataclass(frozen=True, slots=True)
class EncodedSnapshot:
    version: int
    body: str
    values: tuple[EncodedValue, ...] = ()


def encode_event(event: Event) -> EncodedEvent:
    kind = _KIND_OF[type(event)]
    body, values = _encode(event)
    return EncodedEvent(kind, VERSIONS.get(kind, 1), body, values)


def decode_event(encoded: EncodedEvent) -> Event:
    """Read an event of this or any earlier release.

    Raises:
        InternalError: its kind or version is of a later release.
    """
    kind, version = encoded.kind, encoded.version
    event_type = KINDS.get(kind)
    newest = VERSIONS.get(kind, 1)
    if event_type is None or version > newest:
        raise InternalError(
            f"found an event {kind!r} of version {version}, expected a kind of this release, at most version {newest}"
        )
    body = json.loads(encoded.body)
    for older in range(version, newest):
        body = UPCASTERS[kind, older](body)
    return cast("Event", _shape(event_type).decode(body, encoded.values))


def encode_snapshot(snapshot: Snapshot) -> EncodedSnapshot:
    body, values = _encode(snapshot)
    return EncodedSnapshot(SNAPSHOT_VERSION, body, values)


def decode_snapshot(encoded: EncodedSnapshot) -> Snapshot:
    """Read a snapshot of this release. It is a cache: one of another version is folded anew.

    Raises:
        InternalError: it is of another version.
    """
    if encoded.version != SNAPSHOT_VERSION:
        raise InternalError(f"found a snapshot of version {encoded.version}, expected {SNAPSHOT_VERSION}")
    return cast("Snapshot", _shape(Snapshot).decode(json.loads(encoded.body), encoded.values))


def _encode(value: Event | Snapshot) -> tuple[str, tuple[EncodedValue, ...]]:
    indexes: dict[EncodedValue, int] = {}
    kind: Any = type(value)
    return _shape(kind).encode(value, indexes), tuple(indexes)


_Indexes = dict[EncodedValue, int]
_Values = tuple[EncodedValue, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How values of one type become JSON, as text at once, and back from what a parser makes of it.

    Text at once takes half the time that a tree of dictionaries and then its text take.
    """

    encode: Callable[[Any, _Indexes], str]
    decode: Callable[[Any, _Values], Any]


def _as_it_is(plain: Any, _: _Values) -> Any:
    return plain


_to_json = json.JSONEncoder(separators=(",", ":")).encode
_TEXT = _Shape(lambda value, _: encode_basestring_ascii(value), _as_it_is)
_NUMBER = _Shape(lambda value, _: repr(value) if type(value) is int else _to_json(value), _as_it_is)
_FLAG = _Shape(lambda value, _: "true" if value else "false", _as_it_is)
_VALUE = _Shape(
    lambda value, indexes: str(indexes.setdefault(value, len(indexes))),
    lambda plain, values: values[plain],
)
_SEARCH_VALUE = _Shape(
    lambda value, _: _to_json(value),
    lambda plain, _: tuple(plain) if isinstance(plain, list) else plain,
)


@cache
def _shape(kind: Any) -> _Shape:
    kind = getattr(kind, "__supertype__", kind)
    if kind is str:
        return _TEXT
    if kind is bool:
        return _FLAG
    if kind in (int, float):
        return _NUMBER
    if kind is EncodedValue:
        return _VALUE
    if kind == SearchValue:
        return _SEARCH_VALUE
    if get_origin(kind) in (Union, UnionType):
        return _union_shape(get_args(kind))
    if get_origin(kind) is tuple:
        return _tuple_shape(get_args(kind))
    if get_origin(kind) is frozenset:
        return _set_shape(_shape(get_args(kind)[0]))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_shape(kind)
    if is_dataclass(kind):
        return _dataclass_shape(cast("type", kind))
    raise InternalError(f"the codec knows no form for {kind!r}")


def _enum_shape(kind: type[Enum]) -> _Shape:
    text_of = {member: _to_json(member.value) for member in kind}
    member_of = {member.value: member for member in kind}
    return _Shape(lambda value, _: text_of[value], lambda plain, _: member_of[plain])


def _tuple_shape(members: tuple[Any, ...]) -> _Shape:
    if len(members) == 2 and members[1] is Ellipsis:
        one = _shape(members[0])
        encode, decode = one.encode, one.decode
        return _Shape(
            lambda value, indexes: f"[{','.join([encode(item, indexes) for item in value])}]",
            lambda plain, values: tuple([decode(item, values) for item in plain]),
        )
    shapes = [_shape(member) for member in members]
    return _Shape(
        lambda value, indexes: (
            f"[{','.join([shape.encode(item, indexes) for shape, item in zip(shapes, value, strict=True)])}]"
        ),
        lambda plain, values: tuple([shape.decode(item, values) for shape, item in zip(shapes, plain, strict=True)]),
    )


def _set_shape(one: _Shape) -> _Shape:
    return _Shape(
        lambda value, indexes: f"[{','.join([one.encode(item, indexes) for item in sorted(value)])}]",
        lambda plain, values: frozenset(one.decode(item, values) for item in plain),
    )


def _union_shape(members: tuple[Any, ...]) -> _Shape:
    present = [member for member in members if member is not NoneType]
    if len(present) < len(members):
        # typing flattens the unions that search values are made of.
        inner = _SEARCH_VALUE if set(present) == set(get_args(SearchValue)) else None
        inner = inner or (_shape(present[0]) if len(present) == 1 else _union_shape(tuple(present)))
        return _optional_shape(inner)
    by_tag = {_TAGS[member]: _shape(member) for member in present}
    by_type = {member: (_TAGS[member], _shape(member)) for member in present}

    def encode(value: Any, indexes: _Indexes) -> str:
        tag, shape = by_type[type(value)]
        return f'["{tag}",{shape.encode(value, indexes)}]'

    return _Shape(encode, lambda plain, values: by_tag[plain[0]].decode(plain[1], values))


def _optional_shape(inner: _Shape) -> _Shape:
    encode, decode = inner.encode, inner.decode
    return _Shape(
        lambda value, indexes: "null" if value is None else encode(value, indexes),
        lambda plain, values: None if plain is None else decode(plain, values),
    )


def _dataclass_shape(kind: type) -> _Shape:
    encode_prepared: Callable[[Any, _Indexes], str] | None = None
    decoders: dict[str, Callable[[Any, _Values], Any]] = {}

    def prepare() -> Callable[[Any, _Indexes], str]:
        # Not when the shape is made: an option may contain options.
        nonlocal encode_prepared
        hints = get_type_hints(kind)
        shapes = {field: _shape(hints[field.name]) for field in fields(kind)}
        decoders.update({f.name: shape.decode for f, shape in shapes.items() if shape.decode is not _as_it_is})
        encode_prepared = _encoder_of(shapes)
        return encode_prepared

    def encode(value: Any, indexes: _Indexes) -> str:
        return (encode_prepared or prepare())(value, indexes)

    def decode(plain: dict[str, Any], values: _Values) -> Any:
        if encode_prepared is None:
            prepare()
        for name, item in plain.items():
            if name in decoders:
                plain[name] = decoders[name](item, values)
        return kind(**plain)

    return _Shape(encode, decode)


def _encoder_of(shapes: dict[Field[Any], _Shape]) -> Callable[[Any, _Indexes], str]:
    """Write the function that encodes a dataclass with these fields, as ``dataclasses`` writes its ``__init__``.

    Most fields have their default, and most of those that very object: a function with one test a
    field says so three times as fast as a loop over the fields. For the others, to encode them and
    compare the text is cheaper than to compare them.
    """
    lines = ["def encode(value, indexes):", " parts = []"]
    names: dict[str, Any] = {}
    for number, (field, shape) in enumerate(shapes.items()):
        names[f"encode_{number}"] = shape.encode
        key = f'"{field.name}":'
        default = _default(field)
        if default is MISSING:
            lines.append(f" parts.append({key!r} + encode_{number}(value.{field.name}, indexes))")
            continue
        indexes: _Indexes = {}
        names[f"default_{number}"], names[f"text_{number}"] = default, shape.encode(default, indexes)
        # Or encoding an item that is then found to be the default would leave its values behind.
        assert not indexes, f"the default of {field.name} has a value of an author's"
        lines += [
            f" item = value.{field.name}",
            f" if item is not default_{number} and (text := encode_{number}(item, indexes)) != text_{number}:",
            f"  parts.append({key!r} + text)",
        ]
    lines.append(""" return f"{{{','.join(parts)}}}" """)
    exec("\n".join(lines), names)  # noqa: S102  # the names of our own fields, nothing else
    return cast("Callable[[Any, _Indexes], str]", names["encode"])


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
