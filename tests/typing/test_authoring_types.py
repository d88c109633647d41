"""What a type checker knows of an author's lines.

mypy checks this file, and its ``type: ignore`` lines prove what it refuses: one that refuses nothing
is an error too. Running it proves that the declarations are sound.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_type

import perdure
from perdure import (
    Attribute,
    AttributeMap,
    Channel,
    ChannelMap,
    Decision,
    Met,
    Retry,
    Signal,
    State,
    Wait,
    Workflow,
    after,
    all_of,
    any_of,
    complete,
    complete_if_empty,
    go_to,
    rpc,
    state,
    together,
)
from perdure.authoring.inspection import AnyWorkflow, definition_of


@dataclass(frozen=True)
class Form:
    email: str


class Flow(Workflow[Form, str]):
    form: Attribute[Form] = Attribute()
    status: Attribute[str | None] = Attribute(default=None, index="keyword")
    notes: Attribute[list[str]] = Attribute(factory=list)
    votes: AttributeMap[int] = AttributeMap()
    verified: Channel[None] = Channel()
    letters: Channel[str] = Channel()
    rooms: ChannelMap[int] = ChannelMap()
    stopped: Signal[int] = Signal()

    @state
    def plain(self) -> Decision:
        return go_to(self.takes_form, self.form)

    @state
    async def on_loop(self, met: Met) -> Decision:
        assert_type(met[self.letters], str)
        assert_type(met.all(self.letters), tuple[str, ...])
        assert_type(met[self.rooms["a"]], int)
        assert_type(met[self.stopped], int)
        assert_type(met.timers, tuple[str, ...])
        return complete()

    @state(retry=Retry(attempts=3), timeout=timedelta(seconds=3), lock=[status, form], load=[form, votes])
    def takes_form(self, form: Form) -> Decision:
        return together(go_to(self.plain), go_to(self.both, 3), go_to(self.maybe), go_to(self.maybe, 3))

    def heard(self, number: int) -> Wait:
        return any_of(self.verified, self.letters.take(number), after(3))

    async def heard_later(self) -> Wait:
        return all_of(self.letters.drain())

    @state(wait=heard, recover="maybe")
    async def both(self, number: int, met: Met) -> Decision:
        return complete_if_empty(self.letters, "done", otherwise=go_to(self.plain))

    @state(wait=heard_later)
    def other_way(self, met: Met, number: int) -> Decision:
        return complete()

    @state(wait=any_of(verified, letters, after(timedelta(hours=1), name="remind")))
    def maybe(self, number: int | None = None) -> Decision:
        return complete()

    @state(start=True, wait=verified)
    def begin(self, form: Form) -> Decision:
        assert_type(self.form, Form)
        assert_type(self.status, str | None)
        assert_type(self.notes, list[str])
        assert_type(self.votes["a"], int)
        assert_type(self.letters, Channel[str])
        assert_type(self.rooms["a"], Channel[int])
        assert_type(self.confirm("a"), bool)
        mapping: MutableMapping[str, int] = self.votes
        self.status = "new"
        self.status = None
        self.votes["a"] = len(mapping)
        self.verified.publish()
        self.letters.publish("a")
        return go_to(self.plain)

    @rpc(lock=[status], timeout=3)
    def confirm(self, source: str, *, times: int = 1) -> bool:
        return bool(source) and times > 0

    @rpc
    async def look(self) -> Form:
        return self.form


def test_states_know_what_they_take() -> None:
    assert_type(Flow.plain, State[None])
    assert_type(Flow.on_loop, State[None])
    assert_type(Flow.takes_form, State[Form])
    assert_type(Flow.both, State[int])
    assert_type(Flow.other_way, State[int])
    assert_type(Flow.maybe, State[int | None])
    assert_type(Flow.form, Attribute[Form])
    assert_type(Flow.letters, Channel[str])
    assert definition_of(Flow).states["both"].input_type is int


def test_a_workflow_of_any_kind_can_be_registered() -> None:
    flows: list[AnyWorkflow] = [Flow()]
    assert len(perdure.Registry(*flows)) == 1


def refused(flow: Flow, met: Met) -> None:
    """Hold what mypy must refuse; never called."""
    go_to(flow.takes_form, 3)  # type: ignore[misc]
    go_to(flow.takes_form)  # type: ignore[arg-type]
    go_to(flow.plain, 3)  # type: ignore[misc]
    go_to(flow.confirm)  # type: ignore[call-overload]
    flow.form = "ada"  # type: ignore[assignment]
    flow.votes["a"] = "one"  # type: ignore[assignment]
    flow.votes = {}  # type: ignore[assignment]
    flow.letters.publish(3)  # type: ignore[arg-type]
    flow.letters.publish()  # type: ignore[call-arg]
    flow.rooms["a"].publish("one")  # type: ignore[arg-type]
    flow.stopped.publish(3)  # type: ignore[attr-defined]
    flow.confirm(3)  # type: ignore[arg-type]
    number: int = met[flow.letters]  # type: ignore[assignment]
    any_of(3)  # type: ignore[arg-type]
    state(wait=3)  # type: ignore[call-overload]
    rpc(lock=[3])  # type: ignore[list-item]
    wrong: Attribute[int] = Attribute(default="one")  # type: ignore[arg-type]
    word: Attribute[str] = Attribute(index="words")  # type: ignore[call-overload]
    print(number, wrong, word)  # noqa: T201 - what is not used is not looked at


def returns_text(flow: Flow) -> str:
    return ""


def test_a_handler_that_decides_nothing_is_refused() -> None:
    decorated: Callable[..., object] = state(returns_text)  # type: ignore[arg-type, assignment]
    assert isinstance(decorated, State)
