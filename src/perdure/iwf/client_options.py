"""Where a client and its worker are, and how values are sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.iwf.object_encoder import ObjectEncoder


@dataclass
class ClientOptions:
    server_url: str = "http://localhost:8801"
    worker_url: str = "http://localhost:8802"
    """Where the server finds the worker that runs what this client starts."""
    object_encoder: ObjectEncoder = field(default_factory=lambda: ObjectEncoder.default)
    """The worker must have the same."""
    api_timeout: int = 60
    """The longest a call may wait for a workflow's end, in seconds."""
    long_poll_api_max_wait_time_seconds: int = 10
    """The longest a call may wait for a state's completion."""

    @classmethod
    def local_default(cls) -> ClientOptions:
        """Return the options for a server and a worker on this machine, at iWF's usual ports."""
        return cls()
