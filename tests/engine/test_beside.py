from __future__ import annotations

from pathlib import Path

import pytest

from perdure.engine.beside import Beside
from perdure.model.errors import UnavailableError
from perdure.store.reader import Reader
from perdure.store.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    Store.open(tmp_path / "a.db").close()
    return tmp_path / "a.db"


def test_the_file_is_opened_once_and_only_if_somebody_asks(file: Path) -> None:
    opened: list[Reader] = []

    def open_reader() -> Reader:
        opened.append(Reader.open(file))
        return opened[-1]

    Beside(open_reader).close()
    assert opened == []
    beside = Beside(open_reader)
    assert [beside.ask(Reader.last_key), beside.ask(Reader.count_open_runs)] == [0, 0]
    assert len(opened) == 1
    beside.close()


def test_nothing_is_answered_once_it_is_closed(file: Path) -> None:
    beside = Beside(lambda: Reader.open(file))
    beside.ask(Reader.last_key)
    beside.close()
    with pytest.raises(UnavailableError, match="the engine is closed"):
        beside.ask(Reader.last_key)
