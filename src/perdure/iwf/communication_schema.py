"""Which channels a workflow has."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class CommunicationMethodType(Enum):
    SignalChannel = 1
    InternalChannel = 2


@dataclass
class CommunicationMethod:
    name: str
    method_type: CommunicationMethodType
    value_type: object
    """``None`` as an author writes it becomes ``NoneType``: messages carry nothing."""
    is_prefix: bool

    @classmethod
    def signal_channel_def(cls, name: str, value_type: object) -> CommunicationMethod:
        return cls(name, CommunicationMethodType.SignalChannel, _type(value_type), is_prefix=False)

    @classmethod
    def internal_channel_def(cls, name: str, value_type: object) -> CommunicationMethod:
        return cls(name, CommunicationMethodType.InternalChannel, _type(value_type), is_prefix=False)

    @classmethod
    def internal_channel_def_by_prefix(cls, name_prefix: str, value_type: object) -> CommunicationMethod:
        """Declare every channel whose name begins so."""
        return cls(name_prefix, CommunicationMethodType.InternalChannel, _type(value_type), is_prefix=True)


@dataclass
class CommunicationSchema:
    communication_methods: list[CommunicationMethod] = field(default_factory=list)

    @classmethod
    def create(cls, *methods: CommunicationMethod) -> CommunicationSchema:
        return cls(list(methods))


def _type(declared: object) -> object:
    return type(None) if declared is None else declared
