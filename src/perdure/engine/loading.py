"""Bringing runs back into memory, and throwing away those whose last events were not written."""

from __future__ import annotations

import logging
from collections import deque

from perdure.engine.hot import HotRun, fold
from perdure.engine.ledger import Ledger
from perdure.engine.lifecycle import Lifecycle
from perdure.engine.parking import HotRuns
from perdure.engine.timekeeper import Timekeeper
from perdure.engine.waiters import Waiters
from perdure.interpreter.events import ResumeCause
from perdure.interpreter.execution import Execution
from perdure.model.log_fields import fields_of_run
from perdure.ports.clock import Clock
from perdure.store.rows import RunKey, StoredRun
from perdure.store.store import Store

logger = logging.getLogger(__name__)


class Loading:
    """The way of runs between the store and memory. A run that cannot be brought back is quarantined."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        runs: HotRuns,
        ledger: Ledger,
        waiters: Waiters,
        timekeeper: Timekeeper,
        lives: Lifecycle,
    ) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs
        self._ledger = ledger
        self._waiters = waiters
        self._timekeeper = timekeeper
        self._lives = lives
        self.booting: dict[RunKey, None] = {}
        """Runs that were busy when the engine last ended, and were not loaded yet. They are taken up
        in portions, so that callers need not wait for the last."""
        self.stricken: dict[RunKey, None] = {}
        """Runs whose commit failed: to be loaded again."""
        self._condemned: dict[RunKey, str] = {}
        """Runs whose events the store refuses, and why: they are quarantined."""
        self._unwritable: set[RunKey] = set()
        """Those of them of which it refuses even that: they are quarantined in memory only."""

    def take_stricken(self) -> list[RunKey]:
        """Return the runs whose commit failed, and forget them: who takes them has them loaded."""
        stricken, self.stricken = list(self.stricken), {}
        return stricken

    def load(self, keys: list[RunKey]) -> None:
        """Bring these runs into memory, all by one reading. They are in the store, or their place in the boot lapses.

        Raises:
            UnavailableError: the store cannot be read now; none was loaded.
        """
        if not keys:
            return
        found = self._store.load(keys)
        for key in keys:
            if key in found:
                self._adopt(found[key])
            else:
                self.booting.pop(key, None)

    def load_readily(self, waiting: deque[RunKey], most: int) -> list[RunKey]:
        """Load the next of *waiting* that are not in memory, and return them; none and never, if that cannot be."""
        keys = [waiting.popleft() for _ in range(min(len(waiting), most))]
        parked = [key for key in keys if self._runs.get(key) is None]
        try:
            self.load(parked)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told of the one it is about at its moment
            logger.warning("runs cannot be loaded ahead: %s: %s", type(error).__name__, error)
            waiting.clear()
            return []
        return parked

    def unload(self, run: HotRun, error: Exception) -> None:
        """Throw a run away whose last events were not written."""
        if self._runs.get(run.key) is not run:
            return
        self._lives.rpcs.undo(run)
        self._runs.drop(run)
        if run.stored:
            self.stricken[run.key] = None
        else:
            self._ledger.say_all(self._waiters.run_lost(run.key, error))

    def condemn(self, key: RunKey | None, why: str) -> None:
        """Have a run quarantined when it is loaded: the store refuses what happens to it. Twice: not even that is written."""
        if key is not None and self._condemned.setdefault(key, why) is not why:
            self._unwritable.add(key)

    def _adopt(self, stored: StoredRun) -> None:
        """Bring a parked run back into memory, and go on with what it had under way."""
        key, now_ms = stored.row.key, self._clock.now_ms()
        after_boot = key in self.booting
        self.booting.pop(key, None)
        try:
            if key in self._condemned and stored.row.quarantine is None:
                run = HotRun(stored.row._replace(quarantine=self._condemned[key]), Execution(), stored=True)
                self._runs.add(run)
                if key not in self._unwritable:
                    self._ledger.touch(run)
                    self._ledger.open.quarantined += 1
                return
            if stored.row.quarantine is not None:
                self._runs.add(HotRun(stored.row, Execution(), stored=True))
                return
            run, began = fold(stored)
        except Exception as error:  # one journal's trouble must not become everybody's
            logger.exception(
                "run %s of workflow %r is quarantined",
                stored.row.run_id,
                stored.row.workflow_id,
                extra={**fields_of_run(stored.row), "error_type": type(error).__name__},
            )
            run = HotRun(stored.row, Execution(), stored=True)
            self._runs.add(run)
            self._ledger.quarantine(run, f"{type(error).__name__}: {error}, while its journal was read")
        else:
            self._runs.add(run)
            self._timekeeper.note(key, stored.row.deadline_ms)
            self._lives.rpcs.adopt(run, now_ms=now_ms)
            self._lives.attempts.adopt(run, began, stored.calls, after_boot=after_boot, now_ms=now_ms)
            if run.outdated:
                self._ledger.begin_segment(run, ResumeCause.RULES, now_ms=now_ms)
        finally:
            self._lives.attempts.give_back(key)
