"""Durable workflows: states that wait for people, other systems and time, and carry on after any crash."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perdure.authoring.attribute import Attribute
    from perdure.authoring.attribute_map import AttributeMap
    from perdure.authoring.channel import Channel, Signal
    from perdure.authoring.channel_map import ChannelMap
    from perdure.authoring.converter import ConversionError, Converter, JsonConverter
    from perdure.authoring.decision import (
        Decision,
        complete,
        complete_if_all_empty,
        complete_if_empty,
        complete_now,
        dead_end,
        fail,
        go_to,
        together,
    )
    from perdure.authoring.failing import NonRetryable, RetryAfter
    from perdure.authoring.invocation import LostWrite
    from perdure.authoring.met import Met
    from perdure.authoring.registry import Registry
    from perdure.authoring.retry import Retry
    from perdure.authoring.rpc import Rpc, rpc
    from perdure.authoring.run import Run
    from perdure.authoring.state import State, state
    from perdure.authoring.waiting import Condition, Wait, after, all_of, any_combination_of, any_of, at
    from perdure.authoring.workflow import Workflow
    from perdure.blobs.bucket import BlobBucket
    from perdure.blobs.folder import BlobFolder
    from perdure.blobs.settings import Blobs
    from perdure.client.client import AsyncClient
    from perdure.client.handle import AsyncHandle
    from perdure.client.result import MissingValue
    from perdure.client.sync import Client, Handle
    from perdure.connect import connect, connect_async
    from perdure.model.attributes import SearchAttributeType
    from perdure.model.errors import (
        DefinitionError,
        InternalError,
        InvalidRequest,
        LockConflict,
        PerdureError,
        RequestError,
        RpcFailed,
        TimerNotFound,
        UnavailableError,
        WaitTimedOut,
        WorkerError,
        WorkflowAlreadyStarted,
        WorkflowCanceled,
        WorkflowClosed,
        WorkflowEnded,
        WorkflowFailed,
        WorkflowNotFound,
        WorkflowTerminated,
        WorkflowTimedOut,
    )
    from perdure.worker.serving import Worker

_HOME = {
    "AsyncClient": "client.client",
    "AsyncHandle": "client.handle",
    "Attribute": "authoring.attribute",
    "AttributeMap": "authoring.attribute_map",
    "BlobBucket": "blobs.bucket",
    "BlobFolder": "blobs.folder",
    "Blobs": "blobs.settings",
    "Channel": "authoring.channel",
    "ChannelMap": "authoring.channel_map",
    "Client": "client.sync",
    "Condition": "authoring.waiting",
    "ConversionError": "authoring.converter",
    "Converter": "authoring.converter",
    "Decision": "authoring.decision",
    "DefinitionError": "model.errors",
    "Handle": "client.sync",
    "InternalError": "model.errors",
    "InvalidRequest": "model.errors",
    "JsonConverter": "authoring.converter",
    "LockConflict": "model.errors",
    "LostWrite": "authoring.invocation",
    "Met": "authoring.met",
    "MissingValue": "client.result",
    "NonRetryable": "authoring.failing",
    "PerdureError": "model.errors",
    "Registry": "authoring.registry",
    "RequestError": "model.errors",
    "Retry": "authoring.retry",
    "RetryAfter": "authoring.failing",
    "Rpc": "authoring.rpc",
    "RpcFailed": "model.errors",
    "Run": "authoring.run",
    "SearchAttributeType": "model.attributes",
    "Signal": "authoring.channel",
    "State": "authoring.state",
    "TimerNotFound": "model.errors",
    "UnavailableError": "model.errors",
    "Wait": "authoring.waiting",
    "WaitTimedOut": "model.errors",
    "Worker": "worker.serving",
    "WorkerError": "model.errors",
    "Workflow": "authoring.workflow",
    "WorkflowAlreadyStarted": "model.errors",
    "WorkflowCanceled": "model.errors",
    "WorkflowClosed": "model.errors",
    "WorkflowEnded": "model.errors",
    "WorkflowFailed": "model.errors",
    "WorkflowNotFound": "model.errors",
    "WorkflowTerminated": "model.errors",
    "WorkflowTimedOut": "model.errors",
    "after": "authoring.waiting",
    "all_of": "authoring.waiting",
    "any_combination_of": "authoring.waiting",
    "any_of": "authoring.waiting",
    "at": "authoring.waiting",
    "complete": "authoring.decision",
    "complete_if_all_empty": "authoring.decision",
    "complete_if_empty": "authoring.decision",
    "complete_now": "authoring.decision",
    "connect": "connect",
    "connect_async": "connect",
    "dead_end": "authoring.decision",
    "fail": "authoring.decision",
    "go_to": "authoring.decision",
    "rpc": "authoring.rpc",
    "state": "authoring.state",
    "together": "authoring.decision",
}
"""The module that defines each public name: loaded when the name is first used, so that importing stays light."""

__all__ = [
    "AsyncClient",
    "AsyncHandle",
    "Attribute",
    "AttributeMap",
    "BlobBucket",
    "BlobFolder",
    "Blobs",
    "Channel",
    "ChannelMap",
    "Client",
    "Condition",
    "ConversionError",
    "Converter",
    "Decision",
    "DefinitionError",
    "Handle",
    "InternalError",
    "InvalidRequest",
    "JsonConverter",
    "LockConflict",
    "LostWrite",
    "Met",
    "MissingValue",
    "NonRetryable",
    "PerdureError",
    "Registry",
    "RequestError",
    "Retry",
    "RetryAfter",
    "Rpc",
    "RpcFailed",
    "Run",
    "SearchAttributeType",
    "Signal",
    "State",
    "TimerNotFound",
    "UnavailableError",
    "Wait",
    "WaitTimedOut",
    "Worker",
    "WorkerError",
    "Workflow",
    "WorkflowAlreadyStarted",
    "WorkflowCanceled",
    "WorkflowClosed",
    "WorkflowEnded",
    "WorkflowFailed",
    "WorkflowNotFound",
    "WorkflowTerminated",
    "WorkflowTimedOut",
    "after",
    "all_of",
    "any_combination_of",
    "any_of",
    "at",
    "complete",
    "complete_if_all_empty",
    "complete_if_empty",
    "complete_now",
    "connect",
    "connect_async",
    "dead_end",
    "fail",
    "go_to",
    "rpc",
    "state",
    "together",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
