"""A server's traces, from the setting to the last span that is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from threading import Thread
from typing import TYPE_CHECKING

from perdure.model.errors import InvalidRequest
from perdure.server.settings import TRACES_OFF

if TYPE_CHECKING:
    from perdure.observe.tracing import Tracing

LAST_SPANS_SECONDS = 1.5
"""For sending what is left at the end: a collector that does not answer must not keep a server from stopping."""


@contextlib.contextmanager
def traces(where: str) -> Iterator[Tracing | None]:
    """Have spans sent to a collector meanwhile; ``None``: no traces are wanted.

    Raises:
        InvalidRequest: what makes them is not installed.
    """
    if where == TRACES_OFF:
        yield None
        return
    try:
        from perdure.observe.tracing import Tracing, otlp_provider  # noqa: PLC0415  # an extra's
    except ImportError as error:
        raise InvalidRequest(
            f"traces need OpenTelemetry, and {error.name} is not installed. Install it: pip install 'perdure[server,otel]'"
        ) from None
    provider = otlp_provider()
    try:
        yield Tracing(provider)
    finally:
        ending = Thread(target=provider.shutdown, name="perdure-last-spans", daemon=True)
        ending.start()
        ending.join(LAST_SPANS_SECONDS)
