"""What one process measured, and what comes of several."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from statistics import median
from typing import Self

Facts = Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One process's figures for one row."""

    figures: dict[str, float]
    """By name with unit: ``per_second``, ``p50_ms``, ``rss_mb`` …"""
    facts: Facts = field(default_factory=dict)
    """What the figures rest on: ``journal``, ``synchronous`` and, in a round that counts them, ``fsyncs_per_run``."""

    def resting_on(self, facts: Facts) -> Self:
        return replace(self, facts={**self.facts, **facts})

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Sample:
        return cls(**json.loads(text))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which *share* of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def medians(samples: list[Sample]) -> dict[str, float]:
    """Return the median of each figure over rounds."""
    return {name: median(sample.figures[name] for sample in samples) for name in samples[0].figures}
