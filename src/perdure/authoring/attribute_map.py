"""Many attributes under one name, told apart by a key that is known only at run time."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Generic, Never, Self, TypeVar, cast, overload

from perdure.authoring.attribute import AnyAttribute, Index
from perdure.authoring.definition import ABSENT, AttributeDefinition
from perdure.authoring.invocation import Bound, Invocation, invocation_of

T = TypeVar("T")

SEPARATOR = "/"
"""Between a map's name and a key, in the store."""


class AttributeMap(AnyAttribute, Generic[T]):
    """``votes: AttributeMap[int] = AttributeMap()``, then ``self.votes["ada"] = 3`` inside a handler.

    Each key is an attribute of its own, stored as ``votes/ada``: writing one does not rewrite the
    others. Deleting a key leaves it in the store without a value.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name
        self.index: Index | None = None

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> BoundMap[T]: ...

    def __get__(self, instance: Bound | None, owner: type) -> Self | BoundMap[T]:
        if instance is None:
            return self
        invocation = invocation_of(instance)
        if invocation is None:
            raise RuntimeError(f"attribute map {self.member!r} has values only inside a handler")
        return BoundMap(invocation, invocation.definition.attributes[self.member])

    def __set__(self, instance: Bound, value: Never) -> None:
        raise AttributeError(
            f"attribute map {self.member!r} is not assigned as a whole; assign its keys: self.{self.member}[key] = …"
        )


class BoundMap(MutableMapping[str, T]):
    """An attribute map inside a handler."""

    def __init__(self, invocation: Invocation, definition: AttributeDefinition) -> None:
        self._invocation = invocation
        self._definition = definition
        self._prefix = definition.name + SEPARATOR

    def __getitem__(self, key: str) -> T:
        value = self._invocation.read(self._definition, self._prefix + key)
        if value is ABSENT:
            raise KeyError(key)
        return cast("T", value)  # the converter made it by the annotation

    def __setitem__(self, key: str, value: T) -> None:
        self._invocation.write(self._definition, self._prefix + key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._invocation.erase(self._definition, self._prefix + key)

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._prefix) for key in self._invocation.keys(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self._invocation.keys(self._prefix))
