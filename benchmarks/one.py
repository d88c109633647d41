"""One measurement in a process of its own: ``python -m benchmarks.one '{"peer": …}'`` prints a sample."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path


def main(order: str) -> None:
    told = json.loads(order)
    peer, work = told.pop("peer"), told.pop("work")
    with tempfile.TemporaryDirectory(dir=told.pop("disk", None)) as folder:
        sample = getattr(import_module(f"benchmarks.peer_{peer}"), work)(Path(folder), **told)
        print(sample.to_json(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
