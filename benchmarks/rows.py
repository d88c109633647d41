"""What is measured: each row a shape of work, with its sides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """One way to do a row's work: what to run in a process of its own."""

    name: str
    peer: str
    """The module ``benchmarks.peer_…``."""
    runs: int
    wal: bool = False


PERDURE = Side("Perdure", "perdure", 3_000)
DBOS = Side("DBOS as installed", "dbos", 250)
DBOS_WAL = Side("DBOS with WAL", "dbos", 250, wal=True)
WIRE = Side("Perdure over iWF's protocol", "wire", 2_500)
TEMPORAL = Side("Temporal's dev server", "temporal", 120)

IN_PROCESS = (PERDURE, DBOS, DBOS_WAL)
OVER_THE_WIRE = (WIRE, DBOS, DBOS_WAL, TEMPORAL)
"""Ours first. DBOS is a library: its workflows stay in the process of the callers, which spares it the wire."""


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    work: str
    """The function of the peers' modules."""
    figure: str
    """The figure that is compared."""
    must: str
    """The budget, as text."""
    concurrencies: tuple[int, ...] = ()
    """Callers at once; the best of them counts for each side."""
    busy: bool | None = None
    runs_share: float = 1.0
    """Of each side's usual number of runs."""
    sides: tuple[Side, ...] = IN_PROCESS
    """Ours first."""

    @property
    def more_is_better(self) -> bool:
        return self.figure == "per_second"


ROWS = (
    Row("two-step workflow, result to the caller", "two_step", "per_second", "10× DBOS", (16, 64)),
    Row(
        "sign-up: step, wait for message or 24 h, RPC, step",
        "sign_up",
        "per_second",
        "10× DBOS",
        (16, 64),
        runs_share=0.5,
    ),
    Row("one step, nothing else running, p50", "latency", "p50_ms", "3 ms", busy=False, runs_share=0.1),
    Row("the same beside a CPU-bound `def` handler, p50", "latency", "p50_ms", "30 ms", busy=True, runs_share=0.05),
    Row("two-step at 8× the best concurrency", "two_step", "per_second", "80 % of best", (512,)),
)

WIRE_ROWS = (
    Row(
        "two-step over the wire",
        "two_step",
        "per_second",
        "4× DBOS",
        (16, 64),
        runs_share=0.6,
        sides=OVER_THE_WIRE,
    ),
    Row("sign-up over the wire", "sign_up", "per_second", "", (16, 64), runs_share=0.4, sides=OVER_THE_WIRE),
)
"""Callers, worker and server are three processes."""
