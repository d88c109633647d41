"""What a workflow class says, read once: typed tables for whoever calls it and whoever runs it.

``definition_of`` makes one from a class; nothing here runs an author's code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from perdure.authoring.converter import ANYTHING, JSON, Converter
from perdure.model.attributes import LOAD_ALL, LoadingPolicy, SearchAttributeType
from perdure.model.conditions import ChannelKind, Wait
from perdure.model.ids import StateId, WorkflowType
from perdure.model.options import StateOptions
from perdure.model.value import EncodedValue


class _Absent(Enum):
    ABSENT = "absent"


ABSENT = _Absent.ABSENT
"""Where there is no value at all, not even ``None``."""


class Role(StrEnum):
    """What a parameter of a handler receives."""

    INPUT = "input"
    MET = "met"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler or an RPC, ``self`` apart."""

    name: str
    type: object
    role: Role = Role.INPUT
    required: bool = True
    """Without a default: what is absent is then an error, or ``None``."""


@dataclass(frozen=True, slots=True)
class Method:
    """An author's function and what it takes."""

    function: Callable[..., object]
    parameters: tuple[Parameter, ...] = ()
    is_async: bool = False

    @property
    def input(self) -> Parameter | None:
        return next((parameter for parameter in self.parameters if parameter.role is Role.INPUT), None)


@dataclass(frozen=True, slots=True)
class StateDefinition:
    name: StateId
    member: str
    """The attribute of the class that holds it."""
    handler: Method
    wait: Method | Wait | None
    """Asked each time, or always the same, or none."""
    options: StateOptions
    loads: frozenset[str] | None = None
    """Keys and prefixes of a partial load; ``None``: everything is loaded."""

    @property
    def input_type(self) -> object:
        """Return what the state takes; ``None`` if nothing."""
        parameter = self.handler.input
        return None if parameter is None else parameter.type

    @property
    def takes_nothing(self) -> bool:
        parameter = self.handler.input
        return parameter is None or not parameter.required


@dataclass(frozen=True, slots=True)
class RpcDefinition:
    name: str
    member: str
    method: Method
    output_type: object
    read_only: bool = False
    timeout_ms: int | None = None
    data_loading: LoadingPolicy = LOAD_ALL
    loads: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    name: str
    """Its key, or what the keys of a map begin with."""
    member: str
    type: object
    default: object = ABSENT
    factory: Callable[[], object] | None = None
    index: SearchAttributeType | None = None
    is_map: bool = False
    immutable: bool = False
    """None of its values can change in place."""


@dataclass(frozen=True, slots=True)
class ChannelDefinition:
    name: str
    """Its name, or what the names of a map begin with."""
    member: str
    type: object
    kind: ChannelKind = ChannelKind.INTERNAL
    is_map: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WorkflowDefinition:
    """A workflow class, read. The tables are keyed by member; states and RPCs also by name."""

    workflow_type: WorkflowType
    workflow: type[object]
    input_type: object = ANYTHING
    output_type: object = ANYTHING
    start: StateDefinition | None = None
    states: Mapping[str, StateDefinition] = field(default_factory=dict)
    rpcs: Mapping[str, RpcDefinition] = field(default_factory=dict)
    attributes: Mapping[str, AttributeDefinition] = field(default_factory=dict)
    channels: Mapping[str, ChannelDefinition] = field(default_factory=dict)
    converter: Converter = JSON
    states_by_name: Mapping[StateId, StateDefinition] = field(default_factory=dict)
    rpcs_by_name: Mapping[str, RpcDefinition] = field(default_factory=dict)

    def encode_input(self, value: object) -> EncodedValue | None:
        """Seal what a run starts with.

        Raises:
            ConversionError: it is not what the class takes.
        """
        return self.converter.encode(value, self.input_type, name=f"input of {self.workflow_type}")

    def decode_output(self, value: EncodedValue | None) -> object:
        """Open what a run ended with.

        Raises:
            ConversionError: it is not what the class says it gives.
        """
        return self.converter.decode(value, self.output_type, name=f"output of {self.workflow_type}")

    def decode_rpc_output(self, rpc: RpcDefinition, value: EncodedValue | None) -> object:
        return self.converter.decode(value, rpc.output_type, name=f"output of {self.workflow_type}.{rpc.member}")
