"""A program of its own process that opens a file, and evaluates what it is given line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from ast import literal_eval
from pathlib import Path
from typing import Any, Self

from tests.server.process import pause

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import os, sys
from perdure.connect import connect
from tests.sharing.workflows import *
client = connect(sys.argv[1], *eval(sys.argv[2]))
print(os.getpid(), flush=True)
for line in sys.stdin:
    try:
        print(repr(eval(line)), flush=True)
    except Exception as error:
        print(repr(f"{type(error).__name__}: {error}"), flush=True)
client.close()
"""


class Program:
    """``with Program(url, "Greeting()") as program: program.says("client.get(Greeting, 'ada').result()")``."""

    def __init__(self, url: str, *workflows: str) -> None:
        paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, url, f"[{', '.join(workflows)}]"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        self.pid = self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.stdin.close()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        self.process.stdout.close()
        self.process.stdin.close()

    def ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        return literal_eval(line)

    def says(self, line: str) -> Any:
        self.ask(line)
        return self.hear()

    def pause(self) -> None:
        pause(self.process)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
