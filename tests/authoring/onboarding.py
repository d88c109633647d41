"""A workflow that uses one of everything, and the requests that tests make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from perdure import (
    Attribute,
    AttributeMap,
    Channel,
    ChannelMap,
    Decision,
    Met,
    Retry,
    Signal,
    Wait,
    Workflow,
    after,
    any_of,
    complete,
    fail,
    go_to,
    rpc,
    state,
)
from perdure.authoring.definition import WorkflowDefinition
from perdure.authoring.inspection import definition_of
from perdure.authoring.invocation import INVOCATION, Invocation
from perdure.model.attributes import DataAttribute, Loading
from perdure.model.calls import LoadedAttributes, RpcRequest, RunContext, StateCall, StateMethod, StateRequest
from perdure.model.conditions import ConditionResult
from perdure.model.ids import RunId, StateExecutionId, StateId, WorkflowId, WorkflowType
from perdure.model.value import EncodedValue


class Plan(StrEnum):
    FREE = "free"
    PAID = "paid"


@dataclass(frozen=True)
class Person:
    name: str
    email: str


@dataclass
class Basket:
    items: list[str] = field(default_factory=list)


class Onboarding(Workflow[Person, str]):
    person: Attribute[Person] = Attribute()
    plan: Attribute[Plan] = Attribute(default=Plan.FREE, index="keyword")
    basket: Attribute[Basket] = Attribute(factory=Basket)
    votes: AttributeMap[int] = AttributeMap()
    verified: Channel[None] = Channel()
    letters: Channel[str] = Channel(name="mail")
    rooms: ChannelMap[int] = ChannelMap()
    stopped: Signal[str] = Signal()

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix

    @state
    def give_up(self, person: Person) -> Decision:
        return fail(f"{self.prefix}{person.name}")

    @state(start=True, retry=Retry(attempts=3), recover=give_up)
    def begin(self, person: Person) -> Decision:
        self.person = person
        return go_to(self.listen)

    def until_heard(self) -> Wait:
        return any_of(self.verified, self.letters.take(2), after(timedelta(hours=1), name="remind"))

    @state(wait=until_heard)
    def listen(self, met: Met) -> Decision:
        return complete(self.prefix + ",".join(met.all(self.letters)))

    @state(wait=any_of(verified, after(30)), name="by-post", load=[person])
    async def post(self, met: Met, person: Person) -> Decision:
        return complete(person.name)

    @rpc(lock=[plan])
    def upgrade(self, plan: Plan, reason: str = "none") -> str:
        self.plan = plan
        self.letters.publish(reason)
        return f"{self.prefix}{plan.value}"

    @rpc(read_only=True, load=[])
    def ping(self) -> None:
        return None


def definition() -> WorkflowDefinition:
    return definition_of(Onboarding)


RUN = RunContext(WorkflowId("ada"), WorkflowType("Onboarding"), RunId("run-1"), RunId("run-0"), 1_700_000_000_000)


def sealed(text: str | None) -> EncodedValue | None:
    return None if text is None else EncodedValue(text, "json")


def state_request(
    name: str = "begin",
    input: str | None = None,
    *,
    method: StateMethod = StateMethod.EXECUTE,
    data: Mapping[str, str | None] | None = None,
    loading: Loading = Loading.ALL,
    results: tuple[ConditionResult, ...] | None = None,
    wait_until_failed: bool = False,
    workflow_type: str = "Onboarding",
    attempt: int = 1,
) -> StateRequest:
    run = RunContext(RUN.workflow_id, WorkflowType(workflow_type), RUN.run_id, RUN.first_run_id, RUN.started_ms)
    call = StateCall(
        method,
        StateExecutionId(f"{name}-1"),
        StateId(name),
        sealed(input),
        _loaded(data, loading),
        results=results,
        wait_until_failed=wait_until_failed,
    )
    return StateRequest(run, call, attempt, RUN.started_ms)


def rpc_request(
    name: str = "upgrade",
    input: str | None = None,
    *,
    data: Mapping[str, str | None] | None = None,
    loading: Loading = Loading.ALL,
    internal_sizes: Mapping[str, int] | None = None,
    workflow_type: str = "Onboarding",
) -> RpcRequest:
    run = RunContext(RUN.workflow_id, WorkflowType(workflow_type), RUN.run_id, RUN.first_run_id, RUN.started_ms)
    return RpcRequest(run, name, sealed(input), _loaded(data, loading), internal_sizes=internal_sizes or {})


def _loaded(data: Mapping[str, str | None] | None, loading: Loading) -> LoadedAttributes:
    found = tuple(DataAttribute(key, sealed(text)) for key, text in sorted((data or {}).items()))
    return LoadedAttributes(data=found, data_loading=loading)


def bound(
    request: StateRequest | RpcRequest | None = None, *, loads: frozenset[str] | None = None
) -> tuple[Onboarding, Invocation]:
    """Return an instance inside a handler, and what it changes."""
    invocation = Invocation(definition(), state_request() if request is None else request, loads)
    instance = Onboarding()
    instance.__dict__[INVOCATION] = invocation
    return instance, invocation
