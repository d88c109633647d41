"""Events as text, and the snapshots in them: the one versioned form that journals of every engine keep.

Rule 1: a journal outlives the code that wrote it. Kinds and tags are names of their own, never
        class names; a field that is renamed or changes its meaning needs an upcaster below.
Rule 2: a field that has its default is not written, so a new field with a default needs nothing.
Rule 3: the author's values stand beside the body, each once, and the body has their indexes. The
        fold never looks into them, so erasing them leaves a history that still folds.
Rule 4: what tells one run from another stands beside the body too: values, search values, the ids of
        runs and workflows. So many runs have the same bodies, which are stored once and read once.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii
from operator import itemgetter
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from perdure.interpreter import events
from perdure.interpreter.events import Event
from perdure.model.attributes import SearchValue
from perdure.model.calls import ExecuteAnswer, WaitUntilAnswer
from perdure.model.conditions import ChannelCondition, ChannelResult, TimerCondition, TimerResult
from perdure.model.decisions import Closing, Movement
from perdure.model.errors import InternalError
from perdure.model.ids import RunId, WorkflowId
from perdure.model.options import StartOptions
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
    "erased": events.Erased,
}
"""The kind of each event in a journal. The names are for ever."""

VERSIONS: dict[str, int] = {}
"""The version of a kind's body, where it is not 1 any more."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""(kind, version) to what makes the next version's body of it."""

SHARED_CHARACTERS = 4_096
"""Bodies up to this length are kept after they were read: the next journal may have the same."""

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
    fault: str = ""
    """Why whoever keeps it cannot read it, if he cannot: it has no body and no values then."""


def encode_event(event: Event) -> EncodedEvent:
    kind = _KIND_OF[type(event)]
    body, values = _encode(event)
    return EncodedEvent(kind, VERSIONS.get(kind, 1), body, values)


def decode_event(encoded: EncodedEvent) -> Event:
    """Read an event of this or any earlier release.

    Raises:
        InternalError: its kind or version is of a later release, or whoever keeps it could not read it.
    """
    if encoded.fault:
        raise InternalError(encoded.fault)
    read = _read_shared if len(encoded.body) <= SHARED_CHARACTERS else _read
    return cast("Event", _filled(read(encoded.kind, encoded.version, encoded.body), encoded.values))


def _read(kind: str, version: int, body: str) -> Any:
    event_type = KINDS.get(kind)
    newest = VERSIONS.get(kind, 1)
    if event_type is None or version > newest:
        raise InternalError(
            f"found an event {kind!r} of version {version}, expected a kind of this release, at most version {newest}"
        )
    plain = json.loads(body)
    for older in range(version, newest):
        plain = UPCASTERS[kind, older](plain)
    return _shape(event_type).read(plain)


_read_shared = lru_cache(maxsize=1_024)(_read)


def _encode(value: Event) -> tuple[str, tuple[EncodedValue, ...]]:
    indexes: dict[EncodedValue, int] = {}
    kind: Any = type(value)
    return _shape(kind).encode(value, indexes), tuple(indexes)


_Indexes = dict[EncodedValue, int]
_Values = tuple[EncodedValue, ...]


@dataclass(frozen=True, slots=True)
class _Gap:
    """What of a body that was read is known only with the values beside it."""

    fill: Callable[[_Values], Any]


def _filled(read: Any, values: _Values) -> Any:
    return read.fill(values) if type(read) is _Gap else read


@dataclass(frozen=True, slots=True)
class _Shape:
    """How values of one type become JSON, as text at once, and back from what a parser makes of it.

    Text at once takes half the time that a tree of dictionaries and then its text take. What is read
    is the value itself, or a ``_Gap`` if some of the values beside the body belong into it.
    """

    encode: Callable[[Any, _Indexes], str]
    read: Callable[[Any], Any]


def _as_it_is(plain: Any) -> Any:
    return plain


_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder().raw_decode


def _beside(value: EncodedValue, indexes: _Indexes) -> str:
    return str(indexes.setdefault(value, len(indexes)))


def _encode_id(value: str, indexes: _Indexes) -> str:
    return str(indexes.setdefault(EncodedValue(value), len(indexes)))


def _read_id(plain: int | str) -> Any:
    if isinstance(plain, str):  # as journals had it first
        return plain
    return _Gap(lambda values: values[plain].data or "")


def _encode_search_value(value: Any, indexes: _Indexes) -> str:
    # As an attribute's own value is mostly written, which then stands there once for both.
    return f"[{indexes.setdefault(EncodedValue(_to_json(value), 'json'), len(indexes))}]"


def _read_search_value(plain: Any) -> Any:
    if not isinstance(plain, list):  # as journals had it first
        return plain
    if len(plain) != 1 or isinstance(plain[0], str):  # a list of keywords, likewise
        return tuple(plain)
    [index] = plain
    return _Gap(lambda values: _search_value(values[index].data))


def _search_value(data: str | None) -> Any:
    value = None if data is None else _from_json(data)[0]
    return tuple(value) if isinstance(value, list) else value


_TEXT = _Shape(lambda value, _: encode_basestring_ascii(value), _as_it_is)
_NUMBER = _Shape(lambda value, _: repr(value) if type(value) is int else _to_json(value), _as_it_is)
_FLAG = _Shape(lambda value, _: "true" if value else "false", _as_it_is)
_ID = _Shape(_encode_id, _read_id)
_VALUE = _Shape(_beside, lambda plain: _Gap(itemgetter(plain)))
_SEARCH_VALUE = _Shape(_encode_search_value, _read_search_value)


@cache
def _shape(kind: Any) -> _Shape:
    if kind in (RunId, WorkflowId):
        return _ID
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
    return _Shape(lambda value, _: text_of[value], lambda plain: member_of[plain])


def _gathered(items: list[Any]) -> Any:
    """Make a tuple of what was read, with a gap where one of them has one."""
    if _Gap not in map(type, items):
        return tuple(items)
    if len(items) == 1:
        only = items[0].fill
        return _Gap(lambda values: (only(values),))
    return _Gap(lambda values: tuple([item.fill(values) if type(item) is _Gap else item for item in items]))


def _tuple_shape(members: tuple[Any, ...]) -> _Shape:
    if len(members) == 2 and members[1] is Ellipsis:
        one = _shape(members[0])
        encode, read = one.encode, one.read
        return _Shape(
            lambda value, indexes: f"[{','.join([encode(item, indexes) for item in value])}]",
            lambda plain: _gathered([read(item) for item in plain]),
        )
    shapes = [_shape(member) for member in members]
    return _Shape(
        lambda value, indexes: (
            f"[{','.join([shape.encode(item, indexes) for shape, item in zip(shapes, value, strict=True)])}]"
        ),
        lambda plain: _gathered([shape.read(item) for shape, item in zip(shapes, plain, strict=True)]),
    )


def _set_shape(one: _Shape) -> _Shape:
    return _Shape(
        lambda value, indexes: f"[{','.join([one.encode(item, indexes) for item in sorted(value)])}]",
        lambda plain: frozenset([one.read(item) for item in plain]),  # of names: none has a gap
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

    return _Shape(encode, lambda plain: by_tag[plain[0]].read(plain[1]))


def _optional_shape(inner: _Shape) -> _Shape:
    encode, read = inner.encode, inner.read
    return _Shape(
        lambda value, indexes: "null" if value is None else encode(value, indexes),
        lambda plain: None if plain is None else read(plain),
    )


def _dataclass_shape(kind: type) -> _Shape:
    encode_prepared: Callable[[Any, _Indexes], str] | None = None
    readers: dict[str, Callable[[Any], Any]] = {}

    def prepare() -> Callable[[Any, _Indexes], str]:
        # Not when the shape is made: an option may contain options.
        nonlocal encode_prepared
        hints = get_type_hints(kind)
        shapes = {f: _NAMED.get((kind, f.name)) or _shape(hints[f.name]) for f in fields(kind)}
        readers.update({f.name: shape.read for f, shape in shapes.items() if shape.read is not _as_it_is})
        encode_prepared = _encoder_of(shapes)
        return encode_prepared

    def encode(value: Any, indexes: _Indexes) -> str:
        return (encode_prepared or prepare())(value, indexes)

    def read(plain: dict[str, Any]) -> Any:
        if encode_prepared is None:
            prepare()
        known: dict[str, Any] = {}
        gaps: list[tuple[str, Callable[[_Values], Any]]] = []
        for name, item in plain.items():
            part = readers[name](item) if name in readers else item
            if type(part) is _Gap:
                gaps.append((name, part.fill))
            else:
                known[name] = part
        return _Gap(_filler_of(kind, known, gaps)) if gaps else kind(**known)

    return _Shape(encode, read)


_NAMED: dict[tuple[type, str], _Shape] = {(StartOptions, "request_id"): _optional_shape(_ID)}
"""Fields whose type does not tell that each run has its own."""


def _filler_of(
    kind: type, known: dict[str, Any], gaps: list[tuple[str, Callable[[_Values], Any]]]
) -> Callable[[_Values], Any]:
    if len(gaps) == 1:
        [(only, fill)] = gaps
        return lambda values: kind(**known, **{only: fill(values)})
    return lambda values: kind(**known, **{name: fill(values) for name, fill in gaps})


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
