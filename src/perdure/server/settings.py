"""What a server's owner can set. Where it is set (a flag, the environment, a file) is ``cli``'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.model.attributes import SearchAttributeType
from perdure.model.errors import InvalidRequest
from perdure.model.limits import BODY_BYTES_MAX, CALLS_MAX, REPLY_BYTES_MAX
from perdure.model.options import WorkflowConfig
from perdure.observe.logs import LEVELS, LogFormat
from perdure.server.external_storage import ExternalStorage
from perdure.worker.destination import LOOPBACK

METRICS_ON = "on"
METRICS_OFF = "off"
TRACES_OFF = "off"
TRACES_OTLP = "otlp"


def check_traces(where: str) -> str:
    """Return where spans go.

    Raises:
        InvalidRequest: it is neither nowhere nor a collector.
    """
    if where not in (TRACES_OFF, TRACES_OTLP):
        raise InvalidRequest(f"traces is {where!r}, expected {TRACES_OFF} or {TRACES_OTLP}")
    return where


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything, with defaults that are right for a machine of one's own."""

    db: str = "perdure.db"
    """The file; made if there is none."""
    host: str = "127.0.0.1"
    """Where it listens. Anybody who reaches it can do anything: there are no users."""
    port: int = 8801
    """0: any that is free."""
    worker_url_allow: tuple[str, ...] = LOOPBACK
    """Where workers may be: networks, addresses, origins."""
    max_wait_seconds: int = 58
    """The longest a call may wait. Under the minute after which most proxies give up."""
    body_bytes_max: int = BODY_BYTES_MAX
    worker_reply_bytes_max: int = REPLY_BYTES_MAX
    worker_calls_max: int = CALLS_MAX
    """Calls under way at once for one workflow type at one worker URL; further ones wait."""
    worker_headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to workers with every call of a state."""
    default_workflow_config: WorkflowConfig = WorkflowConfig()
    """What holds for a run whose start does not say otherwise."""
    search_attributes: Mapping[str, SearchAttributeType] | None = None
    """The only ones that may be written, with their types; ``None``: any."""
    external_storage: ExternalStorage = ExternalStorage()
    """Where large values are kept apart from the file."""
    worker_ca_file: str | None = None
    """Whose certificates to trust of workers at ``https``, in PEM; ``None``: the system's authorities."""
    signing_keys: tuple[str, ...] = field(default=(), repr=False)
    """What calls to workers are signed with: ``whsec_…``, ``whsk_…``; two while they are changed."""
    signing_keys_file: str | None = None
    """A file with more of them, one a line, read when the server begins."""
    metrics: str = METRICS_ON
    """``on``: at ``/metrics`` of the server's own address; ``off``; or ``HOST:PORT``, at ``/metrics`` there."""
    log_format: LogFormat = LogFormat.TEXT
    log_level: str = "info"
    traces: str = TRACES_OFF
    """``off``; or ``otlp``, to a collector, where OpenTelemetry's variables say."""
    retention_days: int | None = None
    """How long ended runs are kept; ``None``: for ever."""
    history_retention_days: int | None = None
    """How long the early part of the history of a run is kept that goes on; ``None``: as long as the run."""

    def __post_init__(self) -> None:
        for name in ("max_wait_seconds", "body_bytes_max", "worker_reply_bytes_max", "worker_calls_max"):
            if getattr(self, name) < 1:
                raise InvalidRequest(f"{name} is {getattr(self, name)}, expected 1 or more")
        if not self.db:
            raise InvalidRequest("db is empty, expected a file: perdure.db")
        if not 0 <= self.port <= 65_535:
            raise InvalidRequest(f"port is {self.port}, expected 0 to 65535")
        for name in ("retention_days", "history_retention_days"):
            if (days := getattr(self, name)) is not None and days < 1:
                raise InvalidRequest(f"{name} is {days}, expected 1 or more")
        if self.log_level not in LEVELS:
            raise InvalidRequest(f"log_level is {self.log_level!r}, expected one of {', '.join(LEVELS)}")
        check_traces(self.traces)
        if self.metrics not in (METRICS_ON, METRICS_OFF) and self.metrics_address is None:
            raise InvalidRequest(f"metrics is {self.metrics!r}, expected on, off or HOST:PORT, such as 127.0.0.1:9801")

    @property
    def metrics_address(self) -> tuple[str, int] | None:
        """The address that has the figures and nothing else; ``None``: there is none."""
        host, _, port = self.metrics.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
            return None
        return host.removeprefix("[").removesuffix("]"), int(port)
