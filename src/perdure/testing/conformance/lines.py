"""What a scripted worker answers, said shortly."""

from __future__ import annotations

from perdure.model.calls import ExecuteAnswer, RpcAnswer, WaitUntilAnswer, Writes
from perdure.model.conditions import Condition, Wait, WaitMode
from perdure.model.decisions import Closing, ClosingKind, Decision, Movement
from perdure.model.ids import StateId
from perdure.model.options import CallOptions, RetryPolicy, StateOptions
from perdure.model.value import EncodedValue


def text(value: str) -> EncodedValue:
    """Seal a word, as some author's converter would."""
    return EncodedValue(data=value, encoding="words")


def move(
    state_id: str, *, value: EncodedValue | None = None, options: StateOptions | None = None, key: str | None = None
) -> Movement:
    return Movement(StateId(state_id), value, options or StateOptions(), key)


def straight(state_id: str, *, value: EncodedValue | None = None, key: str | None = None) -> Movement:
    """Start a state that has nothing to wait for."""
    return move(state_id, value=value, options=StateOptions(skip_wait_until=True), key=key)


def once(*, timeout_ms: int = 30_000) -> CallOptions:
    """Give up after the first failed attempt."""
    return CallOptions(timeout_ms=timeout_ms, retry=RetryPolicy(maximum_attempts=1))


def go_to(*movements: Movement, writes: Writes | None = None) -> ExecuteAnswer:
    return ExecuteAnswer(Decision(movements), writes or Writes())


def close(kind: ClosingKind, output: EncodedValue | None = None, *, writes: Writes | None = None) -> ExecuteAnswer:
    return ExecuteAnswer(Decision((Closing(kind, output),)), writes or Writes())


def complete(output: EncodedValue | None = None, *, writes: Writes | None = None) -> ExecuteAnswer:
    return close(ClosingKind.GRACEFUL_COMPLETE, output, writes=writes)


def fail(output: EncodedValue | None = None) -> ExecuteAnswer:
    return close(ClosingKind.FORCE_FAIL, output)


def wait_for(*conditions: Condition, mode: WaitMode = WaitMode.ALL) -> WaitUntilAnswer:
    return WaitUntilAnswer(Wait(conditions, mode))


def answer_rpc(
    output: str | None = None, *, writes: Writes | None = None, movements: tuple[Movement, ...] = ()
) -> RpcAnswer:
    return RpcAnswer(None if output is None else text(output), writes or Writes(), movements)
