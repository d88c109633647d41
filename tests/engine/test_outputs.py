from __future__ import annotations

from perdure.engine.outputs import Answered, Held, Refused
from perdure.model.errors import UnavailableError
from tests.engine.test_waiters import Caller


def test_everybody_who_was_held_is_told_of_the_loss() -> None:
    held, answered, refused, waiting = Held(), Caller(), Caller(), Caller()
    held.outputs += [Answered(answered, 1), Refused(refused, ValueError("not this one"))]
    held.afterwards += [(waiting, lambda: None), (None, lambda: None)]
    error = UnavailableError("nothing was written")
    assert held.losses(error) == [Refused(caller, error) for caller in (answered, refused, waiting)]
