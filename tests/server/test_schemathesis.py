"""A real server asked by its own OpenAPI document: what that allows, and what it does not.

Half of the requests name a run that there is, so that they come further than to its absence.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from perdure.wire.openapi import CALLS
from tests.server.process import ServerProcess

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
ANSWER_SECONDS = 10
"""Beyond the longest wait the server grants here, 1 s: an answer that takes longer is a hang."""
KNOWN = "known"
NOWHERE = "http://127.0.0.1:1"
"""A worker that may be called, and is not there."""


def begin(url: str) -> None:
    body = {
        "workflowId": KNOWN,
        "iwfWorkflowType": "T",
        "iwfWorkerUrl": NOWHERE,
        "startStateId": "S",
        "workflowStartOptions": {"idReusePolicy": "ALLOW_IF_NO_RUNNING"},
    }
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=ANSWER_SECONDS)
    connection.request("POST", "/api/v1/workflow/start", json.dumps(body))
    assert connection.getresponse().status in (200, 400)
    connection.close()


def named(case: Any, *, known: bool) -> Any:
    if known and isinstance(case.body, dict) and isinstance(case.body.get("workflowId"), str):
        if isinstance(case.body.get("iwfWorkerUrl"), str):
            case.body["iwfWorkerUrl"] = NOWHERE
            return case
        case.body["workflowId"] = KNOWN
        if isinstance(case.body.get("workflowRunId"), str):
            del case.body["workflowRunId"]
    return case


def ask_all(folder: Path, *, requests: int) -> int:
    """Ask about so many requests, spread over all operations; return how many were asked."""
    asked = 0
    with ServerProcess(folder, "--max-wait-seconds", "1") as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
        assert len(operations) == len(CALLS) + 2  # pages; the document is not asked for itself
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                if mode is GenerationMode.NEGATIVE and operation.method == "get":
                    continue
                begin(server.url)
                cases = operation.as_strategy(generation_mode=mode)

                @settings(
                    max_examples=max(1, requests // (2 * len(operations))),
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(case=cases, known=st.booleans())
                def ask(case: Any, known: bool) -> None:
                    nonlocal asked
                    asked += 1
                    response = named(case, known=known).call(timeout=ANSWER_SECONDS)
                    case.validate_response(response, checks=CHECKS)

                ask()
    return asked


@pytest.mark.timeout(300)
def test_a_server_answers_whatever_it_is_asked_by_its_own_document(tmp_path: Path) -> None:
    assert ask_all(tmp_path, requests=100) >= 60


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_ten_thousand_requests_are_answered_by_the_document(tmp_path: Path) -> None:
    assert ask_all(tmp_path, requests=12_000) >= 10_000
