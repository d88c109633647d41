"""The docstrings of the ports as behaviour: one suite that every backend must pass.

Whoever has a backend subclasses ``BackendConformance`` in a test module and overrides the fixture
``stage``; pytest and pytest-asyncio collect the rest. Knows no backend: time passes and a worker
answers only through the ``Stage``.
"""

from perdure.testing.conformance.backend import BackendConformance
from perdure.testing.conformance.invoker import HeldCall, ScriptedInvoker
from perdure.testing.conformance.stage import Stage

__all__ = ["BackendConformance", "HeldCall", "ScriptedInvoker", "Stage"]
