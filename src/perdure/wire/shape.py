"""What a JSON value must look like, as data, and reading by it.

Rule 1: a field's name counts in any case, a null is as good as absent, an unknown field is left
        out, a missing one is never a mistake. (iWF reads with Go's decoder, and clients rely on it.)
Rule 2: a value of a wrong type and a name that an enumeration does not have are mistakes, wherever
        they stand, also in fields that change nothing here.
Rule 3: what comes out has the protocol's own spelling and only its fields, so it can be written
        again as the text of an error. Fields that iWF always writes are filled in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from perdure.model.limits import FEWER_CHARACTERS
from perdure.wire.document import Malformed


class Shape(Protocol):
    def read(self, value: Any) -> Any:
        """Return *value* in the protocol's own spelling.

        Raises:
            Malformed: it does not have this shape.
        """
        ...

    def zero(self) -> Any:
        """What stands for a null in a list, and for a missing field that is always written."""
        ...


class Text:
    def __init__(self, *, characters_max: int | None = None) -> None:
        self.characters_max = characters_max

    def read(self, value: Any) -> str:
        if type(value) is not str:
            raise _mismatch(value, "a text")
        if self.characters_max is not None and len(value) > self.characters_max:
            raise Malformed(
                f"has {len(value):,} characters, expected at most {self.characters_max:,}. {FEWER_CHARACTERS}"
            )
        return value

    def zero(self) -> str:
        return ""


class Flag:
    def read(self, value: Any) -> bool:
        if type(value) is not bool:
            raise _mismatch(value, "true or false")
        return value

    def zero(self) -> bool:
        return False


class Whole:
    """A whole number of so many bits, written without fraction and exponent."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self._limit = 1 << (bits - 1)

    def read(self, value: Any) -> int:
        if type(value) is not int:
            raise _mismatch(value, "a whole number")
        if not -self._limit <= value < self._limit:
            raise Malformed(f"is {value}, expected a number below {self._limit}")
        return value

    def zero(self) -> int:
        return 0


class Number:
    def read(self, value: Any) -> float:
        if type(value) not in (int, float):
            raise _mismatch(value, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise Malformed("is a number too large to be kept")
        return number

    def zero(self) -> float:
        return 0.0


class Choice:
    """One of the names of an enumeration, written exactly so."""

    def __init__(self, name: str, *values: str) -> None:
        self._name = name
        self.values = values

    def read(self, value: Any) -> str:
        if type(value) is not str:
            raise _mismatch(value, "a text")
        if value not in self.values:
            # iWF's wording; it ends up in the error message of a run whose worker sent it.
            raise Malformed(f"{value} is not a valid {self._name}", complete=True)
        return value

    def zero(self) -> str:
        return ""


class ListOf:
    """A list. *nulls*: a null in it stays one, instead of what stands for it."""

    def __init__(self, item: Shape, *, nulls: bool = False) -> None:
        self.item = item
        self.nulls = nulls

    def read(self, value: Any) -> list[Any]:
        if type(value) is not list:
            raise _mismatch(value, "a list")
        items = []
        for place, item in enumerate(value):
            try:
                items.append(self._null() if item is None else self.item.read(item))
            except Malformed as error:
                raise error.under(f"[{place}]") from None
        return items

    def zero(self) -> list[Any]:
        return []

    def _null(self) -> Any:
        return None if self.nulls else self.item.zero()


class MapOf:
    """A JSON object whose keys are anybody's names."""

    def __init__(self, item: Shape) -> None:
        self.item = item

    def read(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _mismatch(value, "an object")
        try:
            return {name: self.item.zero() if item is None else self.item.read(item) for name, item in value.items()}
        except Malformed as error:
            raise error.under("*") from None

    def zero(self) -> dict[str, Any]:
        return {}


class Object:
    """A JSON object. *always* are the fields that iWF writes even when they were not given."""

    def __init__(self, fields: Mapping[str, Shape], *, always: tuple[str, ...] = ()) -> None:
        self.fields = dict(fields)
        self.always = always
        self._zeros = {name: fields[name].zero() for name in always}
        self._by_folded_name = {name.casefold(): name for name in fields}

    def read(self, value: Any) -> dict[str, Any]:
        if value is None:
            return self.zero()
        if type(value) is not dict:
            raise _mismatch(value, "an object")
        result = self.zero()
        for given, item in value.items():
            name = given if given in self.fields else self._by_folded_name.get(given.casefold())
            if name is None or item is None:
                continue
            try:
                result[name] = self.fields[name].read(item)
            except Malformed as error:
                raise error.under(name) from None
        return result

    def zero(self) -> dict[str, Any]:
        return dict(self._zeros)


class Later:
    """A shape that is named before it is there, as in an object that holds its own kind."""

    def __init__(self, shape: Callable[[], Shape]) -> None:
        self._shape = shape

    @property
    def shape(self) -> Shape:
        return self._shape()

    def read(self, value: Any) -> Any:
        return self._shape().read(value)

    def zero(self) -> Any:
        return self._shape().zero()


def _mismatch(value: Any, expected: str) -> Malformed:
    return Malformed(f"is {_kind(value)}, expected {expected}")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return "a whole number"
        case float():
            return "a fraction"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
