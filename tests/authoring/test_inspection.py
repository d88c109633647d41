from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from perdure import (
    Attribute,
    AttributeMap,
    Channel,
    Decision,
    DefinitionError,
    Met,
    Retry,
    Wait,
    Workflow,
    after,
    any_of,
    complete,
    rpc,
    state,
)
from perdure.authoring.inspection import definition_of, inspected
from tests.authoring.onboarding import Onboarding, Person


def problems_of(workflow: Any) -> list[str]:
    return inspected(workflow)[1]


def test_a_sound_class_has_no_problem_and_is_read_once() -> None:
    assert problems_of(Onboarding) == []
    assert definition_of(Onboarding) is definition_of(Onboarding)


class Untyped(Workflow[None, None]):
    bare = Attribute()  # type: ignore[var-annotated]  # that is the test
    inbox = Channel()  # type: ignore[var-annotated]  # as above
    only: Attribute[int]
    wrong: int = Attribute()  # type: ignore[assignment]  # as above


def test_attributes_and_channels_say_what_they_hold() -> None:
    assert problems_of(Untyped) == [
        "Untyped.bare: has no annotation that says what it holds; write bare: Attribute[…] = Attribute(…)",
        "Untyped.wrong: is annotated int; write wrong: Attribute[int] = Attribute(…)",
        "Untyped.inbox: has no annotation that says what it holds; write inbox: Channel[…] = Channel(…)",
        "Untyped.only: is annotated and has no value; write only: Attribute[int] = Attribute()",
    ]


class Unkept(Workflow[complex, None]):
    number: Attribute[complex] = Attribute()
    calls: Channel[Callable[[], None]] = Channel()

    @state(start=True)
    def begin(self, number: complex) -> Decision:
        return complete()

    @rpc
    def ask(self, number: complex) -> complex:
        return number


def test_every_type_can_be_written_as_json() -> None:
    found = problems_of(Unkept)
    assert [problem.split(": ")[0] for problem in found] == [
        "Unkept.number",
        "Unkept.calls",
        "Unkept.Workflow",
        "Unkept.begin",
        "Unkept.ask",
        "Unkept.ask",
    ]
    assert found[0] == (
        "Unkept.number: type complex: complex cannot be written as JSON and read back; "
        "use a dataclass, or a type of the standard library"
    )
    assert "parameter 'number': type complex" in found[3]
    assert "return type complex" in found[5]


class Defaults(Workflow[None, None]):
    shared: Attribute[list[int]] = Attribute(default=[])
    wrong: Attribute[int] = Attribute(default="one")  # type: ignore[arg-type]  # that is the test
    both: Attribute[int] = Attribute(default=1, factory=int)  # type: ignore[call-overload]  # as above
    fine: Attribute[tuple[int, ...]] = Attribute(default=(1, 2))


def test_a_default_fits_and_cannot_change() -> None:
    assert problems_of(Defaults) == [
        "Defaults.shared: default [] can change in place and would be shared; use factory=list",
        "Defaults.wrong: default: found str 'one', expected int",
        "Defaults.both: has a default and a factory; keep one",
    ]


class Indexed(Workflow[None, None]):
    born: Attribute[str] = Attribute(index="int")
    odd: Attribute[str] = Attribute(index="words")  # type: ignore[call-overload]  # that is the test
    mine: Attribute[str | None] = Attribute(index="keyword", name="IwfMine")


def test_an_index_fits_what_it_indexes() -> None:
    assert problems_of(Indexed) == [
        "Indexed.born: index='int' holds int, and the attribute holds str",
        "Indexed.odd: index='words' is unknown; use one of keyword, text, datetime, int, double, bool, keyword_array",
        "Indexed.mine: names of search attributes that begin with 'Iwf' are the engine's own; choose another",
    ]


class Named(Workflow[None, None]):
    run: Attribute[int] = Attribute()  # type: ignore[assignment]  # that is the test
    first: Attribute[int] = Attribute(name="same")
    second: Attribute[int] = Attribute(name="same")
    slashed: Channel[int] = Channel(name="a/b")

    @state(name="_SYS_END")
    def system(self) -> Decision:
        return complete()

    @state(name="twice")
    def one(self) -> Decision:
        return complete()

    @state(name="twice")
    def two(self) -> Decision:
        return complete()

    @rpc(name="")
    def unnamed(self) -> None:
        pass


def test_names_are_ones_own_and_free() -> None:
    assert problems_of(Named) == [
        "Named: 2 attributes are called 'same': first, second; give them names that differ",
        "Named.run: hides Workflow.run; call it something else",
        "Named.slashed: the name 'a/b' has a '/' in it, which parts maps from their keys; choose another",
        "Named.system: the name '_SYS_END' is reserved, as is all that begins with _SYS_ or __; choose another",
        'Named.unnamed: name="" is empty; leave it out or give one',
        "Named: 2 states are called 'twice': one, two; give them names that differ",
    ]


class Handlers(Workflow[None, None]):
    @state
    def unannotated(self, form) -> Decision:  # type: ignore[no-untyped-def]  # that is the test
        return complete()

    @state  # type: ignore[arg-type]  # that is the test
    def two_inputs(self, a: int, b: int, met: Met) -> Decision:
        return complete()

    @state
    def starred(self, *forms: int) -> Decision:
        return complete()

    @state  # type: ignore[arg-type]  # as above
    def wrong_return(self) -> str:
        return ""

    @state  # type: ignore[arg-type]  # that is the test
    def selfless() -> Decision:
        return complete()

    @state
    def by_place(self, n: int, /) -> Decision:
        return complete()

    @state
    def yields(self):  # type: ignore[no-untyped-def]  # as above
        yield complete()

    not_a_method: Any = state(staticmethod(lambda: complete()))  # type: ignore[arg-type]  # as above

    @rpc
    def returns_what(self):  # type: ignore[no-untyped-def]  # as above
        return 1

    @rpc
    def met(self, met: Met) -> None:
        return None


def test_handlers_take_and_return_what_can_be_told_apart() -> None:
    found = {problem.split(": ", 1)[0].split(".")[1]: problem.split(": ", 1)[1] for problem in problems_of(Handlers)}
    assert (
        found["unannotated"] == "parameter 'form' has no annotation; write its type, or Met for what the wait has found"
    )
    assert found["two_inputs"] == "takes 2 parameters as its input: a, b; put them into one, a dataclass say"
    assert found["starred"] == "takes *forms, expected parameters with a name each"
    assert found["wrong_return"] == "is said to return str, expected perdure.Decision"
    assert found["selfless"] == "takes nothing, expected self at least"
    assert found["by_place"] == "parameter 'n' has no name for callers; take the / away"
    assert found["yields"] == "has a yield in it, expected a method that returns"
    assert found["not_a_method"].endswith("expected a method: def …(self, …)")
    assert found["returns_what"] == "has no return annotation; write what callers get, -> None if nothing"
    assert "only the handler of a state is given" in found["met"]
    assert len(found) == 10


class Waits(Workflow[None, None]):
    mail: Channel[int] = Channel()

    @state(wait=3)  # type: ignore[call-overload, untyped-decorator]  # that is the test
    def number(self) -> Decision:
        return complete()

    @state(wait=any_of())
    def never(self) -> Decision:
        return complete()

    @state(wait=any_of(Onboarding.verified, after(1)))
    def foreign(self) -> Decision:
        return complete()

    def says_decision(self) -> Decision:
        return complete()

    @state(wait=says_decision)  # type: ignore[arg-type]  # as above
    def decides(self) -> Decision:
        return complete()

    def takes_text(self, text: str) -> Wait:
        return any_of(self.mail)

    def takes_two(self, number: int, text: str) -> Wait:
        return any_of(self.mail)

    @state(wait=takes_two)  # type: ignore[arg-type]  # as above
    def waits_for_two(self) -> Decision:
        return complete()

    @state(wait=takes_text)
    def takes_number(self, number: int) -> Decision:
        return complete()

    @state(wait=decides)  # type: ignore[call-overload, untyped-decorator]  # as above
    def waits_for_a_state(self) -> Decision:
        return complete()


def test_a_wait_is_a_wait() -> None:
    found = {problem.split(": ", 1)[0].split(".")[1]: problem.split(": ", 1)[1] for problem in problems_of(Waits)}
    assert found["number"].startswith("wait=: found 3, expected a channel, after(…)")
    assert found["never"] == "wait=: any_of() is empty, and would never be met; name a condition"
    assert found["foreign"] == "wait= names channel 'verified', which Waits does not declare"
    assert found["decides"] == "its wait is said to return Decision, expected perdure.Wait"
    assert found["takes_number"] == "its wait takes str, and the state int"
    assert "expected a channel, after(…)" in found["waits_for_a_state"]
    assert found["waits_for_two"] == "its wait takes more than the state's input"
    assert len(found) == 7


class Recovering(Workflow[int, None]):
    @state(recover="nowhere")
    def lost(self) -> Decision:
        return complete()

    @state
    def takes_text(self, text: str) -> Decision:
        return complete()

    @state(start=True, recover=takes_text)
    def takes_number(self, number: int) -> Decision:
        return complete()


class Round(Workflow[None, None]):
    @state(recover="two")
    def one(self) -> Decision:
        return complete()

    @state(recover=one)
    def two(self) -> Decision:
        return complete()


def test_recovery_leads_somewhere_with_the_same_input_and_not_back() -> None:
    assert problems_of(Recovering) == [
        "Recovering.lost: recover= names 'nowhere', which is no state of Recovering; it has: lost, takes_text, takes_number",
        "Recovering.takes_number: recover= leads to 'takes_text' with the same input, int, and it takes str",
    ]
    assert problems_of(Round) == [
        "Round.one: its recover= leads back to itself; break the round, or let the recovering state go_to the other"
    ]


class Twice(Workflow[None, None]):
    @state(start=True)
    def one(self) -> Decision:
        return complete()

    @state(start=True)
    def two(self) -> Decision:
        return complete()


class Startless(Workflow[Person, None]):
    pass


class Mistaken(Workflow[Person, None]):
    @state(start=True)
    def begin(self, number: int) -> Decision:
        return complete()


def test_one_state_starts_with_the_workflows_input() -> None:
    assert problems_of(Twice) == ["Twice: 2 states say start=True: one, two; keep one"]
    assert problems_of(Startless) == ["Startless: starts with Person, and no state says start=True to take it"]
    assert problems_of(Mistaken) == ["Mistaken.begin: takes int, and the workflow starts with Person"]


class Locked(Workflow[None, None]):
    status: Attribute[int] = Attribute()
    votes: AttributeMap[int] = AttributeMap()

    @state(lock=["stratus"])
    def misspelt(self) -> Decision:
        return complete()

    @rpc(lock=[Onboarding.plan], timeout=0)
    def foreign(self) -> None:
        return None

    @rpc(lock=[votes])
    def whole_map(self) -> None:
        return None

    @rpc(load="status")
    def not_a_list(self) -> None:
        return None

    @state(retry=Retry(attempts=0))
    def retried(self) -> Decision:
        return complete()


def test_locks_loads_and_limits_can_be_followed() -> None:
    assert problems_of(Locked) == [
        "Locked.misspelt: lock= names 'stratus', which is no attribute of Locked; it has: status, votes",
        "Locked.retried: retry: attempts is 0, expected 1 or more, or None for no limit",
        "Locked.foreign: lock= names 'plan', which is no attribute of Locked; it has: status, votes",
        "Locked.foreign: timeout is 0, expected more than 0",
        "Locked.whole_map: lock= names the map 'votes', and only single attributes can be locked",
        "Locked.not_a_list: load= takes a list of attributes: load=[…]",
    ]


def test_all_problems_are_told_in_one_error() -> None:
    class Awful(Workflow[int, str]):
        form = Attribute()  # type: ignore[var-annotated]  # that is the test
        plan: Attribute[list[str]] = Attribute(default=[])

        @state(start=True, lock=["nothing"])
        def one(self, text: str) -> Decision:
            return complete()

        @state(start=True)
        def two(self) -> Decision:
            return complete()

    with pytest.raises(DefinitionError) as caught:
        definition_of(Awful)
    lines = str(caught.value).splitlines()
    assert lines[0] == "5 problems found:"
    assert all(line.startswith("- Awful") for line in lines[1:])
    assert len(lines) == 6


def test_an_annotation_of_a_method_that_cannot_be_read_is_told_once() -> None:
    class Lost(Workflow[None, None]):
        @rpc
        def ask(self, form: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821 - that is the test
            return None

    assert problems_of(Lost) == [
        "Lost.ask: its annotations cannot be read: name 'Nowhere' is not defined",
    ]


def test_an_annotation_that_cannot_be_read_is_told_once() -> None:
    class Lost(Workflow[None, None]):
        form: Attribute[Nowhere] = Attribute()  # type: ignore[name-defined]  # noqa: F821 - that is the test

    assert problems_of(Lost) == [
        "Lost: the annotations of test_an_annotation_that_cannot_be_read_is_told_once.<locals>.Lost cannot be read: name 'Nowhere' is not defined"
    ]


@dataclass
class Later:
    n: int


def test_a_bare_workflow_takes_and_gives_anything() -> None:
    class Loose(Workflow):  # type: ignore[type-arg]  # that is the test
        @state(start=True)
        def begin(self, later: Later) -> Decision:
            return complete(3)

    definition = definition_of(Loose)
    assert (definition.input_type, definition.output_type) == (Any, Any)
