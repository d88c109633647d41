"""A process that uses the engine of another, and takes its place when that one goes."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading

from perdure.client.remote import PATIENCE_SECONDS, RemoteBackend, Unsent
from perdure.engine.owner import Owned, said_of
from perdure.model.errors import InvalidRequest, UnavailableError
from perdure.sharing.connection import Connection
from perdure.sharing.desk import Desk
from perdure.sharing.frames import Greeting
from perdure.sharing.host import Host, Offer
from perdure.sharing.place import SCHEME, path_of

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0


class Guest:
    """A ``Transport`` to whoever owns a file, with a loop in a thread of its own. ``backend`` speaks over it.

    When the owner goes, however it goes, the guests try for the lock: one of them gets it and goes on
    with what was in progress, the others become its guests. Only who runs every workflow type that the
    last owner ran tries, for the states of any other would fail; else it waits for a new owner. While
    an owner is there nothing is polled: that it goes shows by the end of the connection.
    """

    needs_worker_url = False

    def __init__(self, offer: Offer, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._offer = offer
        self._pid = os.getpid()
        self._connection: Connection | None = None
        self._host: Host | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._closed = False
        self._owner: Greeting | None = None
        self._lacks = ""
        """Why this process cannot own the file."""
        self.backend = RemoteBackend(self, patience_seconds=patience_seconds)
        self.loop = asyncio.new_event_loop()
        """Where answers come in, and where the engine runs if this process takes over."""
        self._thread = threading.Thread(target=self._run, name="perdure-guest", daemon=True)

    @classmethod
    def join(cls, offer: Offer, *, address: str, patience_seconds: float = PATIENCE_SECONDS) -> Guest:
        """Become the guest of who listens at *address*.

        Raises:
            Unsent: nobody is there who answers; somebody may be soon.
            UnavailableError: it cannot be spoken to, now or later.
        """
        guest = cls(offer, patience_seconds=patience_seconds)
        guest._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(guest._begin(address), guest.loop).result()
        except BaseException:
            guest.stop()
            raise
        return guest

    @property
    def owns(self) -> bool:
        """Whether this process has taken over."""
        return self._host is not None

    @property
    def name(self) -> str:
        if self._host is not None:
            return f"this process, which owns {self._offer.path}"
        if self._owner is None:
            return f"whoever owns {self._offer.path}"
        runs = ", ".join(self._owner.workflows) or "no workflows"
        return f"process {self._owner.pid}, which owns {self._offer.path} and runs {runs}"

    async def send(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        if os.getpid() != self._pid:
            raise InvalidRequest(f"this client belongs to process {self._pid}; connect once more after the fork")
        sending = self._send(path, body, seconds=seconds)
        if asyncio.get_running_loop() is self.loop:
            return await sending
        if self.loop.is_closed():
            sending.close()
            raise UnavailableError("the client is closed")
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(sending, self.loop))
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is None or current.cancelling():
                raise
            raise UnavailableError("the client was closed before its question was answered") from None

    async def close(self) -> None:
        """End the connection, or the engine if there is one; who waits gets ``UnavailableError``."""
        self._closed = True
        if asyncio.get_running_loop() is self.loop:
            await self._leave()
        elif not self.loop.is_closed():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._leave(), self.loop))

    def stop(self) -> None:
        """Close, and end the thread too. Not to be called on its loop. Harmless to repeat."""
        assert threading.current_thread() is not self._thread, "an engine cannot be closed by its own handlers"
        if os.getpid() != self._pid or self.loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    # On the loop

    async def _begin(self, address: str) -> None:
        await self._connect(address)
        self._keeping = asyncio.ensure_future(self._keep())

    async def _send(self, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
        if self._closed:
            raise UnavailableError("the client is closed")
        if self._host is not None:
            return await _ask(self._host.desk, path, body, seconds=seconds)
        if self._connection is None:
            why = self._lacks or "Does a process run that has opened the file?"
            raise Unsent(f"{self.name} cannot be reached. {why}")
        return await self._connection.send(path, body, seconds=seconds)

    async def _keep(self) -> None:
        """See to it that there is somebody to ask, until this process owns the file."""
        while self._connection is not None:
            await self._connection.lost.wait()
            logger.warning("%s has gone", self.name)
            self._connection = None
            await self._find_owner()

    async def _find_owner(self) -> None:
        """Become the owner, or the guest of another; return when either is done."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._try_to_own_or_connect()
            except UnavailableError as error:
                logger.info("no owner of %s yet: %s", self._offer.path, error)
            except InvalidRequest as error:
                self._note_lack(str(error))
            except Exception:  # nobody else would ever look for an owner again, for this process
                logger.exception("this process (%d) could not become the owner of %s", self._pid, self._offer.path)
            # Not all of those whose owner has gone try at the same moment.
            await asyncio.sleep(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    def _note_lack(self, lacks: str) -> None:
        """Say once what will be no different at the next try; who asks in vain is told, too."""
        if lacks != self._lacks:
            self._lacks = lacks
            logger.warning("this process (%d) cannot become the owner of %s: %s", self._pid, self._offer.path, lacks)

    async def _try_to_own_or_connect(self) -> None:
        if self._may_own:
            try:
                self._host = await Host.open_here(self._offer)
            except Owned as owned:
                address = owned.address
            else:
                logger.warning(
                    "this process (%d) owns %s now, and goes on with its workflows", self._pid, self._offer.path
                )
                return
        else:
            _, address = said_of(self._offer.path)
        await self._connect(address or "")

    @property
    def _may_own(self) -> bool:
        return (
            self._owner is not None
            and bool(self._offer.workflows)
            and self._offer.workflows.issuperset(self._owner.workflows)
        )

    async def _connect(self, address: str) -> None:
        if not address.startswith(SCHEME):
            raise Unsent(f"the owner of {self._offer.path} has not said where it can be reached")
        self._connection = await Connection.open(path_of(self._offer.path, address))
        self._owner = self._connection.greeting
        self._lacks = ""
        logger.info("this process (%d) uses the engine of %s", self._pid, self.name)
        missing = self._offer.workflows.difference(self._owner.workflows)
        if missing:
            logger.warning(
                "%s, and not %s: that can be started once another owns the file", self.name, ", ".join(sorted(missing))
            )

    async def _leave(self) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.wait([keeping])
        if self._connection is not None:
            await self._connection.close()
        if self._host is not None:
            await self._host.aclose()

    async def _end(self) -> None:
        await self.backend.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _ask(desk: Desk, path: str, body: bytes, *, seconds: float) -> tuple[int, bytes]:
    try:
        async with asyncio.timeout(seconds):
            response = await desk.answer(path, body)
    except TimeoutError:
        raise UnavailableError(f"the engine has not answered within {seconds:g} s") from None
    return response.status, response.body
