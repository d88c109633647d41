"""An invoker around another one: a worker is sent whole values, and what is large in its answers goes apart."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from perdure.blobs.aside import Aside
from perdure.blobs.keeper import Keeper
from perdure.blobs.values import in_answer, in_request
from perdure.model.calls import Answer, Failure, RpcAnswer, RpcRequest, StateRequest
from perdure.model.errors import PerdureError, UnavailableError
from perdure.model.log_fields import fields_of_call
from perdure.ports.invoker import Invoker, Report

logger = logging.getLogger(__name__)

Request = StateRequest | RpcRequest


class BlobInvoker:
    """An ``Invoker`` around another one, which is called on the loop only.

    Loading what a call is sent, and keeping what it answers, is part of the attempt: if either fails,
    the attempt has failed, and is made again by the state's retry policy.
    """

    def __init__(
        self,
        inner: Invoker,
        keeper: Keeper,
        *,
        aside: Aside,
        loop: asyncio.AbstractEventLoop,
        monotonic_ms: Callable[[], int],
    ) -> None:
        self._inner = inner
        self._keeper = keeper
        self._aside = aside
        self._loop = loop
        self._monotonic_ms = monotonic_ms
        self._closed = False

    def invoke(self, request: Request, *, timeout_ms: int, report: Report) -> None:
        ended = partial(self._ended, request, report)
        if not any(map(self._keeper.is_apart, in_request(request))):
            self._inner.invoke(request, timeout_ms=timeout_ms, report=ended)
            return
        until_ms = self._monotonic_ms() + timeout_ms
        try:
            loading = self._aside.submit(partial(self._keeper.bring_back, request))
        except UnavailableError as error:
            report(_failure(error))
            return
        loading.add_done_callback(lambda loaded: self._post(self._go_on, loaded, request, until_ms, ended, report))

    def close(self) -> None:
        self._closed = True
        self._inner.close()

    def _post(self, then: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(then, *arguments)
        except RuntimeError:
            return  # The loop is closed: the next boot makes this call again.

    def _go_on(self, loaded: Future[Request], request: Request, until_ms: int, ended: Report, report: Report) -> None:
        """Make the call with what was loaded, on the loop."""
        if self._closed or loaded.cancelled():
            return
        error = loaded.exception()
        left_ms = until_ms - self._monotonic_ms()
        if error is not None:
            self._tell(request, error)
            report(_failure(error))
        elif left_ms <= 0:
            report(Failure("large values were not loaded within the time of the call", "Timeout", timed_out=True))
        else:
            self._inner.invoke(loaded.result(), timeout_ms=left_ms, report=ended)

    def _ended(self, request: Request, report: Report, result: Answer | Failure) -> None:
        if isinstance(result, Failure) or not self._has_large(result):
            report(result)
            return
        try:
            self._aside.submit(partial(self._keep, request, result, report))
        except UnavailableError:
            return  # Closed: the next boot makes this call again.

    def _has_large(self, answer: Answer) -> bool:
        if isinstance(answer, RpcAnswer) and answer.read_only:
            return False  # what it answers is never written down, unless it locks
        return any(map(self._keeper.is_large, in_answer(answer)))

    def _keep(self, request: Request, answer: Answer, report: Report) -> None:
        """Keep what is large in an answer, then report it; in a thread."""
        hold = self._keeper.begin()
        kept: Answer | Failure
        try:
            kept = self._keeper.take_out(answer, workflow_id=request.run.workflow_id, hold=hold)
        except Exception as error:  # noqa: BLE001  # whatever it is, the engine waits for a report
            self._tell(request, error)
            kept = _failure(error)
        try:
            report(kept)
        finally:
            # Reported is not written yet. Whoever cleans leaves alone what is young, and whoever erases what
            # was put since before it began: no run that could still take this answer is erased.
            hold.release()

    def _tell(self, request: Request, error: BaseException) -> None:
        if not isinstance(error, PerdureError):
            logger.error("large values of a call cannot be handled", exc_info=error, extra=fields_of_call(request))


def _failure(error: BaseException) -> Failure:
    """Return the failed attempt that an error makes: of a value that can't be taken, or of the store."""
    return Failure(str(error), error_type=type(error).__name__)
