"""What the core says: answers for callers, and attempts for workers.

The counterpart, what the core is told, is ``inputs.py``. Whatever an output shows is durable by
the time the core hands it out; until then it is ``Held``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from perdure.engine.inputs import Input, Reply
from perdure.model.calls import RpcRequest, StateRequest


@dataclass(frozen=True, slots=True)
class Answered:
    reply: Reply
    value: object


@dataclass(frozen=True, slots=True)
class Refused:
    reply: Reply
    error: Exception


@dataclass(frozen=True, slots=True)
class Attempt:
    """Begin one attempt now, and report its end under this token."""

    token: int
    request: StateRequest | RpcRequest
    timeout_ms: int


Output = Answered | Refused | Attempt

BeginAttempt = Callable[[StateRequest | RpcRequest, int], int]
"""Says an ``Attempt`` with this timeout in milliseconds, and returns its token."""


class Held:
    """What waits for one commit: it leaves if that succeeds, and is taken back if it fails."""

    __slots__ = ("afterwards", "asked", "outputs")

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.afterwards: list[tuple[Reply | None, Callable[[], None]]] = []
        """What is to be done then, and who is told if it never can be."""
        self.asked: list[tuple[Reply, Input]] = []
        """What callers asked that is answered in here, as far as it could be asked again."""

    def losses(self, error: Exception, *, asked_again: Iterable[Reply] = ()) -> list[Output]:
        """Return what is said instead of all that was held, to all but those whose input is handled again."""
        spared = {id(reply) for reply in asked_again}
        replies = [output.reply for output in self.outputs if isinstance(output, Answered | Refused)]
        replies += [reply for reply, _ in self.afterwards if reply is not None]
        return [Refused(reply, error) for reply in replies if id(reply) not in spared]
