"""What a worker that is called over HTTP reads and answers, whatever serves it."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.model.calls import Answer, Failure, RpcRequest, StateMethod, StateRequest
from perdure.model.limits import LESS_LOADED, WORKER_BODY_BYTES_MAX
from perdure.wire import document, paths
from perdure.wire.document import Malformed
from perdure.wire.worker_side import decode_rpc_request, decode_state_request, encode_answer, encode_failure
from perdure.worker.runner import failure_of

Request = StateRequest | RpcRequest

_METHODS = {paths.WORKER_WAIT_UNTIL: StateMethod.WAIT_UNTIL, paths.WORKER_EXECUTE: StateMethod.EXECUTE}
_PATHS = frozenset((*_METHODS, paths.WORKER_RPC))


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


TOO_LONG = Reply(
    413, document.write({"detail": f"the body has more than {WORKER_BODY_BYTES_MAX} bytes. {LESS_LOADED}"})
)


def unsigned(problem: str) -> Reply:
    """Return what is answered to a call that is not let in."""
    return Reply(401, document.write({"detail": problem, "errorType": "NotSigned"}))


def refusal(method: str, path: str) -> Reply | None:
    """Say why there is nothing to be read; ``None`` for a route of the protocol."""
    if path not in _PATHS:
        known = ", ".join(sorted(_PATHS))
        return Reply(404, document.write({"detail": f"found {path}, expected one of {known}"}))
    if method != "POST":
        return Reply(405, document.write({"detail": f"found the method {method}, expected POST"}))
    return None


def request_of(path: str, body: bytes) -> Request | Reply:
    """Return what is asked, or what is answered to a body that is no request."""
    try:
        asked = document.read(body)
        return decode_rpc_request(asked) if path == paths.WORKER_RPC else decode_state_request(_METHODS[path], asked)
    except Malformed as error:
        return Reply(400, document.write({"detail": f"invalid request schema: {error}", "errorType": "Malformed"}))


def reply_of(result: Answer | Failure) -> Reply:
    """Return what a server is answered. Never raises: an answer that cannot be written is a failure too."""
    if not isinstance(result, Failure):
        try:
            return Reply(200, document.write(encode_answer(result)))
        except (ValueError, AssertionError) as error:
            result = failure_of(error)
    # What an author's error says may be what could not be written.
    return Reply(500, document.write_ascii(encode_failure(result)).encode("ascii"))
