from __future__ import annotations

import json

import apsw
import pytest

from perdure.store.migrations import MIGRATIONS
from perdure.store.statements import SQL, in_one_row


def test_every_statement_is_one_statement() -> None:
    for name, text in SQL.items():
        if SQL[name] in MIGRATIONS:
            continue
        assert ";" not in text, name
        assert len(text.split()) > 3, name


def test_several_statements_come_in_one_row_each_in_its_order() -> None:
    connection = apsw.Connection(":memory:")
    numbers = "SELECT json_array(value) AS line FROM json_each('[3, 1, 2]') ORDER BY value"
    none = "SELECT value AS line FROM json_each('[]')"
    [row] = connection.execute(in_one_row(numbers, none, f"{numbers} DESC")).fetchall()
    assert row[1] is None
    assert [json.loads(f"[{lines}]") for lines in (row[0], row[2])] == [[[1], [2], [3]], [[3], [2], [1]]]


@pytest.mark.parametrize("count", [100, 10_000])
def test_the_order_holds_for_more_lines_than_memory_sorts_at_once(count: int) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (a, b)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(n * 7_919 % count, "x" * 500) for n in range(count)])
    [row] = connection.execute(in_one_row("SELECT json_array(a, b) AS line FROM t ORDER BY a")).fetchall()
    assert [line[0] for line in json.loads(f"[{row[0]}]")] == list(range(count))
