"""The docstrings of the ports as behaviour: one suite that every backend must pass.

Whoever has a backend subclasses ``BackendConformance`` in a test module and overrides the fixture
``stage``; pytest and pytest-asyncio collect the rest. Knows no backend: time passes and a worker
answers only through the ``Stage``. One that is an ``Inspector`` too has ``InspectorConformance`` beside it, and a
``Dumper`` ``DumperConformance``.
``InvokerConformance`` is of whoever calls authors' methods, ``BlobStoreConformance`` of whoever has a store for large values.
"""

import pytest

# Before the suites are imported (hence E402), so that their failures show what was compared.
SUITES = (
    "attributes",
    "blob_store",
    "control",
    "dumping",
    "erasing",
    "inspection",
    "invoking",
    "messages",
    "rpcs",
    "search",
    "starting",
    "waiting",
)
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in SUITES))

from perdure.testing.conformance.backend import BackendConformance  # noqa: E402
from perdure.testing.conformance.blob_store import BlobStoreConformance  # noqa: E402
from perdure.testing.conformance.dumping import DumperConformance  # noqa: E402
from perdure.testing.conformance.inspection import InspectorConformance  # noqa: E402
from perdure.testing.conformance.invoker import HeldCall, ScriptedInvoker  # noqa: E402
from perdure.testing.conformance.invoking import Errands, Hands, InvokerConformance  # noqa: E402
from perdure.testing.conformance.stage import Stage  # noqa: E402

__all__ = [
    "BackendConformance",
    "BlobStoreConformance",
    "DumperConformance",
    "Errands",
    "Hands",
    "HeldCall",
    "InspectorConformance",
    "InvokerConformance",
    "ScriptedInvoker",
    "Stage",
]
