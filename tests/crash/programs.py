"""The corpus: small programs that between them use everything an engine does for a run."""

from __future__ import annotations

from collections.abc import Mapping

from perdure.model.attributes import DataAttribute, LoadingPolicy, SearchAttribute, SearchAttributeType, SearchValue
from perdure.model.calls import Answer, ExecuteAnswer, Failure, RpcAnswer, RpcRequest, StateRequest, Writes
from perdure.model.conditions import ChannelCondition, ChannelResult, TimerCondition, WaitMode
from perdure.model.decisions import CloseIfEmpty, Closing, ClosingKind, Decision, EmptyCheck, Movement
from perdure.model.errors import WorkflowClosed
from perdure.model.ids import StateId
from perdure.model.options import CallOptions, IdReusePolicy, RetryPolicy, StartOptions, StateOptions
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.requests import ResetKind
from perdure.model.value import Message
from perdure.store.store import Store
from tests.crash.asking import (
    Sleep,
    publish,
    read,
    reset,
    result,
    rpc,
    signal,
    skip,
    start,
    state,
    stop,
    write,
)
from tests.crash.outside import START_MS, Outside
from tests.crash.program import Program
from tests.engine.script import ADA, Request, after, done, go_to, signal_on, starting, straight, text, wait_for

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
LARGE = "x" * 9_000
"""More than a row keeps in itself."""


def _data_of(request: Request) -> Mapping[str, str]:
    attributes = request.attributes if isinstance(request, RpcRequest) else request.call.attributes
    return {item.key: (item.value.data or "") if item.value else "" for item in attributes.data}


def _received(request: Request) -> list[str]:
    """Return the messages that a state's wait has found."""
    assert isinstance(request, StateRequest)
    found = [one for one in request.call.results or () if isinstance(one, ChannelResult)]
    return [value.data or "" for one in found for value in one.values if value is not None]


def _input_of(request: Request) -> str:
    given = request.input if isinstance(request, RpcRequest) else request.call.input
    return "" if given is None else given.data or ""


def _words(**data: str) -> tuple[DataAttribute, ...]:
    return tuple(DataAttribute(key, text(words)) for key, words in data.items())


def _keyword(key: str, value: SearchValue, kind: SearchAttributeType = SearchAttributeType.KEYWORD) -> SearchAttribute:
    return SearchAttribute(key, kind, value)


def _added(request: Request, key: str, words: str) -> str:
    before = _data_of(request).get(key, "")
    return f"{before},{words}" if before else words


def _end_thread(writes: Writes) -> ExecuteAnswer:
    return ExecuteAnswer(Decision((Closing(ClosingKind.DEAD_END),)), writes)


# Sign-up: a step, then a message or a day without one


def _remind_or_welcome(request: Request) -> Answer:
    if _received(request):
        return done("welcome", ClosingKind.FORCE_COMPLETE)
    return go_to("verify", options=StateOptions(), writes=Writes(_words(reminders=_added(request, "reminders", "one"))))


def _confirm(request: Request) -> Answer:
    if _data_of(request)["status"] == "verified":
        return RpcAnswer(text("already verified"))
    writes = Writes(
        _words(status="verified"), (_keyword("status", "verified"),), (Message("verified", text(_input_of(request))),)
    )
    return RpcAnswer(text(_input_of(request)), writes)


SIGNUP = Program(
    "sign-up with a reminder",
    {
        "submit": go_to(
            "verify",
            options=StateOptions(),
            writes=Writes(
                _words(status="waiting"), (_keyword("status", "waiting"), _keyword("mail", "ada@example.org"))
            ),
        ),
        "verify?": wait_for(ChannelCondition("verified"), after(24 * HOUR), mode=WaitMode.ANY),
        "verify": _remind_or_welcome,
        "confirm!": _confirm,
    },
    (
        (
            start(starting("submit", options=StartOptions(wait_for_states=frozenset({StateId("submit")})))),
            state("submit-1"),
            Sleep(30 * HOUR),
            rpc("confirm", "link", locks=("status",)),
            result(),
        ),
        (state("submit-1"), read("status"), result()),
    ),
    completions=("submit-1",),
    queries=("status = 'verified'", "status = 'waiting'", "mail = 'ada@example.org' AND ExecutionStatus = 'Completed'"),
)


# Many states at once, and one that waits for all of them


def _fork(request: Request) -> Answer:
    branches = [Movement(StateId("branch"), text(f"b{n}"), straight()) for n in range(4)]
    return ExecuteAnswer(Decision((*branches, Movement(StateId("join")))))


FAN = Program(
    "fan-out and fan-in",
    {
        "fork": _fork,
        "branch": lambda request: _end_thread(Writes(messages=(Message("done", text(_input_of(request))),))),
        "join?": wait_for(ChannelCondition("done", at_least=4)),
        "join": lambda request: done(",".join(_received(request))),
    },
    ((start(starting("fork")), result()),),
)


# Attempts that fail, and then one that does not


def _after_attempts(request: Request) -> Answer | Failure:
    assert isinstance(request, StateRequest)
    if request.attempt < 4:
        return Failure(f"not yet, attempt {request.attempt}")
    return go_to(
        "ask", options=StateOptions(False, CallOptions(retry=RetryPolicy(maximum_attempts=2)), CallOptions(), True)
    )


def _told_of_failure(request: Request) -> Answer:
    assert isinstance(request, StateRequest)
    return done(f"wait failed: {request.call.wait_until_failed}")


POLLING = Program(
    "polling with retries",
    {"poll": _after_attempts, "ask?": Failure("nobody answers"), "ask": _told_of_failure},
    ((start(starting("poll", state=straight(RetryPolicy(maximum_attempts=6)))), result()),),
)


# A saga: what was done is undone

_CREDIT = StateOptions(
    skip_wait_until=True,
    execute=CallOptions(retry=RetryPolicy(maximum_attempts=2)),
    recover_state_id=StateId("undo"),
    recover_options=straight(),
)

SAGA = Program(
    "saga with recovery",
    {
        "debit": go_to("credit", options=_CREDIT, writes=Writes(_words(debited="yes"))),
        "credit": Failure("the bank is closed"),
        "undo": ExecuteAnswer(
            Decision((Closing(ClosingKind.FORCE_FAIL, text("refunded")),)), Writes(_words(debited="no"))
        ),
    },
    ((start(starting("debit")), result()),),
)


# At most once: a crash while it is made counts as its failure


def _charged_once_or_told(outside: Outside, store: Store) -> None:
    calls = [one for one in outside.delivered if isinstance(one.request, StateRequest)]
    charges = [one for one in calls if isinstance(one.request, StateRequest) and one.request.call.state_id == "charge"]
    assert len(charges) <= 1
    (row,) = store.runs_of(ADA)
    assert row.status is RunStatus.COMPLETED
    asked = any(isinstance(one.request, StateRequest) and one.request.call.state_id == "unsure" for one in calls)
    assert asked or len(charges) == 1
    assert not asked or outside.life > 1, "it went on without a crash"


AT_MOST_ONCE = Program(
    "at most once",
    {"charge": done("charged"), "unsure": done("not known")},
    (
        (
            start(
                starting(
                    "charge",
                    state=StateOptions(
                        skip_wait_until=True,
                        execute=CallOptions(retry=RetryPolicy(maximum_attempts=1)),
                        recover_state_id=StateId("unsure"),
                        recover_options=straight(),
                    ),
                )
            ),
            result(),
        ),
    ),
    outcome=False,
    check=_charged_once_or_told,
)


# An entity: no states of its own, RPCs that lock and that do not


def _add(request: Request) -> Answer:
    words = _added(request, "added", _input_of(request))
    count = _keyword("count", len(words.split(",")), SearchAttributeType.INT)
    return RpcAnswer(text(_input_of(request)), Writes(_words(added=words), (count,)))


def _order(request: Request) -> Answer:
    mail = Movement(StateId("mail"), text(_input_of(request)), straight())
    return RpcAnswer(text(_input_of(request)), Writes(messages=(Message("orders", text(_input_of(request))),)), (mail,))


def _reads_never_go_back(outside: Outside, store: Store) -> None:
    for client in outside.clients:
        seen: set[str] = set()
        for answer in client.answers:
            if answer.ask.name == "read added" and answer.value:
                assert isinstance(answer.value, tuple)
                (attribute,) = answer.value
                now = set(attribute.value.data.split(","))
                assert seen <= now, f"{seen} was shown, and later {now}"
                seen = now


ENTITY_START = StartOptions(wait_for_states=frozenset({StateId("mail")}))

ENTITY = Program(
    "entity with locked RPCs",
    {
        "add!": _add,
        "order!": _order,
        "mail": lambda request: _end_thread(Writes(_words(**{f"mailed-{_input_of(request)}": "yes"}))),
    },
    (
        (
            start(starting(None, options=ENTITY_START)),
            rpc("add", "a1", locks=("added",)),
            rpc("add", "a2", locks=("added",)),
            state("mail-1"),
        ),
        (rpc("add", "b1", locks=("added",)), read("added"), rpc("order", "o1"), read("added")),
        (rpc("add", "c1", locks=("added",)), read("added"), rpc("order", "o2"), state("mail-2"), read("added")),
    ),
    queries=("count = 4", "count < 4"),
    check=_reads_never_go_back,
)


# Timers, skipped and not


def _timers(request: Request) -> Answer:
    return wait_for(after(HOUR, name="t1"), after(2 * HOUR, name="t2"), TimerCondition("t3", at_ms=START_MS + 3 * HOUR))


TIMERS = Program(
    "timers and skips",
    {"nap?": _timers, "nap": done("slept")},
    (
        (start(starting("nap", state=StateOptions())), Sleep(30 * MINUTE), skip("nap-1", "t3"), result()),
        (Sleep(40 * MINUTE), skip("nap-1", index=1), result()),
    ),
)


# A schedule

CRON = Program(
    "schedule",
    {"tick": done("tick")},
    (
        (
            start(starting("tick", options=StartOptions(cron="* * * * *"))),
            Sleep(3 * MINUTE + 30 * SECOND),
            stop(StopKind.CANCEL, "enough"),
        ),
    ),
    queries=("IwfWorkflowType = 'greeting' AND ExecutionStatus = 'Completed'",),
)


# A workflow that is tried again as a whole


def _fails_first(request: Request) -> Answer:
    if request.run.run_id == request.run.first_run_id:
        return ExecuteAnswer(Decision((Closing(ClosingKind.FORCE_FAIL, text("again")),)))
    return done("second time")


RETRIED = Program(
    "workflow retry",
    {"try": _fails_first},
    ((start(starting("try", options=StartOptions(retry=RetryPolicy()))), result()),),
)


# Back to the beginning, with what was sent handed over again

_LETTERS_AND_GO = wait_for(signal_on("letters"), signal_on("go"), mode=WaitMode.ALL)


def _letters(request: Request) -> Answer:
    return done(",".join([*_received(request), _data_of(request)["note"], _data_of(request).get("added", "")]))


RESET = Program(
    "reset",
    {"first": go_to("second", options=StateOptions()), "second?": _LETTERS_AND_GO, "second": _letters},
    (
        (
            start(starting("first", options=StartOptions(wait_for_states=frozenset({StateId("first")})))),
            signal("letters", "one"),
            write("note", "kept"),
            state("first-1"),
            Sleep(MINUTE),
            reset(ResetKind.BEGINNING, "go back"),
            signal("go", "go"),
            result(),
        ),
    ),
    completions=("first-1",),
)


RESET_RPC = Program(
    "reset with a locked RPC",
    {"first": go_to("second", options=StateOptions()), "second?": _LETTERS_AND_GO, "second": _letters, "add!": _add},
    (
        (
            start(starting("first")),
            signal("letters", "one"),
            write("note", "kept"),
            rpc("add", "k", locks=("added",)),
            Sleep(MINUTE),
            reset(ResetKind.BEGINNING, "go back"),
            Sleep(MINUTE),
            signal("go", "go"),
            result(),
        ),
    ),
)


# The id taken over from a run that is under way

_TAKE_OVER = StartOptions(id_reuse=IdReusePolicy.TERMINATE_IF_RUNNING)

RESTART = Program(
    "terminate and restart",
    {"hold?": wait_for(signal_on("go")), "hold": lambda request: done(",".join(_received(request)))},
    (
        (
            start(starting("hold", state=StateOptions(), options=_TAKE_OVER), "old"),
            Sleep(SECOND),
            start(starting("hold", state=StateOptions(), options=_TAKE_OVER), "new"),
            signal("go", "for the new one"),
            result(),
        ),
    ),
)


# Closing only if nothing is unread


def _take_job(request: Request) -> Answer:
    again = Movement(StateId("take"))
    close = CloseIfEmpty(EmptyCheck.INTERNAL_CHANNEL, "jobs", text("all done"))
    jobs = _added(request, "jobs", ",".join(_received(request)))
    return ExecuteAnswer(Decision((again,), close), Writes(_words(jobs=jobs)))


def _every_job_was_done(outside: Outside, store: Store) -> None:
    (row,) = store.runs_of(ADA)
    assert row.status is RunStatus.COMPLETED
    asks = [answer for client in outside.clients for answer in client.answers]
    published = sum(answer.ask.name.startswith("publish") and answer.error is None for answer in asks)
    takes = [one for one in outside.delivered if isinstance(one.request, StateRequest) and _received(one.request)]
    taken = {words for one in takes for words in _received(one.request)}
    assert len(taken) == published


_CLOSED = (WorkflowClosed,)

CLOSING = Program(
    "conditional close",
    {"take?": wait_for(ChannelCondition("jobs")), "take": _take_job},
    (
        (
            start(starting("take", state=StateOptions())),
            publish("jobs", "j1"),
            publish("jobs", "j2", fine=_CLOSED),
            result(),
        ),
        (publish("jobs", "j3", fine=_CLOSED), publish("jobs", "j4", fine=_CLOSED)),
    ),
    outcome=False,
    timed=False,
    check=_every_job_was_done,
)


# A start that is delayed, and a run whose time is over

EXPIRING = Program(
    "delay and timeout",
    {"wait?": wait_for(after(2 * HOUR)), "wait": done()},
    (
        (
            start(starting("wait", state=StateOptions(), options=StartOptions(delay_ms=5 * SECOND, timeout_ms=HOUR))),
            signal("letters", "unread"),
            result(),
        ),
    ),
)


# States that lock what they both change

_LOCKING = StateOptions(skip_wait_until=True, execute=CallOptions(data_loading=LoadingPolicy(locks=("n",))))


def _fork_locking(request: Request) -> Answer:
    return ExecuteAnswer(Decision(tuple(Movement(StateId("step"), text(f"s{n}"), _LOCKING) for n in range(3))))


LOCKS = Program(
    "states that lock",
    {
        "fork": _fork_locking,
        "step": lambda request: ExecuteAnswer(
            Decision((Closing(ClosingKind.GRACEFUL_COMPLETE),)),
            Writes(_words(n=_added(request, "n", _input_of(request)))),
        ),
    },
    ((start(starting("fork")), result()),),
)


# Large values


def _collect(request: Request) -> Answer:
    letters = _added(request, "letters", ",".join(words[:2] for words in _received(request)))
    writes = Writes(
        _words(letters=letters),
        (_keyword("seen", tuple(sorted(letters.split(","))), SearchAttributeType.KEYWORD_ARRAY),),
    )
    if letters.count(",") < 3:
        return go_to("collect", options=StateOptions(), writes=writes)
    return ExecuteAnswer(Decision((Closing(ClosingKind.GRACEFUL_COMPLETE, text(LARGE)),)), writes)


LARGE_VALUES = Program(
    "large values",
    {"collect?": wait_for(signal_on("letters")), "collect": _collect},
    (
        (
            start(starting("collect", state=StateOptions())),
            signal("letters", "l1" + LARGE),
            signal("letters", "l2"),
            result(),
        ),
        (signal("letters", "l3" + LARGE), signal("letters", "l4" + LARGE)),
    ),
    queries=("seen = 'l3'",),
    timed=False,
)


# Workers that take their time, more than they have


SLOW = Program(
    "slow workers",
    {
        "slow": go_to("hang", options=straight(RetryPolicy(maximum_attempts=2), timeout_ms=5 * SECOND)),
        "hang": done("too late"),
    },
    ((start(starting("slow")), result()), (Sleep(3 * SECOND), write("note", "meanwhile"))),
    late_ms={"slow": 10 * SECOND, "hang": 7 * SECOND},
    timed=False,
    outcome=False,
)


PROGRAMS = (
    SIGNUP,
    FAN,
    POLLING,
    SAGA,
    AT_MOST_ONCE,
    ENTITY,
    TIMERS,
    CRON,
    RETRIED,
    RESET,
    RESET_RPC,
    RESTART,
    CLOSING,
    EXPIRING,
    LOCKS,
    LARGE_VALUES,
    SLOW,
)
