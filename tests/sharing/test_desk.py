from __future__ import annotations

import json
import os
from pathlib import Path

from perdure.sharing.host import Host
from perdure.wire.paths import API, Call
from tests.sharing.opened import offer
from tests.sharing.workflows import Farewell, Greeting


async def test_workflow_that_nobody_would_run_is_not_started(tmp_path: Path) -> None:
    host = await Host.open_here(offer(tmp_path / "x.db", Greeting(), Farewell()))
    start = {"workflowId": "a", "iwfWorkflowType": "Unknown", "startStateId": "first"}
    refused = await host.desk.answer(API + Call.START, json.dumps(start).encode())
    assert refused.status == 400
    assert json.loads(refused.body)["detail"] == (
        f"found workflow type 'Unknown', expected one that process {os.getpid()} runs, which owns the file: "
        "Farewell, Greeting. Hand 'Unknown' to connect() in that process too"
    )
    mistyped = await host.desk.answer(API + Call.START, json.dumps({**start, "iwfWorkflowType": "Greting"}).encode())
    assert "Farewell, Greeting. Did you mean 'Greeting'? Hand" in json.loads(mistyped.body)["detail"]
    known = await host.desk.answer(API + Call.START, json.dumps({**start, "iwfWorkflowType": "Farewell"}).encode())
    assert known.status == 200
    await host.aclose()
