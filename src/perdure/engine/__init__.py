"""The embedded engine: runs workflows in this process, on one SQLite file.

``open_engine`` puts it together; its ``backend`` is what callers use. ``core`` is the machine, and
everything else is what drives it. The engine knows neither who calls it nor how authors' methods
are called: those are ports.
"""

from perdure.engine.backend import EmbeddedBackend
from perdure.engine.engine import Engine, EngineSettings, open_engine

__all__ = ["EmbeddedBackend", "Engine", "EngineSettings", "open_engine"]
