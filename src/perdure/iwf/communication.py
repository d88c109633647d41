"""A workflow's channels, as a handler uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from perdure.iwf.errors import NotRegisteredError, WorkflowDefinitionError
from perdure.iwf.object_encoder import ObjectEncoder
from perdure.iwf.state_movement import StateMovement
from perdure.iwf.type_store import TypeStore, fits
from perdure.model.value import Message

if TYPE_CHECKING:
    from perdure.iwf.workflow_state import WorkflowState


class Communication:
    """What one call of a handler sends and starts, all in one step when it returns."""

    def __init__(
        self,
        *,
        internal_types: TypeStore,
        signal_names: Iterable[str],
        encoder: ObjectEncoder,
        internal_sizes: Mapping[str, int] | None = None,
        signal_sizes: Mapping[str, int] | None = None,
    ) -> None:
        self._internal_types = internal_types
        self._signal_names = tuple(signal_names)
        self._encoder = encoder
        self._internal_sizes = internal_sizes or {}
        self._signal_sizes = signal_sizes or {}
        self._messages: list[Message] = []
        self._movements: list[StateMovement] = []

    def publish_to_internal_channel(self, channel_name: str, value: Any = None) -> None:
        """Put a message on an internal channel.

        Raises:
            WorkflowDefinitionError: no schema declares the channel, or the value is not of its type.
        """
        declared = self._declared(channel_name)
        if not fits(value, declared):
            raise WorkflowDefinitionError(
                f"InternalChannel {channel_name!r}: found {value!r}, expected {getattr(declared, '__name__', declared)}"
            )
        self._messages.append(Message(channel_name, self._encoder.seal(value)))

    def trigger_state_execution(self, state: str | type[WorkflowState[Any]], state_input: Any = None) -> None:
        """Start a state, from an RPC; a state's own method decides by what it returns, and this does nothing there."""
        self._movements.append(StateMovement.create(state, state_input))

    def get_internal_channel_size(self, channel_name: str) -> int:
        """Return how many messages wait, those of this call included. Only an RPC is told; elsewhere 0 wait."""
        self._declared(channel_name)
        published = sum(message.channel == channel_name for message in self._messages)
        return self._internal_sizes.get(channel_name, 0) + published

    def get_signal_channel_size(self, channel_name: str) -> int:
        """Return how many signals wait. Only an RPC is told; elsewhere 0 do."""
        if not any(channel_name.startswith(name) for name in self._signal_names):
            raise WorkflowDefinitionError(f"SignalChannel channel_name is not defined {channel_name}")
        return self._signal_sizes.get(channel_name, 0)

    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def movements(self) -> tuple[StateMovement, ...]:
        return tuple(self._movements)

    def _declared(self, channel_name: str) -> object:
        try:
            return self._internal_types.get_type(channel_name)
        except NotRegisteredError as error:
            raise WorkflowDefinitionError(f"InternalChannel channel_name is not defined {channel_name}") from error
