"""What holds at the end of every program, crashed or not, and what the end was.

Rule 1: what was acknowledged happened once, what was refused did not happen.
Rule 2: a worker is asked nothing that the journal does not ask for, and nothing whose answer is durable.
Rule 3: attempts are counted on one by one; one is repeated only after a crash, and the last one never.
Rule 4: a journal leads to the same state from its last segment on and from its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perdure.engine.hot import fold
from perdure.interpreter.codec import decode_event
from perdure.interpreter.effects import Abandon, Invoke
from perdure.interpreter.events import CallExhausted, CallRejected, CallSucceeded
from perdure.interpreter.execution import Execution
from perdure.model.calls import StateRequest
from perdure.model.conditions import ChannelKind
from perdure.model.ids import RunId
from perdure.model.value import EncodedValue
from perdure.store.rows import RunRow
from perdure.store.store import Store
from tests.crash.outside import Delivered, Outside
from tests.crash.program import Program

Ending = str
"""The end as text, for comparing and for reading."""


def without_times(ending: Ending) -> Ending:
    return "\n".join(line for line in ending.split("\n") if not line.startswith("  took"))


@dataclass
class _Call:
    """A call as the journal knows it."""

    invoke: Invoke
    begun: int
    """The number of the event that asked for it."""
    ended: int | None = None


def judge(program: Program, outside: Outside, store: Store) -> Ending:
    """Hold an ended program to the rules, and tell its end."""
    assert store.check() == ()
    _check_answers(outside, store)
    runs = [row for workflow_id in program.workflows for row in store.runs_of(workflow_id)]
    _check_workers(outside, {row.run_id: _calls_of(row, store) for row in runs})
    if program.check is not None:
        program.check(outside, store)
    lines = [line for row in runs for line in _tell_run(program, row, store)]
    for key in program.completions:
        found = store.completion(runs[0].workflow_id, runs[0].first_run_id, key)
        assert found is not None, f"the completion {key} is not recorded"
        lines.append(f"completed {key}: {_text_of(found.output)}")
    for query in program.queries:
        hits = store.search(query, page_size=100, page_token="").runs
        lines.append(f"search {query}: {sorted(f'{hit.workflow_id} {hit.status}' for hit in hits)}")
    return "\n".join(lines)


def _check_answers(outside: Outside, store: Store) -> None:
    for client in outside.clients:
        for answer in client.answers:
            if answer.ask.evidence is not None:
                expected = 0 if answer.error else 1
                found = answer.ask.times_happened(store)
                assert found == expected, f"{answer.ask.name} happened {found} times, expected {expected}"


def _calls_of(row: RunRow, store: Store) -> list[_Call]:
    execution, calls = Execution(), dict[int, _Call]()
    for line in store.journal(row.key):
        event = decode_event(line.event)
        if isinstance(event, CallSucceeded | CallExhausted | CallRejected):
            calls[event.call_id].ended = line.seq
        for effect in execution.handle(event, line.at_ms):
            if isinstance(effect, Invoke):
                calls[effect.call_id] = _Call(effect, line.seq)
            elif isinstance(effect, Abandon):
                calls[effect.call_id].ended = line.seq
    return list(calls.values())


def _check_workers(outside: Outside, journals: Mapping[RunId, list[_Call]]) -> None:
    known: dict[RunId, int] = {}
    before: dict[object, Delivered] = {}
    for delivered in outside.delivered:
        request = delivered.request
        assert request.run.run_id in journals, f"a worker was asked for run {request.run.run_id}, which is not there"
        if not isinstance(request, StateRequest):
            continue
        which = f"{delivered.call} attempt {request.attempt}"
        found = [one for one in journals[request.run.run_id] if one.invoke.call == request.call]
        assert len(found) == 1, f"the journal asks {len(found)} times for {which}"
        (call,) = found
        last = known.get(request.run.run_id, 0)
        assert call.ended is None or call.ended > last, f"{which} was asked for after its end was known to be durable"
        known[request.run.run_id] = max(last, call.begun)
        _check_attempt(before.get(delivered.call), delivered, call, which)
        before[delivered.call] = delivered


def _check_attempt(before: Delivered | None, now: Delivered, call: _Call, which: str) -> None:
    assert isinstance(now.request, StateRequest)
    attempt = now.request.attempt
    if before is None:
        assert attempt == 1, f"{which} has none before it"
        return
    assert isinstance(before.request, StateRequest)
    assert before.request.first_attempt_ms == now.request.first_attempt_ms, f"{which} began at another moment"
    if attempt == before.request.attempt:
        maximum = call.invoke.retry.maximum_attempts
        assert now.life > before.life, f"{which} was repeated without a crash"
        assert not before.reported, f"{which} was repeated although its report is durable"
        assert not maximum or attempt < maximum, f"{which} was the last, and was repeated"
    else:
        assert attempt == before.request.attempt + 1, f"{which} comes after attempt {before.request.attempt}"


def _tell_run(program: Program, row: RunRow, store: Store) -> list[str]:
    assert row.quarantine is None, f"run {row.run_id} is quarantined: {row.quarantine}"
    run, _ = fold(store.load([row.key])[row.key])
    execution = Execution()
    for line in store.journal(row.key):
        execution.handle(decode_event(line.event), line.at_ms)
    assert execution.snapshot() == run.execution.snapshot(), (
        f"the last segment of run {row.run_id} tells something else"
    )
    lines = [f"run of {row.workflow_id}"]
    if program.timed and row.closed_ms is not None:
        lines.append(f"  took {row.closed_ms - row.started_ms} ms")
    if program.outcome:
        lines.append(f"  {row.status}{_outcome_of(execution)}")
        data = execution.data_attributes().values()
        lines += [f"  {item.key} = {_text_of(item.value)}" for item in sorted(data, key=lambda item: item.key)]
        lines += [f"  index {key} = {item.value}" for key, item in store.index_of(row.key).items()]
        for kind in ChannelKind:
            lines += [f"  {count} unread on {name}" for name, count in sorted(execution.channel_sizes(kind).items())]
    return lines


def _outcome_of(execution: Execution) -> str:
    outcome = execution.outcome
    if outcome is None:
        return ""
    results = sorted(f"{item.state_execution_id} {_text_of(item.output)}" for item in outcome.results or ())
    return f" {outcome.error_type or ''} {outcome.error_message or ''} {results}"


def _text_of(value: EncodedValue | None) -> str:
    """Return a value for reading. Lists come in the order of chance, so they are sorted."""
    text = "" if value is None or value.data is None else value.data
    return ",".join(sorted(text.split(","))) if len(text) < 1_000 else f"{len(text)} characters"
