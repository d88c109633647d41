"""A real ``perdure server``, or another command that serves, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

READY_SECONDS = 60
STOPPED_SECONDS = 60
"""An end of patience: how long a server takes at most is a matter of its grace, and of the machine."""

PERDURE = (sys.executable, "-m", "perdure.cli")
COMMAND = (*PERDURE, "server")
ROOT = Path(__file__).parents[2]


def pause(process: subprocess.Popen[str]) -> None:
    """Stop a process, as SIGSTOP does some time after it was sent."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)


class Served:
    """A command that says its URL. Leaving it checks that it stops as it should."""

    def __init__(self, folder: Path, arguments: Sequence[str], env: dict[str, str] | None) -> None:
        self._folder = folder
        self._arguments = arguments
        self._env = {**os.environ, **(env or {})}
        self.output: list[str] = []
        """What it has said so far, line by line."""

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._arguments,
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        assert ready.wait(READY_SECONDS), f"the server did not begin: {self.output}"
        self.url = self._said("http://")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            status = self.stop()
            assert status == 0, f"the server ended with {status}: {self.output}"

    def stop(self) -> int:
        """Ask it to stop, and return its status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOPPED_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOPPED_SECONDS} s: {self.output}") from None
        self._reader.join()
        return status

    def pause(self) -> None:
        """Stop it in the middle of whatever it does, and return when it has stopped."""
        pause(self.process)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def said(self, what: str) -> bool:
        """Say whether it has ever told this."""
        return any(what in line for line in self.output)

    def _read(self, ready: threading.Event) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output.append(line.rstrip())
                if line.startswith("Stop it") or "serving iWF's protocol" in line or "running workflows at" in line:
                    ready.set()
        ready.set()

    def _said(self, beginning: str) -> str:
        found = re.search(rf'{beginning}[^\s"]+', "\n".join(self.output))
        assert found, f"the server did not say {beginning}…: {self.output}"
        return found[0]


class ServerProcess(Served):
    """``with ServerProcess(folder) as server: … server.url``."""

    def __init__(self, folder: Path, *flags: str, db: str = "server.db", env: dict[str, str] | None = None) -> None:
        super().__init__(folder, [*COMMAND, "--db", str(folder / db), "--port", "0", *flags], env)


class WorkerProcess(Served):
    """``with WorkerProcess(folder, "tests.cli.served:Slow") as worker: … worker.url``."""

    def __init__(
        self, folder: Path, target: str, *flags: str, port: int = 0, env: dict[str, str] | None = None
    ) -> None:
        path = {"PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))}
        arguments = [*PERDURE, "worker", target, "--port", str(port), *flags]
        super().__init__(folder, arguments, {**path, **(env or {})})
