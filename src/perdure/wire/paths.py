"""Where calls go: to a server, by clients, and to a worker, by a server."""

from __future__ import annotations

from enum import StrEnum

from perdure.model.calls import RpcRequest, StateMethod, StateRequest

API = "/api/v1/workflow/"


class Call(StrEnum):
    """What a client may ask of a server. The values are the paths below ``API``; case counts."""

    START = "start"
    WAIT_FOR_STATE = "waitForStateCompletion"
    SIGNAL = "signal"
    PUBLISH = "publishToInternalChannel"
    GET_DATA = "dataobjects/get"
    SET_DATA = "dataobjects/set"
    GET_SEARCH = "searchattributes/get"
    SET_SEARCH = "searchattributes/set"
    GET = "get"
    GET_WITH_WAIT = "getWithWait"
    SEARCH = "search"
    RESET = "reset"
    STOP = "stop"
    SKIP_TIMER = "timer/skip"
    DUMP = "internal/dump"
    UPDATE_CONFIG = "config/update"
    TRIGGER_CONTINUE_AS_NEW = "triggerContinueAsNew"
    RPC = "rpc"
    LOAD_VALUE = "encodedobject/load"
    """In iWF's description and not in its server."""


OWN_API = "/api/v1/perdure/"
"""Below it is what iWF's protocol has no call for; an iWF server answers it with 404."""


class OwnCall(StrEnum):
    """What may be asked of a server of ours only. The values are the paths below ``OWN_API``."""

    HISTORY = "history"
    PROGRESS = "progress"
    ERASE = "erase"


def path_of(call: Call | OwnCall) -> str:
    """Return where a client posts a call to, below the server's address."""
    return (OWN_API if isinstance(call, OwnCall) else API) + call


HEALTH_CHECK = "/info/healthcheck"

WORKER_WAIT_UNTIL = "/api/v1/workflowState/start"
WORKER_EXECUTE = "/api/v1/workflowState/decide"
WORKER_RPC = "/api/v1/workflowWorker/rpc"


def worker_url(request: StateRequest | RpcRequest) -> str:
    """Return the whole address that *request* is posted to."""
    return request.run.worker_url.rstrip("/") + worker_path(request)


def worker_path(request: StateRequest | RpcRequest) -> str:
    if isinstance(request, RpcRequest):
        return WORKER_RPC
    return WORKER_WAIT_UNTIL if request.call.method is StateMethod.WAIT_UNTIL else WORKER_EXECUTE
