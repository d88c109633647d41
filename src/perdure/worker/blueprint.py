"""A worker as a part of a Flask application."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from perdure.wire import paths
from perdure.worker.wsgi import WsgiApp

_ENDPOINTS = {
    "wait_until": paths.WORKER_WAIT_UNTIL,
    "execute": paths.WORKER_EXECUTE,
    "rpc": paths.WORKER_RPC,
}


def blueprint_of(app: WsgiApp, name: str) -> Blueprint:
    """Return the protocol's routes; where they begin is said when they are registered."""
    blueprint = Blueprint(name, __name__)
    for endpoint, path in _ENDPOINTS.items():
        blueprint.add_url_rule(path, endpoint, _view(app, path), methods=["POST"])
    return blueprint


def _view(app: WsgiApp, path: str) -> Callable[[], Response]:
    def view() -> Response:
        reply = app.reply(path, request.environ)
        return Response(reply.body, reply.status, content_type="application/json")

    return view
