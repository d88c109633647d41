"""A request and its answer as they went over the wire, and the file in which such are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).parent / "recorded" / "exchanges.jsonl"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Bodies are bytes as they were sent, in both directions."""

    path: str
    request: bytes
    status: int
    content_type: str
    """Of the answer."""
    response: bytes


def load() -> list[Exchange]:
    return [_read(line) for line in RECORDED.read_text(encoding="utf-8").split("\n") if line]


def save(exchanges: Iterable[Exchange]) -> None:
    """Replace the file. Bodies are written as text, and text that is no UTF-8 is refused: nothing is lost."""
    RECORDED.write_text("".join(f"{_written(each)}\n" for each in exchanges), encoding="utf-8")


def _read(line: str) -> Exchange:
    path, request, status, content_type, response = json.loads(line)
    return Exchange(path, request.encode(), status, content_type, response.encode())


def _written(exchange: Exchange) -> str:
    request, response = exchange.request.decode(), exchange.response.decode()
    return json.dumps([exchange.path, request, exchange.status, exchange.content_type, response])
