"""Identifiers. Mixing two of them up is the classic mistake, so each has a type of its own."""

from __future__ import annotations

from typing import NewType

WorkflowId = NewType("WorkflowId", str)
"""The caller's own name for a workflow: all runs of it, one after the other, share it."""

RunId = NewType("RunId", str)
"""One run of a workflow. Drawn by the engine, a UUIDv7 in text form."""

WorkflowType = NewType("WorkflowType", str)
"""The name under which an author registered a workflow class."""

StateId = NewType("StateId", str)
"""The name of a state within its workflow type."""

StateExecutionId = NewType("StateExecutionId", str)
"""One pass through one state: the state's id, a hyphen and a number counted from 1, ``verify-2``."""

CallId = NewType("CallId", int)
"""One call to a worker's method, with all its attempts. Counted from 1 within a run."""
