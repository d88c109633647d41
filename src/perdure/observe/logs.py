"""How a process of ours writes its log: a line for people, or a JSON object for what collects them.

Our loggers put what a line is about into ``extra=`` (``model.log_fields`` has the names), so an
application that has us inside may format the same records in its own way, and needs nothing of this.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TextIO


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


LEVELS: Final = ("debug", "info", "warning", "error")

_OWN: Final = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"})
"""What every record has; whatever else one has came as ``extra=``."""


def write_logs(stream: TextIO, *, log_format: LogFormat, level: str) -> None:
    """Write this process's records there, from *level* on.

    The HTTP server's own say nothing that ours do not, below a warning.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, root.level))


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Return what a record is about."""
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


class TextFormatter(logging.Formatter):
    """Moment, level, logger, words, then the fields; a stack follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        words = super().formatMessage(record)
        fields = " ".join(f"{name}={_shown(value)}" for name, value in fields_of(record).items())
        return f"{words} [{fields}]" if fields else words


class JsonFormatter(logging.Formatter):
    """One object a line. A field never takes the place of ``time``, ``level``, ``logger``, ``message`` or ``stack``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            **fields_of(record),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        stack = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        if stack:
            line["stack"] = stack
        # ASCII: half of a pair of surrogates, which a worker may have sent, has no UTF-8.
        return json.dumps(line, default=str)


def _shown(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' "=[]\n\r\t') else json.dumps(text)
