"""The room's SQL: one statement to a file in ``sql/``, read once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

_FOLDER = resources.files("perdure.store").joinpath("sql")

SQL: Mapping[str, str] = {
    file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
    for file in _FOLDER.iterdir()
    if file.name.endswith(".sql")
}
"""Each statement by its file's name."""


def in_one_row(*statements: str) -> str:
    """Make one statement of several that each give a column ``line`` of JSON: all lines in one row.

    SQLite gives up the interpreter's lock at each row, and a thread that computes keeps it for
    milliseconds: a thousand rows would wait a thousand times. They also see the file at one moment.
    """
    columns = [f"(SELECT group_concat(line, ',') FROM (\n{statement}\n))" for statement in statements]  # noqa: S608
    return "SELECT " + ",\n".join(columns)
