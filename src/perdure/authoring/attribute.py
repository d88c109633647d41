"""What a workflow remembers, declared in its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Literal, Self, TypeVar, cast, overload

from perdure.authoring.definition import ABSENT, AttributeDefinition
from perdure.authoring.invocation import Bound, Invocation, invocation_of
from perdure.model.attributes import SearchAttributeType

T = TypeVar("T")

Index = SearchAttributeType | Literal["keyword", "text", "datetime", "int", "double", "bool", "keyword_array"]


class AnyAttribute:
    """An attribute or a map of them, whatever it holds: what ``lock=`` and ``load=`` take."""

    name: str | None
    """Its key in the store; ``None`` until its class is made: then the Python name."""
    index: Index | None
    member: str = ""

    def __set_name__(self, owner: type, member: str) -> None:
        if not self.member:
            self.member = member

    @property
    def key(self) -> str:
        return self.name or self.member


class Attribute(AnyAttribute, Generic[T]):
    """A value that outlives the handler: ``status: Attribute[str | None] = Attribute(default=None)``.

    Read and assigned like any attribute of ``self`` inside a handler. What is assigned is kept with
    everything else the handler did once it returns; a value changed in place must be assigned too.

    Args:
        default: what is read before anything was assigned; it must not be a thing that can change.
        factory: makes that value, for one that can: ``factory=list``.
        index: also put the value on the workflow's index card, so that a search finds it.
        name: its key in the store; the Python name if left out. A stored key outlives a renaming.
    """

    @overload
    def __init__(self, *, index: Index | None = None, name: str | None = None) -> None: ...

    @overload
    def __init__(self, *, default: T, index: Index | None = None, name: str | None = None) -> None: ...

    @overload
    def __init__(self, *, factory: Callable[[], T], index: Index | None = None, name: str | None = None) -> None: ...

    def __init__(
        self,
        *unnamed: object,
        default: object = ABSENT,
        factory: Callable[[], object] | None = None,
        index: Index | None = None,
        name: str | None = None,
    ) -> None:
        if unnamed:
            given = ", ".join(map(repr, unnamed))
            raise TypeError(
                f"found Attribute({given}), expected what it begins with by its name: Attribute(default={given}), "
                "or Attribute(factory=list) for a value that can change"
            )
        self.default = default
        self.factory = factory
        self.index = index
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: Bound | None, owner: type) -> Self | T:
        if instance is None:
            return self
        invocation, definition = self._bound(instance)
        value = invocation.read(definition, definition.name)
        if value is ABSENT:
            value = self._absent(invocation, definition)
        return cast("T", value)  # the converter made it by the annotation

    def __set__(self, instance: Bound, value: T) -> None:
        if invocation_of(instance) is None:
            raise RuntimeError(
                f"{type(instance).__name__}.{self.member} is assigned outside a handler, and belongs to each run, not to "
                f"this instance; say what a run begins with, Attribute(default=…) or start(…, attributes={{…}}), or keep "
                "a service under a name that is not declared"
            )
        invocation, definition = self._bound(instance)
        invocation.write(definition, definition.name, value)

    def __delete__(self, instance: Bound) -> None:
        invocation, definition = self._bound(instance)
        invocation.erase(definition, definition.name)

    def _absent(self, invocation: Invocation, definition: AttributeDefinition) -> object:
        if definition.factory is not None:
            value = definition.factory()
            invocation.hold_default(definition, definition.name, value)
            return value
        if definition.default is not ABSENT:
            return definition.default
        raise AttributeError(f"attribute {self.member!r} has no value yet; assign it first, or give it a default")

    def _bound(self, instance: Bound) -> tuple[Invocation, AttributeDefinition]:
        invocation = invocation_of(instance)
        if invocation is None:
            raise RuntimeError(
                f"attribute {self.member!r} has a value only inside a handler; outside, ask a handle of the client for it"
            )
        return invocation, invocation.definition.attributes[self.member]
