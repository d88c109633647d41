"""What killed processes acknowledged, and whether a file holds it all, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from perdure.engine.hot import fold
from perdure.interpreter.codec import decode_event
from perdure.interpreter.events import Event, MessagesPublished, RpcClosed, RpcWrote, SignalReceived
from perdure.model.ids import WorkflowId
from perdure.model.outcome import RunStatus
from perdure.store.store import Store

Happening = tuple[str, str, str]
"""What, to whom, and which one: ``signal``, a workflow, a token."""


@dataclass
class Account:
    """The ledger of a process that is never killed."""

    started: list[WorkflowId] = field(default_factory=list)
    ended: list[WorkflowId] = field(default_factory=list)
    sent: list[Happening] = field(default_factory=list)
    called: Counter[str] = field(default_factory=Counter)
    """Calls of what may be called at most once."""
    attempts: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """(life, attempt) of each call that may be repeated."""

    def enter(self, life: int, line: str) -> None:
        match line.split():
            case ["start", name]:
                self.started.append(WorkflowId(name))
            case ["result", name]:
                self.ended.append(WorkflowId(name))
            case ["called", name]:
                self.called[name] += 1
            case ["attempt", name, number]:
                self.attempts[name].append((life, int(number)))
            case ["signal" | "publish" | "note" | "add" as what, name, token]:
                self.sent.append((what, name, token))
            case _:
                raise AssertionError(f"a process said {line!r}")

    @property
    def acknowledged(self) -> int:
        return len(self.started) + len(self.ended) + len(self.sent)

    def check(self, store: Store) -> None:
        """Find every entry in the file, nothing twice, and the workers' calls as numbered as they should be."""
        self.check_file(store)
        self._check_workers()

    def check_file(self, store: Store) -> None:
        """Find every entry in the file, and nothing twice."""
        assert store.check() == ()
        expected: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for what, name, token in self.sent:
            expected[name][what, token] += 1
        for name in self.started:
            self._check_run(store, name, expected.pop(name, Counter()))
        assert not expected, f"something was acknowledged for workflows that were not: {list(expected)[:3]}"
        for name in self.ended:
            (row,) = store.runs_of(name)
            assert row.status is RunStatus.COMPLETED

    def _check_run(self, store: Store, name: WorkflowId, expected: Counter[tuple[str, str]]) -> None:
        rows = store.runs_of(name)
        assert len(rows) == 1, f"{name} was started once, {len(rows)} runs were found"
        (row,) = rows
        found = Counter(one for line in store.journal(row.key) for one in _happenings(decode_event(line.event)))
        assert max(found.values(), default=1) == 1, f"something happened twice to {name}: {found.most_common(3)}"
        assert not expected - found, f"acknowledged, and not in the journal of {name}: {expected - found}"
        run, _ = fold(store.load([row.key])[row.key])
        data = run.execution.data_attributes().get("added")
        added = Counter((data.value.data or "").split(",") if data and data.value else ())
        assert added == Counter(token for what, token in found if what == "add"), f"an update of {name} was lost"

    def _check_workers(self) -> None:
        assert max(self.called.values()) == 1, "at most once is once or not at all"
        for name, made in self.attempts.items():
            for (life, attempt), (next_life, next_attempt) in pairwise(made):
                repeated = next_attempt == attempt and next_life > life
                assert repeated or next_attempt == attempt + 1, f"attempts of {name} in each life: {made}"


def _happenings(event: Event) -> Iterator[tuple[str, str]]:
    match event:
        case SignalReceived(_, value) if value is not None:
            yield "signal", value.data or ""
        case MessagesPublished(messages):
            yield from (("publish", message.value.data or "") for message in messages if message.value)
        case RpcWrote(answer) if answer.output is not None:
            yield "note", answer.output.data or ""
        case RpcClosed(_, answer) if answer is not None and answer.output is not None:
            yield "add", answer.output.data or ""
        case _:
            return
