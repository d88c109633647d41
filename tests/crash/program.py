"""One program of the corpus: what its worker answers, what its clients do, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from perdure.model.calls import Answer, Failure
from perdure.model.ids import WorkflowId
from perdure.store.store import Store
from tests.crash.asking import Step
from tests.crash.outside import Outside
from tests.engine.script import ADA, Request, name_of

Line = Answer | Failure | Callable[[Request], Answer | Failure]


@dataclass(frozen=True)
class Program:
    """Comes to the same end in whatever order things happen, crashes or not."""

    name: str
    script: Mapping[str, Line]
    """Answers by name: a state's id for its ``execute``, with ``?`` its ``wait_until``, an RPC's name with ``!``.
    They depend on the request alone."""
    clients: tuple[tuple[Step, ...], ...]
    workflows: tuple[WorkflowId, ...] = (ADA,)
    completions: tuple[str, ...] = ()
    """Records of completed states that must be kept."""
    queries: tuple[str, ...] = ()
    """Searches whose hits belong to the end."""
    late_ms: Mapping[str, int] = field(default_factory=dict)
    """How long a worker takes for a call of this name, if not no time."""
    timed: bool = True
    """The time each run took belongs to the end."""
    outcome: bool = True
    """How the runs ended belongs to the end."""
    check: Callable[[Outside, Store], None] | None = None
    """What else must hold at the end."""

    def respond(self, request: Request) -> Answer | Failure:
        line = self.script[name_of(request)]
        return line if isinstance(line, Answer | Failure) else line(request)

    def delay(self, request: Request) -> int:
        return self.late_ms.get(name_of(request), 0)
