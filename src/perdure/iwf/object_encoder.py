"""Between an author's values and sealed ones.

Values are JSON, compact and with sorted keys, under the encoding ``json/plain``. Read is JSON by
whatever name, so payloads of other SDKs can be.
"""

from __future__ import annotations

import ast
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from perdure.authoring.codec.codec import Mismatch, Unsupported
from perdure.authoring.codec.compiler import codec_of
from perdure.authoring.converter import check_data
from perdure.iwf.iwf_api.models.values import EncodedObject
from perdure.iwf.iwf_api.types import UNSET, Unset

JSON_PLAIN = "json/plain"


class PayloadConverter(ABC):
    """Turns values into payloads and back."""

    @abstractmethod
    def to_payload(self, value: Any) -> EncodedObject | Unset:
        """Seal a value; what nothing stands for is ``UNSET``."""

    @abstractmethod
    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        """Open a payload, as the type that is expected."""


class EncodingPayloadConverter(ABC):
    """Does so for one encoding."""

    @property
    @abstractmethod
    def encoding(self) -> str | Unset:
        """What payloads it can open are called."""

    @abstractmethod
    def to_payload(self, value: Any) -> tuple[bool, EncodedObject | Unset]:
        """Return whether this value is its business and, if so, its payload."""

    @abstractmethod
    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        """Open a payload of its encoding."""


class CompositePayloadConverter(PayloadConverter):
    """Asks several, in their order; opens what none of them is called after with the last."""

    def __init__(self, *converters: EncodingPayloadConverter) -> None:
        self.converters: Mapping[str | None, EncodingPayloadConverter] = {
            None if isinstance(converter.encoding, Unset) else converter.encoding: converter for converter in converters
        }
        self._last = converters[-1]

    def to_payload(self, value: Any) -> EncodedObject | Unset:
        for converter in self.converters.values():
            mine, payload = converter.to_payload(value)
            if mine:
                return payload
        raise TypeError(f"found {value!r}, and no converter writes values of {type(value).__name__}")

    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        return self.converters.get(payload.encoding, self._last).from_payload(payload, type_hint)


class UnsetPayloadConverter(EncodingPayloadConverter):
    """Writes ``None`` as no value at all; reads a value with nothing in it as ``None``."""

    @property
    def encoding(self) -> str | Unset:
        return UNSET

    def to_payload(self, value: Any) -> tuple[bool, EncodedObject | Unset]:
        return value is None, UNSET

    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        if payload.data is not None:
            raise RuntimeError(f"found a payload with data {payload.data!r} and no encoding, expected an encoding")
        return None


class BinaryNullPayloadConverter(UnsetPayloadConverter):
    """Reads how the SDK's first releases wrote ``None``; writes nothing."""

    @property
    def encoding(self) -> str | Unset:
        return "binary/null"

    def to_payload(self, value: Any) -> tuple[bool, EncodedObject | Unset]:
        return False, UNSET

    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        return None


class BinaryPlainPayloadConverter(EncodingPayloadConverter):
    """Reads how iWF's SDK wrote bytes: as Python shows them. Bytes are written as Base64 text in JSON here."""

    @property
    def encoding(self) -> str | Unset:
        return "binary/plain"

    def to_payload(self, value: Any) -> tuple[bool, EncodedObject | Unset]:
        return False, UNSET

    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        text = payload.data or ""
        return ast.literal_eval(text) if text.startswith(("b'", 'b"')) else text


class AdvancedJSONEncoder(json.JSONEncoder):
    """Writes what plain JSON does not know: dataclasses, objects with ``.dict()``, anything iterable, UUIDs."""

    def default(self, o: Any) -> Any:
        if is_dataclass(o) and not isinstance(o, type):
            return asdict(o)
        if isinstance(o, UUID):
            return str(o)
        if callable(getattr(o, "dict", None)):
            return o.dict()
        if isinstance(o, Iterable):
            return list(o)
        return super().default(o)


class JSONTypeConverter(ABC):
    """Reads values of types of its own from JSON."""

    Unhandled: ClassVar[object] = object()
    """Returned for a type that is none of its own."""

    @abstractmethod
    def to_typed_value(self, hint: Any, value: Any) -> Any:
        """Return *value*, as JSON has it, as what *hint* says; or ``JSONTypeConverter.Unhandled``."""


class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """Writes every value as JSON."""

    def __init__(
        self,
        *,
        encoder: type[json.JSONEncoder] | None = AdvancedJSONEncoder,
        decoder: type[json.JSONDecoder] | None = None,
        encoding: str = JSON_PLAIN,
        custom_type_converters: Sequence[JSONTypeConverter] = (),
    ) -> None:
        """Write and read JSON.

        Args:
            encoder: one of your own decides alone how values are written.
            custom_type_converters: asked first for the type a whole value is expected to have.
        """
        self._encoder = encoder
        self._decoder = decoder
        self._encoding = encoding
        self._custom = tuple(custom_type_converters)

    @property
    def encoding(self) -> str | Unset:
        return self._encoding

    def to_payload(self, value: Any) -> tuple[bool, EncodedObject | Unset]:
        plain = _plain(value) if self._encoder is AdvancedJSONEncoder else value
        text = json.dumps(plain, cls=self._encoder, separators=(",", ":"), sort_keys=True)
        return True, EncodedObject(data=text, encoding=self._encoding)

    def from_payload(self, payload: EncodedObject, type_hint: Any = None) -> Any:
        raw = None if payload.data is None else json.loads(payload.data, cls=self._decoder)
        return raw if type_hint is None else value_to_type(type_hint, raw, self._custom)


def value_to_type(hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()) -> Any:
    """Return *value*, as JSON has it, as the type that *hint* says.

    Raises:
        TypeError: it does not fit; the message names the place inside it.
    """
    for converter in custom_converters:
        typed = converter.to_typed_value(hint, value)
        if typed is not JSONTypeConverter.Unhandled:
            return typed
    if hint in (int, float) and isinstance(value, int | float):
        return value  # iWF: one stands for the other, for JSON of other languages does not tell them apart
    try:
        return codec_of(hint).decode(value)
    except Mismatch as mismatch:
        raise TypeError(mismatch.told("value")) from None
    except Unsupported as unsupported:
        raise TypeError(str(unsupported)) from None


def _plain(value: Any) -> Any:
    """Return what JSON knows of a value, written so that its type reads it back; else the value itself."""
    try:
        return codec_of(Any).encode(value)
    except (Mismatch, Unsupported):
        return value


class DefaultPayloadConverter(CompositePayloadConverter):
    """The SDK's own encodings."""

    default_encoding_payload_converters: ClassVar[tuple[EncodingPayloadConverter, ...]] = (
        UnsetPayloadConverter(),
        BinaryNullPayloadConverter(),
        BinaryPlainPayloadConverter(),
        JSONPlainPayloadConverter(),
    )

    def __init__(self) -> None:
        super().__init__(*self.default_encoding_payload_converters)


class PayloadCodec(ABC):
    """Changes sealed values on their way out and in: to encrypt them, or to make them smaller.

    It is never asked about a value that is not there.
    """

    @abstractmethod
    def encode(self, payload: Any) -> EncodedObject:
        """Return what is stored and sent instead of *payload*."""

    @abstractmethod
    def decode(self, payload: EncodedObject) -> EncodedObject:
        """Return what ``encode`` was given."""


@dataclass(frozen=True)
class ObjectEncoder:
    """Seals and opens values. A client and its workers must have the same."""

    payload_converter_class: type[PayloadConverter] = DefaultPayloadConverter
    payload_codec: PayloadCodec | None = None
    payload_converter: PayloadConverter = field(init=False)

    default: ClassVar[ObjectEncoder]

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload_converter", self.payload_converter_class())

    def encode(self, value: Any) -> EncodedObject | Unset:
        """Seal a value; ``None`` becomes no value at all."""
        payload = self.payload_converter.to_payload(value)
        if self.payload_codec is None or isinstance(payload, Unset):
            return payload
        return self.payload_codec.encode(payload)

    def decode(self, payload: EncodedObject | Unset | None, type_hint: Any = None) -> Any:
        """Open a sealed value as the type that is expected; no value is ``None``, whatever is.

        Raises:
            TypeError: it does not fit the type.
            ConversionError: it was erased, or is in a store that is not at hand.
        """
        if payload is None or isinstance(payload, Unset) or payload == _NOTHING:
            return None
        check_data(payload, name="value")
        opened = payload if self.payload_codec is None else self.payload_codec.decode(payload)
        return self.payload_converter.from_payload(opened, type_hint)

    def seal(self, value: Any) -> EncodedObject | None:
        """Return ``encode``'s answer in the model's words."""
        payload = self.encode(value)
        return None if isinstance(payload, Unset) else payload


_NOTHING: Final = EncodedObject()

ObjectEncoder.default = ObjectEncoder()
