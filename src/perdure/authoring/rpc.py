"""A workflow's front desk: methods that clients call while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, Generic, Never, ParamSpec, Protocol, Self, TypeVar, overload

from perdure.authoring.attribute import AnyAttribute
from perdure.authoring.duration import Duration

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
Owner_contra = TypeVar("Owner_contra", contravariant=True)
Owner = TypeVar("Owner")


@dataclass(frozen=True, slots=True, eq=False)
class RpcSettings:
    """What ``@rpc(…)`` was told."""

    lock: Sequence[AnyAttribute | str] | None = None
    load: Sequence[AnyAttribute | str] | None = None
    read_only: bool = False
    timeout: Duration | None = None
    name: str | None = None


class AnyRpc:
    """An RPC, whatever it takes and returns."""

    def __init__(self, function: Callable[..., object], settings: RpcSettings) -> None:
        self.function = function
        self.settings = settings
        self.member = ""
        self.owner: type[object] = object
        """The class it is declared in."""
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, member: str) -> None:
        if not self.member:
            self.member, self.owner = member, owner


class Rpc(AnyRpc, Generic[Owner_contra, P, R_co]):
    """An RPC of an ``Owner`` that takes ``P`` and returns ``R``. Made by ``@rpc``; named by a handle's ``call``."""

    if not TYPE_CHECKING:  # where types are checked it is no callable, and a call is found sooner

        def __call__(self, *args: object, **kwargs: object) -> Never:
            """Refuse: a class has no run to call it on."""
            name = f"{self.owner.__name__}.{self.member}"
            raise TypeError(
                f"{name} is called on the class, expected on a run: client.get({self.owner.__name__}, …).call({name}, …)"
            )

    def of(self, workflow: Owner_contra) -> None:
        """Hold the type parameter in place for type checkers; does nothing."""

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Callable[P, R_co]: ...

    def __get__(self, instance: object | None, owner: type) -> Self | Callable[P, R_co]:
        if instance is None:
            return self
        bound: Callable[P, R_co] = self.function.__get__(instance, owner)  # inside a handler it is a plain method
        return bound


class RpcDecorator(Protocol):
    """What ``@rpc(…)`` returns."""

    @overload
    def __call__(self, method: Callable[Concatenate[Owner, P], Awaitable[R]], /) -> Rpc[Owner, P, R]: ...

    @overload
    def __call__(self, method: Callable[Concatenate[Owner, P], R], /) -> Rpc[Owner, P, R]: ...


@overload
def rpc(method: Callable[Concatenate[Owner, P], Awaitable[R]], /) -> Rpc[Owner, P, R]: ...


@overload
def rpc(method: Callable[Concatenate[Owner, P], R], /) -> Rpc[Owner, P, R]: ...


@overload
def rpc(
    *,
    lock: Sequence[AnyAttribute | str] | None = None,
    load: Sequence[AnyAttribute | str] | None = None,
    read_only: bool = False,
    timeout: Duration | None = None,
    name: str | None = None,
) -> RpcDecorator: ...


def rpc(
    method: Callable[..., object] | None = None,
    /,
    *,
    lock: Sequence[AnyAttribute | str] | None = None,
    load: Sequence[AnyAttribute | str] | None = None,
    read_only: bool = False,
    timeout: Duration | None = None,
    name: str | None = None,
) -> object:
    """Make a method one that clients can call: ``handle.call(Signup.confirm, "link")``.

    What it writes and publishes is applied in one step when it returns; if it raises, nothing is,
    and the caller is told. It runs once at most for each call. ``self.run.start(go_to(…))`` starts states.

    One parameter is sent as it is, several as an object by their names: adding the second changes
    what is sent, adding a third with a default does not.

    Args:
        lock: attributes that nothing else may lock between its reading and its writing; ``[]``
            makes both one step without holding anything.
        load: the attributes it is given; all of them if left out.
        read_only: it only looks: writing fails, and it can be called on a run that has ended.
        timeout: for the method; the backend's cap if left out.
        name: its name for callers; the Python name if left out.
    """
    settings = RpcSettings(lock=lock, load=load, read_only=read_only, timeout=timeout, name=name)

    def made(function: Callable[..., object]) -> AnyRpc:
        return Rpc(function, settings)

    return made if method is None else made(method)
