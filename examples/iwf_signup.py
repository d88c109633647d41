"""The sign-up of ``signup.py``, written with iWF's names: only its imports say that it runs on Perdure.

Run it, with Flask installed, and open ``/signup/submit?username=ada&email=ada@example.org`` and then
``/signup/verify?username=ada`` on the address that it tells. The workflows are kept in ``iwf_signup.db``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask, request

from perdure.iwf.client import Client
from perdure.iwf.command_request import CommandRequest, InternalChannelCommand, TimerCommand
from perdure.iwf.command_results import CommandResults
from perdure.iwf.communication import Communication
from perdure.iwf.communication_schema import CommunicationMethod, CommunicationSchema
from perdure.iwf.errors import WorkflowAlreadyStartedError
from perdure.iwf.iwf_api.models import ChannelRequestStatus
from perdure.iwf.persistence import Persistence
from perdure.iwf.persistence_schema import PersistenceField, PersistenceSchema
from perdure.iwf.registry import Registry
from perdure.iwf.rpc import rpc
from perdure.iwf.state_decision import StateDecision
from perdure.iwf.state_schema import StateSchema
from perdure.iwf.workflow import ObjectWorkflow
from perdure.iwf.workflow_context import WorkflowContext
from perdure.iwf.workflow_state import T, WorkflowState

log = logging.getLogger("signup")

data_attribute_form = "form"
data_attribute_status = "status"
data_attribute_verified_source = "source"
verify_channel = "verify"


@dataclass
class Form:
    username: str
    email: str


def send_email(to: str, text: str) -> None:
    log.info("mail to %s: %s", to, text)


class SubmitState(WorkflowState[Form]):
    def execute(
        self,
        ctx: WorkflowContext,
        input: Form,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        persistence.set_data_attribute(data_attribute_form, input)
        persistence.set_data_attribute(data_attribute_status, "waiting")
        send_email(input.email, "follow this link to verify your address")
        return StateDecision.single_next_state(VerifyState)


class VerifyState(WorkflowState[None]):
    def wait_until(
        self, ctx: WorkflowContext, input: T, persistence: Persistence, communication: Communication
    ) -> CommandRequest:
        return CommandRequest.for_any_command_completed(
            TimerCommand.timer_command_by_duration(timedelta(seconds=10)),
            InternalChannelCommand.by_name(verify_channel),
        )

    def execute(
        self,
        ctx: WorkflowContext,
        input: T,
        command_results: CommandResults,
        persistence: Persistence,
        communication: Communication,
    ) -> StateDecision:
        form = persistence.get_data_attribute(data_attribute_form)
        if command_results.internal_channel_commands[0].status == ChannelRequestStatus.RECEIVED:
            send_email(form.email, f"welcome, {form.username}")
            return StateDecision.graceful_complete_workflow("done")
        send_email(form.email, "a reminder: your address is not verified yet")
        return StateDecision.single_next_state(VerifyState)


class UserSignupWorkflow(ObjectWorkflow):
    def get_workflow_states(self) -> StateSchema:
        return StateSchema.with_starting_state(SubmitState(), VerifyState())

    def get_persistence_schema(self) -> PersistenceSchema:
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def(data_attribute_form, Form),
            PersistenceField.data_attribute_def(data_attribute_status, str),
            PersistenceField.data_attribute_def(data_attribute_verified_source, str),
        )

    def get_communication_schema(self) -> CommunicationSchema:
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def(verify_channel, None))

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication) -> str:
        if persistence.get_data_attribute(data_attribute_status) == "verified":
            return "already verified"
        persistence.set_data_attribute(data_attribute_status, "verified")
        persistence.set_data_attribute(data_attribute_verified_source, source)
        communication.publish_to_internal_channel(verify_channel)
        return "done"


registry = Registry()
registry.add_workflow(UserSignupWorkflow())


def pages(client: Client) -> Flask:
    app = Flask("signup")

    @app.get("/signup/submit")
    def submit() -> str:
        username = request.args["username"]
        try:
            client.start_workflow(UserSignupWorkflow, username, 3600, Form(username, request.args["email"]))
        except WorkflowAlreadyStartedError:
            return "this name is taken"
        return "look into your mail"

    @app.get("/signup/verify")
    def verify() -> str:
        answer: str = client.invoke_rpc(request.args["username"], UserSignupWorkflow.verify, "link")
        return answer

    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    with Client.local(registry, "sqlite:///iwf_signup.db") as local:
        pages(local).run(port=8000)
