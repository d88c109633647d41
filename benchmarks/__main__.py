"""``make bench``: measure every row, interleaved, and print the tables of the README.

python -m benchmarks [--rounds 5] [--row TEXT] [--json FILE] [--disk FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.rows import ROWS, WIRE_ROWS, Row, Side
from benchmarks.sample import Facts, Sample, medians
from benchmarks.syncs import counting

ONE_S = 300


@dataclass(slots=True)
class Measured:
    """A row's samples by side and concurrency."""

    row: Row
    samples: dict[Side, dict[int, list[Sample]]] = field(default_factory=dict)
    facts: dict[Side, Facts] = field(default_factory=dict)
    """From a round of its own, that counts fsyncs and whose times are worth nothing."""

    def best(self, side: Side) -> tuple[float, int]:
        """Return the side's median at the concurrency that suits it best, and that concurrency."""
        pick = max if self.row.more_is_better else min
        by_concurrency = {n: medians(s)[self.row.figure] for n, s in self.samples[side].items()}
        best = pick(by_concurrency, key=lambda n: by_concurrency[n])
        return by_concurrency[best], best

    def ratio(self, ours: Side, theirs: Side) -> float:
        """Return how many times better *ours* is."""
        mine, other = self.best(ours)[0], self.best(theirs)[0]
        return mine / other if self.row.more_is_better else other / mine


def measure(row: Row, *, rounds: int, disk: str | None) -> Measured:
    measured = Measured(row, {side: {} for side in row.sides})
    for number in range(rounds):
        for side, concurrency in _turns(row):
            print(f"  round {number + 1}, {side.name}, {concurrency or 'one'} at a time", file=sys.stderr)
            sample = _run(row, side, concurrency, disk)
            measured.samples[side].setdefault(concurrency, []).append(sample)
    with counting() as environment:
        for side in row.sides:
            print(f"  what {side.name} rests on", file=sys.stderr)
            _, concurrency = measured.best(side)
            measured.facts[side] = _run(row, side, concurrency, disk, environment=environment, share=0.3).facts
    return measured


def _turns(row: Row) -> Iterator[tuple[Side, int]]:
    for concurrency in row.concurrencies or (0,):
        for side in row.sides:
            yield side, concurrency


def _run(
    row: Row,
    side: Side,
    concurrency: int,
    disk: str | None,
    *,
    environment: Mapping[str, str] | None = None,
    share: float = 1,
) -> Sample:
    runs = max(20, int(side.runs * row.runs_share * share))
    order: dict[str, object] = {"peer": side.peer, "work": row.work, "runs": runs}
    if side.peer == "dbos":
        order["wal"] = side.wal
    if concurrency:
        order["concurrency"] = concurrency
    if row.busy is not None:
        order["busy"] = row.busy
    if disk:
        order["disk"] = disk
    command = [sys.executable, "-m", "benchmarks.one", json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=ONE_S, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3_000:]}")
    return Sample.from_json(done.stdout.strip().splitlines()[-1])


def tables(measured: list[Measured]) -> str:
    """Return a table for each set of sides."""
    sets = dict.fromkeys(one.row.sides for one in measured)
    return "\n\n".join(_table(sides, [one for one in measured if one.row.sides == sides]) for sides in sets)


def _table(sides: tuple[Side, ...], measured: list[Measured]) -> str:
    ours, *others = sides
    head = f"| work | {' | '.join(side.name for side in sides)} | {' | '.join(f'× {side.name}' for side in others)} | budget |"
    lines = [head, "|---" * (2 + len(sides) + len(others)) + "|"]
    for one in measured:
        cells = [_shown(one, side) for side in sides]
        ratios = [f"{one.ratio(ours, side):.1f}" for side in others]
        lines.append(f"| {one.row.title} | {' | '.join(cells)} | {' | '.join(ratios)} | {one.row.must} |")
    return "\n".join(lines)


def foundations(measured: list[Measured]) -> str:
    """Tell what each side's figures rest on: what it asks of the disk."""
    lines = ["| work | side | `synchronous` | journal mode | fsyncs per run |", "|---|---|---|---|---|"]
    for one in measured:
        for side, facts in one.facts.items():
            syncs = facts.get("fsyncs_per_run")
            told = "not counted" if syncs is None else f"{syncs:.2f}"
            lines.append(f"| {one.row.title} | {side.name} | {facts['synchronous']} | {facts['journal']} | {told} |")
    return "\n".join(lines)


def cpu(measured: list[Measured]) -> str:
    """Tell how much CPU time a run takes in each process."""
    lines = []
    for one in measured:
        for side, by_concurrency in one.samples.items():
            found = medians(by_concurrency[one.best(side)[1]])
            parts = {"server": "server_cpu_us", "worker": "worker_cpu_us", "callers": "cpu_us"}
            told = [f"{name} {found[figure] / 1e3:.2f} ms" for name, figure in parts.items() if figure in found]
            if told:
                lines.append(f"- {one.row.title}, {side.name}: {', '.join(told)}")
    return "\n".join(lines)


def _shown(one: Measured, side: Side) -> str:
    value, concurrency = one.best(side)
    if not one.row.more_is_better:
        return f"{value:.1f} ms"
    return f"{value:,.0f}/s at {concurrency}"


def main(rows: tuple[Row, ...], description: str | None) -> int:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--row", default="", help="only rows whose title has this text")
    parser.add_argument("--json", type=Path, help="write all samples here")
    parser.add_argument("--disk", help="a folder on the disk to measure")
    options = parser.parse_args()
    measured = []
    for row in (row for row in rows if options.row in row.title):
        print(row.title, file=sys.stderr)
        measured.append(measure(row, rounds=options.rounds, disk=options.disk))
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {options.rounds}, fsync on\n")
    print(tables(measured))
    print(f"\n{foundations(measured)}\n\nCPU time of a run, in each process:\n\n{cpu(measured)}")
    if options.json:
        options.json.write_text(_as_json(measured), encoding="utf-8")
    return 0


def _as_json(measured: list[Measured]) -> str:
    return json.dumps(
        [
            {
                "row": one.row.title,
                "side": side.name,
                "concurrency": concurrency,
                "samples": [json.loads(sample.to_json()) for sample in samples],
                "facts": dict(one.facts[side]),
            }
            for one in measured
            for side, by_concurrency in one.samples.items()
            for concurrency, samples in by_concurrency.items()
        ],
        indent=1,
    )


if __name__ == "__main__":
    raise SystemExit(main((*ROWS, *WIRE_ROWS), __doc__))
