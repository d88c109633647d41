"""What a run that failed by its own decision said."""

from __future__ import annotations

import json

from perdure import WorkflowEnded


def reason_of(error: WorkflowEnded) -> object:
    (result,) = error.outcome.results or ()
    assert result.output.data is not None
    reason: object = json.loads(result.output.data)
    return reason
