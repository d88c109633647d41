"""Between an author's values and the sealed text that engines carry."""

from __future__ import annotations

import json
from typing import Any, Final, Protocol

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of
from perdure.model.errors import PerdureError
from perdure.model.value import ERASED, EncodedValue

ANYTHING: Final[object] = Any
"""The type of a value that no annotation says more about."""


class ConversionError(PerdureError, ValueError):
    """A value does not fit its declared type; the message names the place inside the value."""


class Converter(Protocol):
    """Turns values into text and back, by their declared types.

    Both directions must agree: what ``encode`` accepts, ``decode`` returns equal and of the same
    type, also years later under newer code.
    """

    def encode(self, value: object, declared: object = ANYTHING, *, name: str = "value") -> EncodedValue | None:
        """Seal *value*; ``None`` becomes no value at all.

        Args:
            declared: the annotation of the place it comes from.
            name: what the place is called in an error.

        Raises:
            ConversionError: it does not fit, or cannot be written.
        """
        ...

    def decode(self, value: EncodedValue | None, declared: object = ANYTHING, *, name: str = "value") -> object:
        """Open a sealed value; no value is ``None``, where the declared type has room for it.

        Raises:
            ConversionError: it does not fit, or cannot be read.
        """
        ...

    def problem(self, declared: object) -> str | None:
        """Say why values of this type cannot be converted; ``None`` if they can."""
        ...


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_DECODER = json.JSONDecoder()
_ASCII_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class JsonConverter:
    """Plain JSON, readable in every language, checked against the annotations both ways.

    Reads JSON whatever the encoding is called, so payloads of other SDKs can be read. Never pickles.
    """

    ENCODING = "json"

    def encode(self, value: object, declared: object = ANYTHING, *, name: str = "value") -> EncodedValue | None:
        try:
            raw = codec_of(declared).encode(value)
        except Mismatch as mismatch:
            raise ConversionError(mismatch.told(name)) from None
        return None if raw is None else EncodedValue(data=_written(raw), encoding=self.ENCODING)

    def decode(self, value: EncodedValue | None, declared: object = ANYTHING, *, name: str = "value") -> object:
        check_data(value, name=name)
        codec = codec_of(declared)
        try:
            return codec.decode(_opened(value))
        except Mismatch as mismatch:
            raise ConversionError(mismatch.told(name)) from None
        except json.JSONDecodeError as error:
            raise ConversionError(f"{name}: found text that is not JSON ({error}), expected {codec.expected}") from None

    def problem(self, declared: object) -> str | None:
        try:
            codec_of(declared)
        except Unsupported as unsupported:
            return str(unsupported)
        return None


def check_data(value: EncodedValue | None, *, name: str) -> None:
    """Refuse a value whose data is not here, which is not the same as none.

    Raises:
        ConversionError: it was erased, or is in a store that is not at hand.
    """
    if value is None or value.data is not None:
        return
    if value.encoding == ERASED.encoding:
        raise ConversionError(f"{name}: the value was erased, with all others of its workflow, and is gone for ever")
    if value.external_path:
        raise ConversionError(
            f"{name}: the value is kept apart, in the store {value.external_store_id!r}, which whoever has the "
            "file open does not have; open it with that store: connect(…, blobs=…)"
        )


def _written(raw: object) -> str:
    text = _ENCODER.encode(raw)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate is a character to Python and none to UTF-8
        return _ASCII_ENCODER.encode(raw)
    return text


def _opened(value: EncodedValue | None) -> object:
    if value is None or value.data is None:
        return None
    if value.encoding is not None and value.encoding.startswith("binary"):
        # Other SDKs' bytes: Base64 text, which is how ours are written inside JSON too.
        return None if value.encoding == "binary/null" else value.data
    return _parsed(value.data)


def _parsed(text: str) -> object:
    # What we wrote ourselves has no space around it: the bare scanner reads it in half the time.
    try:
        raw, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        raw, end = None, -1
    if end != len(text):
        raw = json.loads(text)
    parsed: object = raw
    return parsed


JSON: Final = JsonConverter()
"""The converter of a workflow that names no other."""
