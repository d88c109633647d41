"""Every call a client may make, as a function from its body to its answer.

A call decodes its request, asks the Backend, and encodes what it was told. Which error becomes which
status is ``wire.errors``' business.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from perdure.model.errors import InvalidRequest, PerdureError, WaitTimedOut
from perdure.model.ids import WorkflowType
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunInfo
from perdure.ports.backend import Backend
from perdure.ports.blob_store import loader_of
from perdure.ports.dumper import dumper_of
from perdure.ports.inspector import HISTORY_LIMIT, Inspector, inspector_of
from perdure.wire import document, errors, inspection, requests, responses
from perdure.wire.document import Malformed
from perdure.wire.dump import encode_page
from perdure.wire.openapi import OPENAPI, describe
from perdure.wire.paths import HEALTH_CHECK, Call, OwnCall, path_of
from perdure.wire.values import encode_value

JSON: Final = "application/json; charset=utf-8"
PLAIN: Final = "text/plain; charset=utf-8"

RPC_MS: Final = 60_000
"""For an RPC without a timeout of its own: iWF's cap."""

_log = logging.getLogger(__name__)
_NO_CONFIG: Final = WorkflowConfig()


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server's owner decides about its endpoints."""

    now_ms: Callable[[], int]
    """Wall time, for requests that count back from now."""
    hostname: str = "localhost"
    """What the health check calls this server."""
    max_wait_ms: int = 60_000
    """The longest a call may wait, for a result or for an RPC's worker. iWF: 60 s."""
    check_worker_url: Callable[[str], Awaitable[None]] | None = None
    """Raises ``InvalidRequest`` for a URL that this server would not call; ``None``: takes any."""
    default_config: WorkflowConfig = WorkflowConfig()
    """What holds for a run whose start does not say otherwise, setting by setting."""
    check_type: Callable[[WorkflowType], None] | None = None
    """Raises ``InvalidRequest`` for a workflow type that nobody runs here; ``None``: takes any."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    content_type: str = JSON
    location: str | None = None
    """Where the call should go instead, for a redirect."""


async def answer(backend: Backend, method: str, path: str, body: bytes, settings: Settings) -> Response:
    """Answer one HTTP request. Never raises but for cancellation.

    Args:
        path: without the query, which no call looks at.
    """
    if method == "GET" and path in _PAGES:
        return _PAGES[path](settings)
    call = _CALLS.get(path) if method == "POST" else None
    if call is None:
        return _elsewhere(method, path)
    try:
        return _json(200, await call(backend, body, settings))
    except (PerdureError, Malformed) as error:
        refused = errors.encode_error(error)
        if refused.status >= 500:
            _log.error(
                "%s %s is answered with %d: %s",
                method,
                path,
                refused.status,
                error,
                extra={"path": path, "status": refused.status, "error_type": type(error).__name__},
            )
        return _json(refused.status, refused.fields)
    except Exception:  # noqa: BLE001  # the outermost loop of a request: a mistake of ours must not end the server
        _log.exception("%s %s failed", method, path, extra={"path": path})
        return _json(500, {"detail": "internal error, see the server's log", "subStatus": errors.UNCATEGORIZED})


def _json(status: int, fields: dict[str, Any]) -> Response:
    return Response(status, document.write(fields))


def _elsewhere(method: str, path: str) -> Response:
    trimmed = path.rstrip("/")
    if path != trimmed and (method, trimmed) in _ROUTES:
        # A GET may be repeated as it is, a POST must keep its method and body.
        return Response(301 if method == "GET" else 307, b"", PLAIN, location=trimmed)
    return Response(404, b"404 page not found", PLAIN)


def _hello(_settings: Settings) -> Response:
    return Response(200, b"Hello World from iWF server!", PLAIN)


def _health(settings: Settings) -> Response:
    return _json(200, responses.encode_health(settings.hostname))


@cache
def _openapi() -> bytes:
    return document.write(describe(version("perdure")))


def _document(_settings: Settings) -> Response:
    return Response(200, _openapi())


async def _start(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    request = requests.decode_start(body)
    if settings.check_worker_url is not None:
        await settings.check_worker_url(request.worker_url)
    if settings.default_config != _NO_CONFIG:
        config = settings.default_config.overridden_by(request.options.config)
        request = replace(request, options=replace(request.options, config=config))
    if settings.check_type is not None:
        settings.check_type(request.workflow_type)
    run_id = await backend.start(request)
    return responses.encode_run_id(run_id)


async def _signal(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_signal(body)
    await backend.signal(request.target.workflow_id, request.message, run_id=request.target.run_id)
    return {}


async def _publish(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_publish(body)
    await backend.publish(request.target.workflow_id, request.messages, run_id=request.target.run_id)
    return {}


async def _stop(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_stop(body)
    await backend.stop(request.target.workflow_id, request.kind, reason=request.reason, run_id=request.target.run_id)
    return {}


async def _get_data(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_get_data(body)
    found = await backend.get_data_attributes(request.target.workflow_id, request.keys, run_id=request.target.run_id)
    return responses.encode_data_attributes(found)


async def _set_data(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_set_data(body)
    await backend.set_data_attributes(request.target.workflow_id, request.attributes, run_id=request.target.run_id)
    return {}


async def _get_search(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_get_search(body)
    found = await backend.get_search_attributes(request.target.workflow_id, request.keys, run_id=request.target.run_id)
    return responses.encode_search_attributes(found)


async def _set_search(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_set_search(body)
    await backend.set_search_attributes(request.target.workflow_id, request.attributes, run_id=request.target.run_id)
    return {}


async def _get(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    """Wait only where a result is wanted of a run that failed and is being retried."""
    request = requests.decode_get(body)
    info = await backend.describe(request.target.workflow_id, run_id=request.target.run_id)
    if not info.status.closed or not request.needs_results:
        return responses.encode_run(info, run_id=info.run_id, with_outcome=False, detailed=request.detailed)
    return await _result(backend, info, settings.max_wait_ms, detailed=request.detailed)


async def _get_with_wait(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    request = requests.decode_get(body)
    info = await backend.describe(request.target.workflow_id, run_id=request.target.run_id)
    wait_ms = _capped(request.wait_ms, settings)
    return await _result(backend, info, wait_ms, detailed=request.detailed)


async def _result(backend: Backend, info: RunInfo, wait_ms: int, *, detailed: bool) -> dict[str, Any]:
    try:
        last = await backend.wait_for_result(info.workflow_id, run_id=info.run_id, wait_ms=wait_ms)
    except WaitTimedOut as error:
        raise WaitTimedOut(errors.RUN_STILL_OPEN, workflow_id=info.workflow_id, run_id=info.run_id) from error
    # iWF: the answer names the run that was asked for, also when a later one brought the result.
    return responses.encode_run(last, run_id=info.run_id, with_outcome=True, detailed=detailed)


async def _search(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_search_runs(body)
    page = await backend.search(request.query, page_size=request.page_size, page_token=request.page_token)
    return responses.encode_search_page(page, detailed=request.detailed)


async def _reset(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    request = requests.decode_reset(body, now_ms=settings.now_ms())
    run_id = await backend.reset(request)
    return responses.encode_run_id(run_id)


async def _skip_timer(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_skip_timer(body)
    await backend.skip_timer(request.target.workflow_id, request.timer, run_id=request.target.run_id)
    return {}


async def _update_config(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_update_config(body)
    await backend.update_config(request.target.workflow_id, request.config, run_id=request.target.run_id)
    return {}


async def _trigger_continue_as_new(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    """There is nothing to trigger; only whether the run is open is told."""
    target = requests.decode_trigger_continue_as_new(body)
    await backend.update_config(target.workflow_id, WorkflowConfig(), run_id=target.run_id)
    return {}


async def _rpc(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    call = requests.decode_rpc(body)
    timeout_ms = RPC_MS if call.timeout_ms is None else call.timeout_ms
    output = await backend.call_rpc(replace(call, timeout_ms=_capped(timeout_ms, settings)))
    return responses.encode_rpc_output(output)


async def _wait_for_state(backend: Backend, body: bytes, settings: Settings) -> dict[str, Any]:
    request = requests.decode_wait_for_state(body)
    try:
        output = await backend.wait_for_state(request.wait, wait_ms=_capped(request.wait_ms, settings))
    except WaitTimedOut as error:
        raise WaitTimedOut(errors.STATE_STILL_OPEN, workflow_id=request.wait.workflow_id) from error
    return responses.encode_state_completion(request.wait, output)


async def _dump(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = requests.decode_dump(body)
    dumper = dumper_of(backend)
    if dumper is None:
        raise _no_inside()
    return encode_page(await dumper.dump(request.target.workflow_id, run_id=request.target.run_id), request)


async def _load_value(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    """Without an external storage a value whose data is in it is there already, and any other is somewhere else."""
    value = requests.decode_load_value(body)
    loader = loader_of(backend)
    if loader is not None:
        return encode_value(await loader.load_value(value))
    if value.external_store_id or value.external_path:
        raise InvalidRequest(
            f"the value is kept in store {value.external_store_id or ''!r} at {value.external_path or ''!r}, and this "
            "server has no external storage: load it from the server that stored it"
        )
    return encode_value(value)


async def _history(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = inspection.decode_history_request(body)
    target = request.target
    entries = await _inspector(backend).history(
        target.workflow_id, run_id=target.run_id, after_seq=request.after_seq, limit=min(request.limit, HISTORY_LIMIT)
    )
    return inspection.encode_history(entries)


async def _progress(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    target = inspection.decode_progress_request(body)
    progress = await _inspector(backend).progress(target.workflow_id, run_id=target.run_id)
    return inspection.encode_progress(progress)


async def _erase(backend: Backend, body: bytes, _settings: Settings) -> dict[str, Any]:
    request = inspection.decode_erase_request(body)
    await backend.erase(request.workflow_id, reason=request.reason)
    return {}


def _inspector(backend: Backend) -> Inspector:
    inspector = inspector_of(backend)
    if inspector is None:
        raise _no_inside()
    return inspector


def _no_inside() -> InvalidRequest:
    return InvalidRequest("what runs behind this server tells nothing of the inside of runs; ask it with its own tools")


def _capped(wait_ms: int | None, settings: Settings) -> int:
    return settings.max_wait_ms if wait_ms is None else min(wait_ms, settings.max_wait_ms)


_PAGES: dict[str, Callable[[Settings], Response]] = {"/": _hello, HEALTH_CHECK: _health, OPENAPI: _document}

_Endpoint = Callable[[Backend, bytes, Settings], Awaitable[dict[str, Any]]]
_ENDPOINTS: dict[Call | OwnCall, _Endpoint] = {
    Call.START: _start,
    Call.WAIT_FOR_STATE: _wait_for_state,
    Call.SIGNAL: _signal,
    Call.PUBLISH: _publish,
    Call.GET_DATA: _get_data,
    Call.SET_DATA: _set_data,
    Call.GET_SEARCH: _get_search,
    Call.SET_SEARCH: _set_search,
    Call.GET: _get,
    Call.GET_WITH_WAIT: _get_with_wait,
    Call.SEARCH: _search,
    Call.RESET: _reset,
    Call.STOP: _stop,
    Call.SKIP_TIMER: _skip_timer,
    Call.DUMP: _dump,
    Call.UPDATE_CONFIG: _update_config,
    Call.TRIGGER_CONTINUE_AS_NEW: _trigger_continue_as_new,
    Call.RPC: _rpc,
    Call.LOAD_VALUE: _load_value,
    OwnCall.HISTORY: _history,
    OwnCall.PROGRESS: _progress,
    OwnCall.ERASE: _erase,
}
_CALLS = {path_of(call): endpoint for call, endpoint in _ENDPOINTS.items()}
_ROUTES = frozenset({("GET", path) for path in _PAGES} | {("POST", path) for path in _CALLS})
