"""The whole suite of ``Backend``, a class for each part of it."""

from __future__ import annotations

from perdure.testing.conformance.attributes import AttributeConformance
from perdure.testing.conformance.control import ControlConformance
from perdure.testing.conformance.erasing import ErasingConformance
from perdure.testing.conformance.messages import MessageConformance
from perdure.testing.conformance.rpcs import RpcConformance
from perdure.testing.conformance.search import SearchConformance
from perdure.testing.conformance.starting import StartConformance
from perdure.testing.conformance.waiting import WaitingConformance


class BackendConformance(
    StartConformance,
    MessageConformance,
    AttributeConformance,
    RpcConformance,
    WaitingConformance,
    ControlConformance,
    ErasingConformance,
    SearchConformance,
):
    """Every method of ``Backend`` and every error that it documents."""
