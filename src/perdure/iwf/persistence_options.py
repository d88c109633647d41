"""How a workflow's attributes are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class PersistenceOptions:
    enable_caching: bool
    """Kept for iWF's servers. Here every read sees what was acknowledged before it, cached or not."""

    @classmethod
    def get_default(cls) -> PersistenceOptions:
        return cls(enable_caching=False)
