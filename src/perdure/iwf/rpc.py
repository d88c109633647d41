"""Methods of a workflow that are called from outside while it runs."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, overload

from perdure.iwf.communication import Communication
from perdure.iwf.errors import WorkflowDefinitionError
from perdure.iwf.iwf_api.models.policies import PersistenceLoadingPolicy, loading
from perdure.iwf.persistence import Persistence
from perdure.iwf.workflow_context import WorkflowContext
from perdure.model.attributes import LOAD_NONE, LoadingPolicy

Method = TypeVar("Method", bound=Callable[..., Any])

DEFAULT_TIMEOUT_SECONDS = 10
PARAMETERS_MAX = 5
"""``self`` included."""

_MARK = "__perdure_iwf_rpc__"


class Role(Enum):
    """What a parameter of an RPC receives."""

    CONTEXT = "context"
    PERSISTENCE = "persistence"
    COMMUNICATION = "communication"
    INPUT = "input"


_ROLES: dict[type, Role] = {
    WorkflowContext: Role.CONTEXT,
    Persistence: Role.PERSISTENCE,
    Communication: Role.COMMUNICATION,
}


@dataclass(frozen=True)
class _Parameter:
    name: str
    role: Role
    declared: object
    by_name: bool
    annotated: bool


@dataclass(frozen=True)
class _Settings:
    timeout_seconds: int
    data_attribute_loading_policy: PersistenceLoadingPolicy | None
    bypass_caching_for_strong_consistency: bool


@dataclass(frozen=True)
class RPCInfo:
    """An RPC of one workflow object."""

    method_func: Callable[..., Any]
    """Bound to the object it was found on, so that classes may share an RPC of a common base."""
    timeout_seconds: int
    input_type: object
    data_attribute_loading_policy: PersistenceLoadingPolicy | None
    params_order: list[Role]
    bypass_caching_for_strong_consistency: bool
    _by_name: tuple[str | None, ...] = ()

    @property
    def loading(self) -> LoadingPolicy:
        """Which data attributes are loaded and locked: none, where nothing could read them."""
        return data_loading(self.params_order, self.data_attribute_loading_policy)

    def call(self, arguments: dict[Role, object]) -> object:
        """Call the method with what its parameters receive; for an ``async def`` one, return the coroutine."""
        values = [(name, arguments[role]) for name, role in zip(self._by_name, self.params_order, strict=True)]
        positional = [value for name, value in values if name is None]
        return self.method_func(*positional, **{name: value for name, value in values if name is not None})


@overload
def rpc(method: Method, /) -> Method: ...


@overload
def rpc(
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    data_attribute_loading_policy: PersistenceLoadingPolicy | None = None,
    bypass_caching_for_strong_consistency: bool = False,
) -> Callable[[Method], Method]: ...


def rpc(
    timeout_seconds: Any = DEFAULT_TIMEOUT_SECONDS,
    data_attribute_loading_policy: PersistenceLoadingPolicy | None = None,
    bypass_caching_for_strong_consistency: bool = False,
) -> Any:
    """Make a method an RPC.

    Beside ``self`` it takes, in any order and each only if it wants it, a ``WorkflowContext``, a
    ``Persistence``, a ``Communication`` and one input. Without a ``Persistence`` it loads no data attributes.

    Args:
        timeout_seconds: for the method.
        data_attribute_loading_policy: what it loads and locks; all, and nothing, if left out.
        bypass_caching_for_strong_consistency: kept for iWF's servers; reads are consistent here.

    Raises:
        WorkflowDefinitionError: it takes two inputs, or more than there is to receive.
    """
    if callable(timeout_seconds):
        return rpc()(timeout_seconds)
    settings = _Settings(timeout_seconds, data_attribute_loading_policy, bypass_caching_for_strong_consistency)

    def mark(method: Method) -> Method:
        _parameters(method)  # what is wrong with it is said where it is written
        setattr(method, _MARK, settings)
        return method

    return mark


def is_rpc(member: object) -> bool:
    return hasattr(member, _MARK)


def rpc_info(method: Callable[..., Any]) -> RPCInfo:
    """Return what is known of an RPC, given bound to a workflow object or, to call it, as a function of its class."""
    function = getattr(method, "__func__", method)
    settings: _Settings = getattr(function, _MARK)
    parameters = _parameters(function)
    return RPCInfo(
        method,
        settings.timeout_seconds,
        next((parameter.declared for parameter in parameters if parameter.role is Role.INPUT), None),
        settings.data_attribute_loading_policy,
        [parameter.role for parameter in parameters],
        settings.bypass_caching_for_strong_consistency,
        tuple(parameter.name if parameter.by_name else None for parameter in parameters),
    )


def data_loading(roles: list[Role], policy: PersistenceLoadingPolicy | None) -> LoadingPolicy:
    return loading(policy) if Role.PERSISTENCE in roles else LOAD_NONE


def _parameters(function: Callable[..., Any]) -> list[_Parameter]:
    _self, *others = inspect.signature(function).parameters.values()
    parameters = [_parameter(function, parameter) for parameter in others]
    inputs = [parameter for parameter in parameters if parameter.role is Role.INPUT and parameter.annotated]
    if len(others) + 1 > PARAMETERS_MAX or len(inputs) > 1:
        found = ", ".join(parameter.name for parameter in parameters)
        raise WorkflowDefinitionError(
            f"RPC {function.__qualname__} takes {found}; expected, in any order, at most a WorkflowContext, "
            "a Persistence, a Communication and one input"
        )
    return parameters


def _parameter(function: Callable[..., Any], parameter: inspect.Parameter) -> _Parameter:
    declared = _annotation(function, parameter)
    role = next((role for kind, role in _ROLES.items() if _is(declared, kind)), Role.INPUT)
    return _Parameter(
        parameter.name,
        role,
        declared,
        by_name=parameter.kind is inspect.Parameter.KEYWORD_ONLY,
        annotated=parameter.annotation is not inspect.Parameter.empty,
    )


def _is(declared: object, kind: type) -> bool:
    return isinstance(declared, type) and issubclass(declared, kind)


def _annotation(function: Callable[..., Any], parameter: inspect.Parameter) -> object:
    """Return an annotation, evaluated where it is text. One that cannot be is known by its name, or says nothing."""
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    holder = type("Holder", (), {"__annotations__": {"it": annotation}, "__module__": function.__module__})
    try:
        return typing.get_type_hints(holder, globalns=function.__globals__)["it"]
    except (NameError, TypeError, AttributeError, SyntaxError):
        # Imported for type checkers only, or defined inside a function.
        name = annotation.rpartition(".")[2]
        return next((kind for kind in _ROLES if kind.__name__ == name), Any)
