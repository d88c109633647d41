"""Where the power may be cut in a recording, and what a database then holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import apsw

from tests.crash.lying_vfs import Happened, Medium, Survival, Synced, everything, nothing, torn


@dataclass(frozen=True)
class Cut:
    """One power cut: after so many happenings, with so much of what was not synced."""

    happened: int
    at_sync: bool
    survival: str
    folder: Path
    """What is left."""

    def __str__(self) -> str:
        return f"power cut after {self.happened} happenings, {self.survival} of what was not synced survived"


def cuts(
    happened: Sequence[Happened], folder: Path, *, dice: Random, between: float, torn_times: int = 1
) -> Iterator[Cut]:
    """Cut the power before and after each sync, and at some points between, in each of several ways.

    Args:
        between: the share of all other points that are tried.
    """
    medium = Medium()
    survivals: list[tuple[str, Survival]] = [("nothing", nothing), ("everything", everything)]
    survivals += [("some", torn(dice))] * torn_times
    for number in range(len(happened) + 1):
        at_sync = any(isinstance(event, Synced) for event in happened[max(0, number - 1) : number + 1])
        if at_sync or dice.random() < between:
            for name, survival in survivals:
                for left in folder.iterdir():
                    left.unlink()
                medium.cut_power(folder, survival=survival, dice=dice)
                yield Cut(number, at_sync, name, folder)
        if number < len(happened):
            medium.take(happened[number])


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table, but for what differs in every file.

    Events have their bodies in them, shared or not: which are shared depends on what was seen since the
    file was opened.
    """
    connection = apsw.Connection(str(path))
    try:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        tables = [str(name) for (name,) in names]
        found: dict[str, list[tuple[object, ...]]] = {
            table: sorted(connection.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr)
            for table in tables
            if not table.startswith("sqlite_")
        }
    finally:
        connection.close()
    shared = {str(number): body for number, body in found.pop("body", [])}
    found["event"] = [(*row[:-2], shared.get(str(row[-2]), row[-2]), row[-1]) for row in found.get("event", [])]
    found["meta"] = [row for row in found.get("meta", []) if row[0] != "file_id"]
    return found
