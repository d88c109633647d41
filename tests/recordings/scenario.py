"""A recorded scenario: what a client does, what its worker answers, and what both of them saw.

``NAME.yaml`` says what is played, ``NAME.expected.json`` what the reference server did, and
``NAME.ours.json``, where there is one, what a right server does instead (``OURS.md`` says why).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "scenarios"

Json = Any


@dataclass(frozen=True)
class Scenario:
    name: str

    @cached_property
    def told(self) -> dict[str, Json]:
        text = (FOLDER / f"{self.name}.yaml").read_text(encoding="utf-8")
        told: dict[str, Json] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return told

    @property
    def steps(self) -> list[dict[str, Json]]:
        steps: list[dict[str, Json]] = self.told["client"]
        return steps

    @property
    def settle_seconds(self) -> float:
        return float(self.told.get("settle", 0.3))

    @property
    def ignored(self) -> frozenset[str]:
        """Fields left out of the transcript."""
        return frozenset(self.told.get("ignore", ()))

    @property
    def mark(self) -> str | None:
        """Why the reference is not the measure here: a defect of its, or a property ours need not have."""
        return self.told.get("defect") or self.told.get("may_differ")

    @property
    def ours(self) -> Path:
        return FOLDER / f"{self.name}.ours.json"

    def answers(self, call: str) -> list[dict[str, Json]]:
        """Return what the worker answers to a call, one after the other; to later ones the last."""
        script = (self.told.get("worker") or {}).get(call, {})
        return script if isinstance(script, list) else [script]

    def wanted(self) -> Json:
        path = self.ours if self.ours.exists() else FOLDER / f"{self.name}.expected.json"
        return json.loads(path.read_text(encoding="utf-8"))


def all_scenarios() -> list[Scenario]:
    return [Scenario(path.stem) for path in sorted(FOLDER.glob("*.yaml"))]
