"""The class an author derives from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from perdure.authoring.annotation import written
from perdure.authoring.converter import JSON, Converter
from perdure.authoring.invocation import INVOCATION, LostWrite, invocation_of
from perdure.authoring.run import Run

Input_contra = TypeVar("Input_contra", contravariant=True)
Output_co = TypeVar("Output_co", covariant=True)


class Workflow(Generic[Input_contra, Output_co]):
    """A workflow that starts with an ``Input`` and ends with an ``Output``: ``class Signup(Workflow[Form, str])``.

    The instance you register is a prototype: its constructor takes services (a mailer, a bank), and
    each call of a handler gets a shallow copy of it. What a handler remembers, it assigns to a declared
    ``Attribute``; anything else assigned to ``self`` is refused, since it would be lost.

    Args:
        name: the type's name in the store; the class's own if left out. A stored name outlives a renaming.
        converter: how its values become text; JSON if left out.
    """

    workflow_name: ClassVar[str] = ""
    converter: ClassVar[Converter] = JSON

    _perdure_locals: ClassVar[Mapping[str, Any] | None] = None

    def __init_subclass__(
        cls, *, name: str | None = None, converter: Converter | None = None, **others: object
    ) -> None:
        super().__init_subclass__(**others)
        cls.workflow_name = name or cls.__name__
        if converter is not None:
            cls.converter = converter
        # A class made inside a function (a test, say) has annotations that name things of that function.
        cls._perdure_locals = dict(sys._getframe(1).f_locals) if "<locals>" in cls.__qualname__ else None

    if not TYPE_CHECKING:

        def __class_getitem__(cls, types: object) -> object:
            if cls is Workflow and (not isinstance(types, tuple) or len(types) != 2):
                given = ", ".join(map(written, types if isinstance(types, tuple) else (types,)))
                raise TypeError(
                    f"found Workflow[{given}], expected two types, what it starts with and what it ends with: "
                    "Workflow[Form, str]; None stands for nothing"
                )
            return super().__class_getitem__(types)

    if TYPE_CHECKING:

        @classmethod
        def _perdure_types(cls, input: Input_contra, /) -> tuple[Self, Output_co]:
            """Hold the class's types in place for type checkers: a client's ``start`` finds all three here."""

    @property
    def run(self) -> Run:
        """The run this handler works for."""
        invocation = invocation_of(self)
        if invocation is None:
            raise RuntimeError("self.run is known only inside a handler")
        return invocation.run

    def __copy__(self) -> Self:
        """Return what a call is bound to; override it if a call needs a service of its own."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        return bound

    def __setattr__(self, name: str, value: object) -> None:
        if INVOCATION in self.__dict__ and not hasattr(getattr(type(self), name, None), "__set__"):
            raise LostWrite(
                f"self.{name} is assigned in a handler of {type(self).__name__} and is no declared attribute, so it would be lost; "
                f"declare it: {name}: Attribute[…] = Attribute()"
            )
        super().__setattr__(name, value)
