"""The protocol as an OpenAPI document, made from the shapes that requests are read by.

So it says what is so. Where reading is more lenient than a schema can say (names in any case, null for
absent, unknown fields), the document shows the one way in which a client should write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from perdure.wire import inspection, protocol
from perdure.wire.paths import HEALTH_CHECK, Call, OwnCall, path_of
from perdure.wire.shape import Choice, Flag, Later, ListOf, MapOf, Number, Object, Shape, Text, Whole

OPENAPI: Final = "/openapi.json"

Schema = dict[str, Any]

STATUSES: Final = {
    200: "done",
    400: "the request cannot be read or followed, or there is no such run; detail says why",
    413: "the body is over the limit",
    420: "what was waited for has not happened, or the RPC's worker has failed; subStatus says which",
    450: "the RPC wants what another call has locked",
    500: "a mistake of the server's; its log has more",
    503: "the file cannot be written now, or too many calls wait for the worker; try again",
}
EVERY_CALL: Final = (200, 400, 413, 500, 503)
_WAITING: Final = (*EVERY_CALL, 420)
_NOTHING: Final = Object({})
_DUMPED: Final = Object(
    {"checksum": Text(), "totalPages": Whole(32), "jsonData": Text()}, always=("checksum", "totalPages", "jsonData")
)
_HEALTH: Final = Object({"condition": Text(), "hostname": Text(), "duration": Whole(32)}, always=("condition",))


@dataclass(frozen=True, slots=True)
class Described:
    """A call as the document shows it."""

    summary: str
    request: Object
    answer: Object = _NOTHING
    statuses: tuple[int, ...] = EVERY_CALL
    required: tuple[str, ...] = ("workflowId",)
    """Without these there is nothing to do; iWF's server says so after reading, and so does this."""


CALLS: Final[dict[Call | OwnCall, Described]] = {
    Call.START: Described(
        "start a workflow", protocol.START, protocol.STARTED, required=("workflowId", "iwfWorkflowType", "iwfWorkerUrl")
    ),
    Call.WAIT_FOR_STATE: Described(
        "wait until a state has completed", protocol.WAIT_FOR_STATE, protocol.STATE_COMPLETED, _WAITING
    ),
    Call.SIGNAL: Described(
        "send a message to a signal channel", protocol.SIGNAL, required=("workflowId", "signalChannelName")
    ),
    Call.PUBLISH: Described(
        "send messages to internal channels", protocol.PUBLISH, required=("workflowId", "messages")
    ),
    Call.GET_DATA: Described("read data attributes", protocol.GET_DATA, protocol.DATA_FOUND),
    Call.SET_DATA: Described("write data attributes", protocol.SET_DATA),
    Call.GET_SEARCH: Described("read search attributes", protocol.GET_SEARCH, protocol.SEARCH_FOUND),
    Call.SET_SEARCH: Described("write search attributes", protocol.SET_SEARCH),
    Call.GET: Described("tell what a run is and how it ended", protocol.GET, protocol.RUN, _WAITING),
    Call.GET_WITH_WAIT: Described("wait until a run has ended", protocol.GET, protocol.RUN, _WAITING),
    Call.SEARCH: Described("find runs", protocol.SEARCH, protocol.RUNS_FOUND, required=("query",)),
    Call.RESET: Described(
        "go back to an earlier moment of a run, as a new run",
        protocol.RESET,
        protocol.STARTED,
        required=("workflowId", "resetType"),
    ),
    Call.STOP: Described("end a run", protocol.STOP),
    Call.SKIP_TIMER: Described(
        "let a timer's moment be now", protocol.SKIP_TIMER, required=("workflowId", "workflowStateExecutionId")
    ),
    Call.DUMP: Described("tell all that a run remembers, a page at a time", protocol.DUMP, _DUMPED),
    Call.UPDATE_CONFIG: Described(
        "change the config of a run", protocol.UPDATE_CONFIG, required=("workflowId", "workflowConfig")
    ),
    Call.TRIGGER_CONTINUE_AS_NEW: Described(
        "accepted for iWF's clients; it changes nothing", protocol.TRIGGER_CONTINUE_AS_NEW
    ),
    Call.RPC: Described(
        "call an RPC of a run", protocol.RPC, protocol.RPC_RETURNED, (*_WAITING, 450), ("workflowId", "rpcName")
    ),
    Call.LOAD_VALUE: Described(
        "load a value from external storage", protocol.ENCODED_OBJECT, protocol.ENCODED_OBJECT, required=()
    ),
    OwnCall.HISTORY: Described("tell what has happened to a run", inspection.HISTORY, inspection.ENTRIES),
    OwnCall.PROGRESS: Described("tell why a run does not go on", inspection.PROGRESS, inspection.RUN),
    OwnCall.ERASE: Described("erase the values of all runs of a workflow", inspection.ERASE),
}
_NAMED: Final[dict[str, Object]] = {
    "EncodedObject": protocol.ENCODED_OBJECT,
    "KeyValue": protocol.KEY_VALUE,
    "SearchAttribute": protocol.SEARCH_ATTRIBUTE,
    "LoadingPolicy": protocol.LOADING_POLICY,
    "RetryPolicy": protocol.RETRY_POLICY,
    "StateOptions": protocol.STATE_OPTIONS,
    "WorkflowConfig": protocol.WORKFLOW_CONFIG,
    "Error": protocol.REFUSED,
}
"""Shapes that stand in several places, or in themselves."""
_NAME_OF: Final = {id(shape): name for name, shape in _NAMED.items()}


def describe(version: str) -> Schema:
    """Return the whole document.

    Args:
        version: of the server.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Perdure",
            "version": version,
            "description": "Durable workflows by iWF's protocol, and what is Perdure's own below /api/v1/perdure/.",
        },
        "paths": {
            "/": {"get": _page("greet", "text/plain; charset=utf-8", {"type": "string"})},
            HEALTH_CHECK: {"get": _page("say that the server is there", "application/json", schema_of(_HEALTH))},
            OPENAPI: {"get": _page("return this document", "application/json", {"type": "object"})},
            **{path_of(call): {"post": _operation(call, described)} for call, described in CALLS.items()},
        },
        "components": {"schemas": {name: _object(shape) for name, shape in _NAMED.items()}},
    }


def _page(summary: str, content_type: str, schema: Schema) -> Schema:
    return {
        "summary": summary,
        "responses": {"200": {"description": STATUSES[200], "content": {content_type: {"schema": schema}}}},
    }


def _operation(call: Call | OwnCall, described: Described) -> Schema:
    request = schema_of(described.request)
    if described.required:
        request = {**_object(described.request), "required": list(described.required)}
    return {
        "operationId": call.name.lower(),
        "summary": described.summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {
            str(status): {
                "description": STATUSES[status],
                "content": {
                    "application/json": {"schema": schema_of(described.answer if status == 200 else protocol.REFUSED)}
                },
            }
            for status in sorted(described.statuses)
        },
    }


def schema_of(shape: Shape) -> Schema:
    """Return what JSON Schema says of a shape."""
    match shape:
        case Text():
            return (
                {"type": "string"}
                if shape.characters_max is None
                else {"type": "string", "maxLength": shape.characters_max}
            )
        case Flag():
            return {"type": "boolean"}
        case Whole():
            limit = 1 << (shape.bits - 1)
            return {"type": "integer", "minimum": -limit, "maximum": limit - 1}
        case Number():
            return {"type": "number"}
        case Choice():
            return {"type": "string", "enum": list(shape.values)}
        case ListOf():
            item = schema_of(shape.item)
            return {"type": "array", "items": {"anyOf": [item, {"type": "null"}]} if shape.nulls else item}
        case MapOf():
            return {"type": "object", "additionalProperties": schema_of(shape.item)}
        case Object():
            name = _NAME_OF.get(id(shape))
            return _object(shape) if name is None else {"$ref": f"#/components/schemas/{name}"}
        case Later():
            return schema_of(shape.shape)
        case _:
            raise TypeError(f"found {type(shape).__name__}, expected a shape that JSON Schema has a word for")


def _object(shape: Object) -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {name: schema_of(field) for name, field in shape.fields.items()},
    }
    if shape.always:
        schema["required"] = list(shape.always)
    return schema
