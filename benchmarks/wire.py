"""Only the rows over the wire, where callers, worker and server are three processes.

python -m benchmarks.wire [--rounds 3] [--row TEXT] [--json FILE] [--disk FOLDER]
"""

from __future__ import annotations

from benchmarks.__main__ import main
from benchmarks.rows import WIRE_ROWS

if __name__ == "__main__":
    raise SystemExit(main(WIRE_ROWS, __doc__))
