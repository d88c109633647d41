"""What iWF's generated client raises on an answer that it does not expect."""

from __future__ import annotations


class UnexpectedStatus(Exception):
    """A server answered with a status of no documented meaning."""

    def __init__(self, status_code: int, content: bytes) -> None:
        super().__init__(f"status {status_code}: {content.decode(errors='replace')}")
        self.status_code = status_code
        self.content = content
