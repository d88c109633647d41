"""Codecs of types that bring a converter of their own: pydantic's and msgspec's.

Neither library is imported here: if a type of theirs is asked for, it has been.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable

from perdure.authoring.codec.codec import ALL_KINDS, Codec, Kind, Mismatch


def is_pydantic(kind: type) -> bool:
    module = sys.modules.get("pydantic")
    if module is None:
        return False
    return issubclass(kind, module.BaseModel) or (
        dataclasses.is_dataclass(kind) and "__pydantic_validator__" in kind.__dict__
    )


def pydantic_codec(kind: type, declared: object) -> Codec:
    module = sys.modules["pydantic"]
    adapter = module.TypeAdapter(declared)

    def write(value: object) -> object:
        written: object = adapter.dump_python(value, mode="json", by_alias=True, round_trip=True)
        return written

    def read(raw: object) -> object:
        # As JSON, not as Python values: a strict model takes a date from JSON text only.
        value: object = adapter.validate_json(json.dumps(raw))
        return value

    is_root = issubclass(kind, module.RootModel)
    return _codec(kind, write, read, ALL_KINDS if is_root else frozenset({Kind.DICT}))


def is_msgspec(kind: type) -> bool:
    module = sys.modules.get("msgspec")
    return module is not None and issubclass(kind, module.Struct)


def msgspec_codec(kind: type, declared: object) -> Codec:
    module = sys.modules["msgspec"]

    def write(value: object) -> object:
        written: object = module.to_builtins(value, str_keys=True)
        return written

    def read(raw: object) -> object:
        value: object = module.convert(raw, declared, str_keys=True)
        return value

    is_array = bool(kind.__struct_config__.array_like)  # type: ignore[attr-defined]  # the caller saw that it is a struct
    return _codec(kind, write, read, frozenset({Kind.LIST if is_array else Kind.DICT}))


def _codec(
    kind: type, write: Callable[[object], object], read: Callable[[object], object], writes: frozenset[Kind]
) -> Codec:
    name = kind.__name__

    def encode(value: object) -> object:
        if type(value) is not kind:
            because = f"what {type(value).__name__} adds would be lost" if isinstance(value, kind) else ""
            raise Mismatch(value, name, because=because)
        return write(value)

    def decode(raw: object) -> object:
        try:
            return read(raw)
        except ValueError as error:  # both libraries' validation errors are ValueErrors
            raise Mismatch(raw, name, because=str(error)) from None

    return Codec(name, encode, decode, writes, immutable=False, python=kind)
