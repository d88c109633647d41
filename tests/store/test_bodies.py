from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.interpreter.codec import EncodedEvent
from perdure.model.errors import InternalError
from perdure.store import bodies
from perdure.store.bodies import LONGEST, TIMES, BodyTexts, SharedBodies
from perdure.store.rows import Batch, EventRow, RunKey
from perdure.store.store import Store
from tests.store.samples import run

BODY = '{"state_id":"submit","input":0}'


def test_a_body_is_shared_once_it_has_come_often_enough() -> None:
    shared = SharedBodies([])
    assert [shared.short(BODY) for _ in range(TIMES + 1)] == [BODY] * (TIMES - 1) + ["1", "1"]
    assert shared.added == [(1, BODY)]
    shared.written()
    assert shared.added == []
    assert shared.short(BODY) == "1"


def test_numbers_of_what_was_not_written_are_given_again() -> None:
    shared = SharedBodies([(1, '{"first":"of this file"}')])
    for _ in range(TIMES):
        shared.short(BODY)
    shared.forget()
    assert shared.added == []
    assert shared.short(BODY) == "2", "it has come often enough already"
    assert shared.added == [(2, BODY)]


@pytest.mark.parametrize("body", ["{}", "{" + "x" * LONGEST, '{"half":"\udc00"}'])
def test_what_is_not_worth_it_or_cannot_be_written_stays_where_it_is(body: str) -> None:
    shared = SharedBodies([])
    assert {shared.short(body) for _ in range(2 * TIMES)} == {body}


def test_bodies_that_are_all_different_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SEEN_MAX", 10)
    shared = SharedBodies([])
    for number in range(100):
        body = f'{{"at_ms":{number:024}}}'
        assert shared.short(body) == body
        assert len(shared._seen) <= 10


def test_a_file_shares_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SHARED_MAX", 2)
    shared = SharedBodies([])
    for number in range(5):
        for _ in range(TIMES):
            shared.short(f'{{"number":{number:024}}}')
    assert len(shared.added) == 2


def test_texts_are_read_when_a_number_is_met_that_is_not_known() -> None:
    asked: list[int] = []

    def read_after(number: int) -> list[tuple[int, str]]:
        asked.append(number)
        return [(1, BODY), (2, '{"other":1}')][number:]

    texts = BodyTexts(read_after)
    texts.learn([BODY])
    assert asked == []
    texts.learn(["2", BODY])
    texts.learn(["1", "2"])
    assert asked == [0]
    assert (texts.long("1"), texts.long("2"), texts.long(BODY)) == (BODY, '{"other":1}', BODY)


# In a file


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "a.db")
    yield store
    store.close()


def batch_of(first: int, count: int) -> Batch:
    keys = range(first, first + count)
    return Batch(
        runs=tuple(run(key, f"w-{key}", events=1) for key in keys),
        events=tuple(EventRow(RunKey(key), 1, 0, EncodedEvent("started", 1, BODY)) for key in keys),
    )


def test_journals_read_the_same_whether_their_bodies_are_shared_or_not(store: Store, tmp_path: Path) -> None:
    store.write(batch_of(1, 2 * TIMES))
    store.write(batch_of(2 * TIMES + 1, 2))
    everyone = [RunKey(key) for key in range(1, 2 * TIMES + 3)]
    assert {stored.events[0].event.body for stored in store.load(everyone).values()} == {BODY}
    assert store.journal(everyone[-1])[0].event.body == BODY
    assert store.check() == ()
    again = Store.open(tmp_path / "a.db")
    assert again.journal(everyone[-1])[0].event.body == BODY
    again.write(batch_of(2 * TIMES + 3, 1))
    assert again.journal(RunKey(2 * TIMES + 3))[0].event.body == BODY
    again.close()


def test_a_batch_that_is_refused_takes_its_shared_bodies_with_it(store: Store) -> None:
    store.write(batch_of(1, TIMES - 1))
    twice = batch_of(TIMES, 1)
    with pytest.raises(InternalError):
        store.write(Batch(runs=twice.runs, events=(*twice.events, *twice.events)))
    store.write(batch_of(TIMES, 2))
    assert store.journal(RunKey(TIMES + 1))[0].event.body == BODY
    assert store.check() == ()


def test_a_body_that_is_missing_is_found_by_the_check(store: Store) -> None:
    store.write(batch_of(1, TIMES))
    store._writer.run("DELETE FROM body")
    assert store.check() == (f"event 1 of run {TIMES} needs body 1, which is missing",)
