"""The case study that iWF begins with, from its form to its welcome."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from examples.iwf_signup import Form, UserSignupWorkflow, pages, registry
from perdure.iwf.client import Client
from perdure.iwf.errors import WorkflowAlreadyStartedError, WorkflowNotExistsError
from perdure.testing.environment import Environment


@pytest.fixture
def env() -> Iterator[Environment]:
    with Environment(*registry) as environment:
        yield environment


@pytest.fixture
def client(env: Environment) -> Iterator[Client]:
    with Client(registry, backend=env.client.asynchronous.backend) as opened:
        yield opened


@pytest.fixture
def mails(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "signup")
    return caplog


def test_a_reminder_every_ten_seconds_until_the_link_is_followed(
    env: Environment, client: Client, mails: pytest.LogCaptureFixture
) -> None:
    client.start_workflow(UserSignupWorkflow, "ada", 3600, Form("ada", "ada@example.org"))
    env.advance(timedelta(seconds=25))
    answer = client.invoke_rpc("ada", UserSignupWorkflow.verify, "link")
    again = client.invoke_rpc("ada", UserSignupWorkflow.verify, "link")
    result = client.wait_for_workflow_completion("ada", str)

    assert (answer, again, result) == ("done", "already verified", "done")
    assert mails.messages == [
        "mail to ada@example.org: follow this link to verify your address",
        "mail to ada@example.org: a reminder: your address is not verified yet",
        "mail to ada@example.org: a reminder: your address is not verified yet",
        "mail to ada@example.org: welcome, ada",
    ]
    assert client.get_all_workflow_data_attributes(UserSignupWorkflow, "ada") == {
        "form": Form("ada", "ada@example.org"),
        "source": "link",
        "status": "verified",
    }


def test_a_crash_in_between_changes_nothing(env: Environment, client: Client, mails: pytest.LogCaptureFixture) -> None:
    client.start_workflow(UserSignupWorkflow, "ada", 3600, Form("ada", "ada@example.org"))
    env.advance(timedelta(seconds=9))
    env.restart()
    env.advance(timedelta(seconds=1))
    client.invoke_rpc("ada", UserSignupWorkflow.verify, "link")

    assert client.wait_for_workflow_completion("ada") == "done"
    assert len(mails.messages) == 3


def test_a_running_name_is_taken_and_an_unknown_one_is_told(client: Client) -> None:
    client.start_workflow(UserSignupWorkflow, "ada", 3600, Form("ada", "ada@example.org"))

    with pytest.raises(WorkflowAlreadyStartedError):
        client.start_workflow(UserSignupWorkflow, "ada", 3600, Form("ada", "ada@example.org"))
    with pytest.raises(WorkflowNotExistsError):
        client.invoke_rpc("bob", UserSignupWorkflow.verify, "link")


def test_its_pages_work_without_a_server_or_a_worker_beside_them(
    tmp_path: Path, mails: pytest.LogCaptureFixture
) -> None:
    with Client.local(registry, f"sqlite:///{tmp_path / 'signups.db'}") as local:
        browser = pages(local).test_client()
        told = [
            browser.get(path).text
            for path in (
                "/signup/submit?username=ada&email=ada@example.org",
                "/signup/submit?username=ada&email=eve@example.org",
                "/signup/verify?username=ada",
            )
        ]
        local.wait_for_workflow_completion("ada")

    assert told == ["look into your mail", "this name is taken", "done"]
    assert mails.messages[-1] == "mail to ada@example.org: welcome, ada"
