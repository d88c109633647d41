"""What Perdure tells Perdure beside iWF's protocol, under one reserved key.

Rule 1: ``perdure`` is the only field of ours in a body. Servers, clients and workers of iWF ignore it.
Rule 2: an answer has it only if its request has it; an error of a worker, only if there is something
        to say that iWF has no form for. Between others, bodies are iWF's to the byte.
Rule 3: it carries a version. What is of another version than ours is read as if it were not there.
"""

from __future__ import annotations

from typing import Any

KEY = "perdure"
VERSION = 1


def said(**fields: Any) -> dict[str, Any]:
    """Return the reserved key with these fields, those that are ``None`` left out."""
    return {KEY: {"version": VERSION, **{name: value for name, value in fields.items() if value is not None}}}


def heard(fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a body says under the reserved key; ``None`` if nothing that can be understood."""
    extension: dict[str, Any] | None = fields.get(KEY)
    return extension if extension is not None and extension.get("version") == VERSION else None
