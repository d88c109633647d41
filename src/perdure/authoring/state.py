"""The states of a workflow, declared in its class."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Never, Protocol, TypeVar, overload

from perdure.authoring.attribute import AnyAttribute
from perdure.authoring.decision import AnyState, Decision, Overrides
from perdure.authoring.duration import Duration
from perdure.authoring.met import Met
from perdure.authoring.retry import Retry
from perdure.authoring.waiting import Condition, Wait

Input_contra = TypeVar("Input_contra", contravariant=True)
Input = TypeVar("Input")

Decided = Decision | Awaitable[Decision]
Waited = Wait | Condition | Awaitable[Wait | Condition]

WaitMethod = Callable[[Never], Waited] | Callable[[Never, Never], Waited]
"""A method of the class, above the state: ``self``, and the state's input if it wants it."""


@dataclass(frozen=True, slots=True, eq=False)
class StateSettings:
    """What ``@state(…)`` was told."""

    start: bool = False
    wait: object = None
    load: Sequence[AnyAttribute | str] | None = None
    lock: Sequence[AnyAttribute | str] | None = None
    name: str | None = None
    overrides: Overrides = field(default_factory=Overrides)


class State(AnyState, Generic[Input_contra]):
    """A state of a workflow that takes an ``Input``. Made by ``@state``; named by ``go_to``."""

    def __init__(self, function: Callable[..., object], settings: StateSettings) -> None:
        super().__init__()
        self.function = function
        self.settings = settings
        self.__doc__ = function.__doc__

    if not TYPE_CHECKING:  # where types are checked it is no callable, and a call is found sooner

        def __call__(self, *args: object, **kwargs: object) -> Never:
            """Refuse: a state is gone to, with its input beside it."""
            raise TypeError(
                f"state {self.member!r} is called, and only the engine calls one; go on with it: go_to(self.{self.member}, …)"
            )

    def takes(self, value: Input_contra) -> None:
        """Hold the type parameter in place for type checkers; does nothing."""


class StateDecorator(Protocol):
    """What ``@state(…)`` returns: takes the handler, whatever it takes."""

    @overload
    def __call__(self, handler: Callable[[Never, Met], Decided], /) -> State[None]: ...

    @overload
    def __call__(self, handler: Callable[[Never, Input, Met], Decided], /) -> State[Input]: ...

    @overload
    def __call__(self, handler: Callable[[Never, Met, Input], Decided], /) -> State[Input]: ...

    @overload
    def __call__(self, handler: Callable[[Never, Input], Decided], /) -> State[Input]: ...

    @overload
    def __call__(self, handler: Callable[[Never], Decided], /) -> State[None]: ...


@overload
def state(handler: Callable[[Never, Met], Decided], /) -> State[None]: ...


@overload
def state(handler: Callable[[Never, Input, Met], Decided], /) -> State[Input]: ...


@overload
def state(handler: Callable[[Never, Met, Input], Decided], /) -> State[Input]: ...


@overload
def state(handler: Callable[[Never, Input], Decided], /) -> State[Input]: ...


@overload
def state(handler: Callable[[Never], Decided], /) -> State[None]: ...


@overload
def state(
    *,
    start: bool = False,
    wait: Wait | Condition | WaitMethod | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    wait_retry: Retry | None = None,
    wait_timeout: Duration | None = None,
    recover: AnyState | str | None = None,
    proceed_without_wait: bool | None = None,
    load: Sequence[AnyAttribute | str] | None = None,
    lock: Sequence[AnyAttribute | str] | None = None,
    name: str | None = None,
) -> StateDecorator: ...


def state(
    handler: Callable[..., object] | None = None,
    /,
    *,
    start: bool = False,
    wait: object = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    wait_retry: Retry | None = None,
    wait_timeout: Duration | None = None,
    recover: AnyState | str | None = None,
    proceed_without_wait: bool | None = None,
    load: Sequence[AnyAttribute | str] | None = None,
    lock: Sequence[AnyAttribute | str] | None = None,
    name: str | None = None,
) -> object:
    """Make a method a state: it is called when the state's wait is over, and decides what comes next.

    The handler takes what it names, told apart by annotation: the state's input, what the wait has
    ``Met``, either, both or neither. It may be ``def`` (it runs in a thread) or ``async def``. It is
    called again if it fails or the process dies, and what it wrote is then forgotten: hand ``self.run.key``
    to whatever must not happen twice.

    Args:
        start: the run begins here; one state of a class at most. Its input is the workflow's.
        wait: what to wait until: a condition, or a method above that returns one, asked when the
            state begins; it may take the state's input.
        retry: how often the handler is tried again; ``Retry()``, for ever, if left out.
        timeout: for one attempt; 30 seconds if left out.
        wait_retry: as ``retry``, for the method of ``wait``.
        wait_timeout: as ``timeout``, for the method of ``wait``.
        recover: the state to go on with, with the same input, when the last attempt has failed; a
            name for one that stands below. Otherwise the run fails.
        proceed_without_wait: run the handler when the last attempt of the wait's method has failed.
        load: the attributes the handler is given; all of them if left out.
        lock: attributes nobody else may lock meanwhile.
        name: the state's name in the store; the Python name if left out. A stored name outlives a renaming.
    """
    overrides = Overrides(
        retry=retry,
        timeout=timeout,
        wait_retry=wait_retry,
        wait_timeout=wait_timeout,
        recover=recover,
        proceed_without_wait=proceed_without_wait,
    )
    settings = StateSettings(start=start, wait=wait, load=load, lock=lock, name=name, overrides=overrides)

    def made(function: Callable[..., object]) -> State[Never]:
        return State(function, settings)

    return made if handler is None else made(handler)
