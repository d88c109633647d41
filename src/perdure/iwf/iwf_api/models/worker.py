"""What a worker is asked over HTTP and answers. The fields' names in JSON are the wire's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from perdure.model.calls import ExecuteAnswer, RpcAnswer, RpcRequest, StateMethod, StateRequest, WaitUntilAnswer
from perdure.wire.worker_request import encode_worker_request
from perdure.wire.worker_side import decode_rpc_request, decode_state_request, encode_answer


@dataclass(frozen=True)
class _StateCall:
    request: StateRequest
    """In the model's words."""

    @property
    def workflow_type(self) -> str:
        return self.request.run.workflow_type

    @property
    def workflow_state_id(self) -> str:
        return self.request.call.state_id

    def to_dict(self) -> dict[str, Any]:
        return encode_worker_request(self.request)


class WorkflowStateWaitUntilRequest(_StateCall):
    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read the body of a request, as JSON makes it.

        Raises:
            Malformed: it is no such request.
        """
        return cls(decode_state_request(StateMethod.WAIT_UNTIL, dict(src_dict)))


class WorkflowStateExecuteRequest(_StateCall):
    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read the body of a request; as ``WorkflowStateWaitUntilRequest.from_dict``."""
        return cls(decode_state_request(StateMethod.EXECUTE, dict(src_dict)))


@dataclass(frozen=True)
class WorkflowWorkerRpcRequest:
    request: RpcRequest
    """In the model's words."""

    @property
    def workflow_type(self) -> str:
        return self.request.run.workflow_type

    @property
    def rpc_name(self) -> str:
        return self.request.name

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Read the body of a request; as ``WorkflowStateWaitUntilRequest.from_dict``."""
        return cls(decode_rpc_request(dict(src_dict)))

    def to_dict(self) -> dict[str, Any]:
        return encode_worker_request(self.request)


@dataclass(frozen=True)
class WorkflowStateWaitUntilResponse:
    answer: WaitUntilAnswer

    def to_dict(self) -> dict[str, Any]:
        return encode_answer(self.answer)


@dataclass(frozen=True)
class WorkflowStateExecuteResponse:
    answer: ExecuteAnswer

    def to_dict(self) -> dict[str, Any]:
        return encode_answer(self.answer)


@dataclass(frozen=True)
class WorkflowWorkerRpcResponse:
    answer: RpcAnswer

    def to_dict(self) -> dict[str, Any]:
        return encode_answer(self.answer)
