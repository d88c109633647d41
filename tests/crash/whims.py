"""What callers ask and workers answer who care for nothing: drawn, and always of the right shape."""

from __future__ import annotations

from random import Random

from perdure.model.attributes import DataAttribute, LoadingPolicy, SearchAttribute, SearchAttributeType
from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, StateMethod, WaitUntilAnswer, Writes
from perdure.model.conditions import ChannelCondition, ChannelKind, Condition, Wait, WaitMode
from perdure.model.decisions import Closing, ClosingKind, Decision, Movement
from perdure.model.ids import StateId, WorkflowId
from perdure.model.options import CallOptions, IdReusePolicy, RetryPolicy, StartOptions, StateOptions
from perdure.model.requests import StartRequest
from perdure.model.value import EncodedValue, Message
from tests.engine.script import KIND, Request, after, signal_on, text

T = SearchAttributeType
STATES = "ABC"
LOCK_ONE = LoadingPolicy(locks=("d",))
LOCK_TWO = LoadingPolicy(locks=("d", "e"))
RETRIES = (
    RetryPolicy(),
    RetryPolicy(maximum_attempts=1),
    RetryPolicy(maximum_attempts=2),
    RetryPolicy(maximum_duration_ms=20_000),
)
WORDS = ("a", "b\n", "s" * 500, "L" * 9_000, "M" * 4_000, "\ud800x", "")
"""Short ones and empty ones, ones that the file keeps once, and ones that UTF-8 cannot say."""
SEARCH = (
    *(SearchAttribute("k", T.KEYWORD, f"x{number}") for number in range(3)),
    SearchAttribute("i", T.INT, 7),
    *(SearchAttribute("ks", T.KEYWORD_ARRAY, items) for items in ((), ("a",), ("a", "b"))),
    SearchAttribute("t", T.TEXT, "some words"),
    SearchAttribute("dt", T.DATETIME, "2024-01-01T00:00:00Z"),
)


class Whims:
    """Draws everything from one source."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice

    @staticmethod
    def is_secret(value: EncodedValue) -> bool:
        """Say whether a value is one that must be gone once it was erased."""
        return value.data in WORDS

    def value(self) -> EncodedValue:
        return text(self.dice.choice(WORDS))

    def writes(self) -> Writes:
        search = {attribute.key: attribute for attribute in self.dice.sample(SEARCH, self.dice.randrange(3))}
        return Writes(
            data=tuple(DataAttribute(key, self.value()) for key in self.dice.sample("def", self.dice.randrange(3))),
            search=tuple(search.values()),
            messages=tuple(Message("own", self.value()) for _ in range(self.dice.randrange(2))),
        )

    def start(self, workflow_id: WorkflowId) -> StartRequest:
        choose = self.dice.choice
        options = StartOptions(
            id_reuse=choose(list(IdReusePolicy)),
            timeout_ms=choose((0, 0, 100_000)),
            cron=choose(("", "", "* * * * *")),
            delay_ms=choose((0, 0, 5_000)),
            retry=choose((None, RetryPolicy(maximum_attempts=3))),
            request_id=choose((None, "r")),
            ignore_already_started=True,
            wait_for_states=frozenset({StateId("A")}),
        )
        written = self.writes()
        return StartRequest(workflow_id, KIND, choose((None, self.move("A"))), options, written.data, written.search)

    def plain_start(self, workflow_id: WorkflowId) -> StartRequest:
        return StartRequest(workflow_id, KIND, self.move("A"))

    def move(self, state_id: str) -> Movement:
        return Movement(StateId(state_id), self.value(), self._options())

    def answer(self, request: Request) -> Answer | Failure:
        if self.dice.random() < 0.15:
            return Failure(f"no {self.dice.choice('ab')}")
        if not hasattr(request, "call"):
            movements = (self.move("C"),) if self.dice.random() < 0.1 else ()
            return RpcAnswer(self.value(), self.writes(), movements)
        if request.call.method is StateMethod.WAIT_UNTIL:
            return self._wait()
        return ExecuteAnswer(self._decision(), self.writes())

    def _options(self) -> StateOptions:
        loading = self.dice.choice((LoadingPolicy(), LOCK_ONE, LOCK_TWO))
        call = CallOptions(30_000, self.dice.choice(RETRIES), data_loading=loading)
        return StateOptions(
            skip_wait_until=self.dice.random() < 0.5,
            wait_until=call,
            execute=call,
            recover_state_id=self.dice.choice((None, StateId("B"))),
        )

    def _wait(self) -> WaitUntilAnswer:
        conditions: tuple[Condition, ...] = (
            signal_on("s"),
            after(self.dice.choice((0, 1_000, 30_000, 200_000)), name="t"),
            ChannelCondition("own", ChannelKind.INTERNAL),
        )
        chosen = tuple(self.dice.sample(conditions, self.dice.randrange(1, 3)))
        wait = Wait(chosen, self.dice.choice((WaitMode.ANY, WaitMode.ALL)))
        return WaitUntilAnswer(wait, self.writes(), locals=(DataAttribute("local", self.value()),))

    def _decision(self) -> Decision:
        fate = self.dice.random()
        if fate < 0.55:
            states = self.dice.sample(STATES, 1 if self.dice.random() < 0.8 else 2)
            return Decision(tuple(self.move(state_id) for state_id in states))
        if fate < 0.6:
            return Decision((Closing(ClosingKind.FORCE_FAIL, self.value()),))
        return Decision((Closing(self.dice.choice((ClosingKind.GRACEFUL_COMPLETE, ClosingKind.DEAD_END)), None),))
