"""Calls authors' methods in this process."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Iterable
from contextvars import Context, copy_context
from threading import Lock
from typing import TypeVar, cast

from perdure.authoring.registry import Registered
from perdure.model.calls import Answer, Failure, RpcRequest, StateRequest
from perdure.model.log_fields import fields_of_call
from perdure.ports.invoker import Report
from perdure.worker.deadlines import Deadline, Deadlines
from perdure.worker.loop import LoopThread
from perdure.worker.pool import Pool
from perdure.worker.runnable import Runnable, runnable_of, runnables_of
from perdure.worker.runner import NotRegistered, failure_of, timed_out
from perdure.worker.tracebacks import Tracebacks

logger = logging.getLogger(__name__)

THREADS = 16
"""For each workflow type. Handlers mostly wait for other systems; more threads mostly wait for the GIL."""


_Item = TypeVar("_Item")


class _Call:
    """One attempt, reported once: by its end or by its deadline, whichever comes first."""

    __slots__ = ("_permit", "_report", "context", "request", "runnable", "timeout_ms")

    def __init__(self, runnable: Runnable, request: StateRequest | RpcRequest, timeout_ms: int, report: Report) -> None:
        self.runnable = runnable
        self.request = request
        self.timeout_ms = timeout_ms
        self.context: Context | None = None
        """Where the handler runs; ``None``: wherever it happens to."""
        # Each is taken out once, by whoever comes first: a list gives its one item to one thread only,
        # and no other call's threads are waited for.
        self._permit: list[bool] = [True]
        self._report: list[Report] = [report]

    def begin(self) -> bool:
        """Say whether the handler is still to be called; once it is asked, ``give_up`` is too late."""
        return _taken(self._permit) is not None

    def give_up(self) -> bool:
        """Say whether the handler has not been called, and never will be now."""
        return _taken(self._permit) is not None

    def claim(self) -> Report | None:
        """Return who is to be told, to one asker only."""
        return _taken(self._report)

    def settle(self, answer: Answer | Failure) -> bool:
        """Report *answer*, unless the call has been reported; say whether it was this one."""
        report = self.claim()
        if report is None:
            return False
        report(answer)
        return True

    @property
    def name(self) -> str:
        method = (
            self.request.name
            if isinstance(self.request, RpcRequest)
            else f"{self.request.call.state_id}.{self.request.call.method.value}"
        )
        return f"{self.request.run.workflow_type}.{method} of {self.request.run.workflow_id}"


def _taken(items: list[_Item]) -> _Item | None:
    try:
        return items.pop()
    except IndexError:
        return None


class LocalInvoker:
    """An invoker for workflows registered in this process.

    ``def`` handlers run in threads, so many for each workflow type: one type that is slow takes nothing
    from another. ``async def`` handlers run on one event loop. A state's time counts from when its
    handler begins, so that waiting for a thread uses up no attempt; an RPC's, whose caller waits,
    counts from ``invoke``. A ``def`` handler over its time is reported and keeps its thread until it
    returns, for Python can stop no thread: ``overdue_count`` tells how many do. An ``async def`` one
    is cancelled.
    """

    def __init__(
        self,
        workflows: Iterable[Registered | Runnable],
        *,
        threads: int = THREADS,
        loop: asyncio.AbstractEventLoop | None = None,
        tracebacks: Tracebacks | None = None,
        carries_context: bool = False,
    ) -> None:
        """Start nothing yet.

        Args:
            workflows: those of a registry, or of several: ``[*registry, *others]``.
            threads: for the ``def`` handlers of each workflow type.
            loop: runs the ``async def`` handlers; a loop in a thread of its own if left out.
            tracebacks: where to note what states fail with.
            carries_context: a handler sees the context variables of whoever calls ``invoke``.
        """
        if threads < 1:
            raise ValueError(f"threads is {threads}, expected 1 or more")
        self._tracebacks = tracebacks
        self._runnables = runnables_of(workflows)
        self._pools = {name: Pool(f"perdure-{name}", threads) for name in self._runnables}
        self._deadlines = Deadlines()
        self._carries_context = carries_context
        self._loop = loop
        self._own_loop = LoopThread("perdure-handlers") if loop is None else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._posted: deque[_Call] = deque()
        self._is_posted = False
        self._overdue = 0
        self._lock = Lock()
        self._closed = False

    @property
    def overdue_count(self) -> int:
        """How many ``def`` handlers hold a thread beyond their time."""
        return self._overdue

    def invoke(self, request: StateRequest | RpcRequest, *, timeout_ms: int, report: Report) -> None:
        if self._closed:
            report(Failure("WorkerClosed: this worker takes no more calls", error_type="WorkerClosed"))
            return
        try:
            runnable = runnable_of(self._runnables, request)
            is_async = runnable.is_async(request)
        except NotRegistered as error:
            report(self._failure(request, error))
            return
        call = _Call(runnable, request, timeout_ms, report)
        if self._carries_context:
            call.context = copy_context()
        if is_async:
            self._invoke_async(call)
        else:
            self._invoke_in_thread(call)

    def close(self) -> None:
        self._closed = True
        self._deadlines.close()
        for pool in self._pools.values():
            pool.close()
        if self._own_loop is not None:
            self._own_loop.close()
        elif self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel_tasks)

    def _failure(self, request: StateRequest | RpcRequest, error: BaseException) -> Failure:
        failure = failure_of(error)
        if self._tracebacks is not None and isinstance(request, StateRequest):
            self._tracebacks.note(request.run.workflow_id, failure)
        return failure

    # In threads

    def _invoke_in_thread(self, call: _Call) -> None:
        pool = self._pools[call.runnable.workflow_type]
        if isinstance(call.request, RpcRequest):
            deadline = self._deadlines.add(call.timeout_ms, lambda: self._late(call))
            pool.submit(lambda: self._run(call, deadline))
        else:
            pool.submit(lambda: self._run(call, self._deadlines.add(call.timeout_ms, lambda: self._late(call))))

    def _run(self, call: _Call, deadline: Deadline) -> None:
        if not call.begin():
            return  # an RPC whose caller has gone: at most once is then not at all
        try:
            task = call.runnable.task_of(call.request)
            made = task.call() if call.context is None else call.context.run(task.call)
            answer: Answer | Failure = task.answer(made)
        except BaseException as error:  # noqa: BLE001 - an author's sys.exit() fails the attempt, not the worker
            answer = self._failure(call.request, error)
        self._deadlines.end(deadline)
        if not call.settle(answer):
            self._count_overdue(-1)

    def _late(self, call: _Call) -> None:
        report = call.claim()
        if report is None:
            return
        if not call.give_up():
            self._count_overdue(1)
            logger.warning(
                "%s has run for more than %d ms and keeps its thread",
                call.name,
                call.timeout_ms,
                extra=fields_of_call(call.request),
            )
        report(timed_out(call.timeout_ms))

    def _count_overdue(self, change: int) -> None:
        with self._lock:
            self._overdue += change

    # On the loop

    def _invoke_async(self, call: _Call) -> None:
        loop = self._loop if self._own_loop is None else self._own_loop.loop
        assert loop is not None
        if _running_loop() is loop:
            self._begin(loop, call)
            return
        self._posted.append(call)
        if self._is_posted:
            return  # the loop has been woken already: a burst of calls costs one system call
        self._is_posted = True
        try:
            loop.call_soon_threadsafe(self._begin_posted, loop)
        except RuntimeError as error:  # the loop is closed
            self._is_posted = False
            while self._posted:
                self._posted.popleft().settle(failure_of(error))

    def _begin_posted(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_posted = False  # before looking: what comes from now on wakes the loop again
        while self._posted:
            self._begin(loop, self._posted.popleft())

    def _begin(self, loop: asyncio.AbstractEventLoop, call: _Call) -> None:
        task = loop.create_task(self._finish_on_loop(call), context=call.context)
        self._tasks.add(task)
        timer = loop.call_later(call.timeout_ms / 1_000, self._late_on_loop, call, task)

        def ended(done: asyncio.Task[None]) -> None:
            timer.cancel()
            self._tasks.discard(done)

        task.add_done_callback(ended)

    async def _finish_on_loop(self, call: _Call) -> None:
        try:
            task = call.runnable.task_of(call.request)
            answer: Answer | Failure = task.answer(await cast("Awaitable[object]", task.call()))
        except asyncio.CancelledError as error:
            current = asyncio.current_task()
            if current is not None and current.cancelling():  # its time is over, or the worker closes
                raise
            answer = self._failure(call.request, error)
        except Exception as error:  # noqa: BLE001 - whatever an author raises is the attempt's failure
            answer = self._failure(call.request, error)
        call.settle(answer)

    def _late_on_loop(self, call: _Call, task: asyncio.Task[None]) -> None:
        # Reported before it is cancelled: a handler may take its time to give up.
        call.settle(timed_out(call.timeout_ms))
        task.cancel()

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
