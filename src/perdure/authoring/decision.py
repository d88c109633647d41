"""What a state decides: where to go, or how to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, overload

from perdure.authoring.duration import Duration
from perdure.authoring.retry import Retry
from perdure.model.decisions import ClosingKind, EmptyCheck

if TYPE_CHECKING:
    from perdure.authoring.channel import AnyInbox
    from perdure.authoring.state import State

T = TypeVar("T")


class AnyState:
    """A state, whatever it takes."""

    def __init__(self) -> None:
        self.member = ""

    def __set_name__(self, owner: type, member: str) -> None:
        if not self.member:
            self.member = member


@dataclass(frozen=True, slots=True, eq=False)
class Overrides:
    """How a state is called, where it differs from what holds otherwise; ``None``: it does not."""

    retry: Retry | None = None
    timeout: Duration | None = None
    wait_retry: Retry | None = None
    wait_timeout: Duration | None = None
    recover: AnyState | str | None = None
    proceed_without_wait: bool | None = None

    @property
    def empty(self) -> bool:
        return all(getattr(self, name) is None for name in self.__slots__)


NO_OVERRIDES = Overrides()


@dataclass(frozen=True, slots=True, eq=False)
class Going:
    """Start a state."""

    state: AnyState
    input: object = None
    overrides: Overrides = NO_OVERRIDES
    key: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """End this thread of states, and perhaps the run."""

    kind: ClosingKind
    output: object = None


@dataclass(frozen=True, slots=True, eq=False)
class EndingIfEmpty:
    """End if no message is unread, looked at in the same step."""

    check: EmptyCheck
    inbox: AnyInbox | None
    output: object = None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What a handler returns. Made by ``go_to``, ``complete`` and their kin."""

    steps: tuple[Going | Ending, ...]
    if_empty: EndingIfEmpty | None = None


@overload
def go_to(
    state: State[None],
    /,
    *,
    key: str | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    wait_retry: Retry | None = None,
    wait_timeout: Duration | None = None,
    recover: AnyState | str | None = None,
    proceed_without_wait: bool | None = None,
) -> Decision: ...


@overload
def go_to(
    state: State[T],
    input: T,
    /,
    *,
    key: str | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    wait_retry: Retry | None = None,
    wait_timeout: Duration | None = None,
    recover: AnyState | str | None = None,
    proceed_without_wait: bool | None = None,
) -> Decision: ...


def go_to(
    state: AnyState,
    input: object = None,
    /,
    *,
    key: str | None = None,
    retry: Retry | None = None,
    timeout: Duration | None = None,
    wait_retry: Retry | None = None,
    wait_timeout: Duration | None = None,
    recover: AnyState | str | None = None,
    proceed_without_wait: bool | None = None,
) -> Decision:
    """Go on with a state: ``go_to(self.credit, order)``.

    Args:
        state: one of the workflow's own, by ``self``, so that a subclass's is found.
        key: a name by which a client can wait for the completion of this pass through the state.
        retry, timeout, wait_retry, wait_timeout, recover, proceed_without_wait: as ``@state`` takes
            them, for this pass only.
    """
    if not isinstance(state, AnyState | str):
        raise TypeError(_no_state(state))
    overrides = Overrides(
        retry=retry,
        timeout=timeout,
        wait_retry=wait_retry,
        wait_timeout=wait_timeout,
        recover=recover,
        proceed_without_wait=proceed_without_wait,
    )
    return Decision((Going(state, input, NO_OVERRIDES if overrides.empty else overrides, key),))


def _no_state(found: object) -> str:
    if callable(found):
        name = getattr(found, "__name__", repr(found))
        return f"go_to found the method {name!r} without @state, expected a state: write @state above {name}"
    return f"go_to found {found!r}, expected a state and its input: go_to(self.verify, …)"


def together(*decisions: Decision) -> Decision:
    """Go on with several states side by side: ``together(go_to(self.pack), go_to(self.bill, order))``."""
    if any(decision.if_empty is not None for decision in decisions):
        raise ValueError("together() takes what go_to() returns; a conditional end stands alone")
    return Decision(tuple(step for decision in decisions for step in decision.steps))


def complete(output: object = None) -> Decision:
    """End this thread of states; the run completes once every other has ended too."""
    return Decision((Ending(ClosingKind.GRACEFUL_COMPLETE, output),))


def complete_now(output: object = None) -> Decision:
    """Complete the run at once; what else is under way is abandoned."""
    return Decision((Ending(ClosingKind.FORCE_COMPLETE, output),))


def fail(output: object = None) -> Decision:
    """Fail the run at once, and say why; what else is under way is abandoned."""
    return Decision((Ending(ClosingKind.FORCE_FAIL, output),))


def dead_end() -> Decision:
    """End this thread of states; the run stays open, even with nothing left to do."""
    return Decision((Ending(ClosingKind.DEAD_END),))


def complete_if_empty(inbox: AnyInbox, output: object = None, *, otherwise: Decision) -> Decision:
    """Complete the run at once if no message of this channel is unread, in one step with looking.

    Args:
        otherwise: what happens if one is: often, going back to the state that takes it.
    """
    check = EmptyCheck.SIGNAL_CHANNEL if inbox.kind == "SIGNAL" else EmptyCheck.INTERNAL_CHANNEL
    return Decision(otherwise.steps, EndingIfEmpty(check, inbox, output))


def complete_if_all_empty(output: object = None, *, otherwise: Decision) -> Decision:
    """End this thread of states, as ``complete``, if no message of any channel is unread."""
    return Decision(otherwise.steps, EndingIfEmpty(EmptyCheck.ALL_CHANNELS, None, output))
