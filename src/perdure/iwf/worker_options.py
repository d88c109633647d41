"""How a worker opens and seals values."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.iwf.object_encoder import ObjectEncoder


@dataclass
class WorkerOptions:
    object_encoder: ObjectEncoder = field(default_factory=lambda: ObjectEncoder.default)
    """The clients that start its workflows must have the same."""


default_worker_options = WorkerOptions()
