"""A program against iWF's own Python SDK, run in an environment of its own: client, and worker in Flask.

    python program.py SERVER_URL        exit 0, or a traceback

Its workflows use every kind of command, of channel, of attribute, of decision and of failure.
"""

import sys
import threading
import traceback

from flask import Flask, request
from iwf.client import Client
from iwf.client_options import ClientOptions
from iwf.command_request import CommandRequest, InternalChannelCommand, SignalChannelCommand, TimerCommand
from iwf.communication import Communication
from iwf.communication_schema import CommunicationMethod, CommunicationSchema
from iwf.errors import (
    ClientSideError,
    WorkflowAlreadyStartedError,
    WorkflowCanceled,
    WorkflowFailed,
    WorkflowNotExistsError,
    WorkflowRPCExecutionError,
    WorkflowStillRunningError,
)
from iwf.iwf_api.models import (
    ChannelRequestStatus,
    RetryPolicy,
    SearchAttribute,
    SearchAttributeValueType,
    TimerStatus,
    WorkflowSearchRequest,
    WorkflowStateExecuteRequest,
    WorkflowStateWaitUntilRequest,
    WorkflowStatus,
    WorkflowWorkerRpcRequest,
)
from iwf.object_encoder import ObjectEncoder
from iwf.persistence import Persistence
from iwf.persistence_schema import PersistenceField, PersistenceSchema
from iwf.registry import Registry
from iwf.reset_workflow_type_and_options import reset_to_beginning, reset_to_state_id
from iwf.rpc import rpc
from iwf.state_decision import StateDecision
from iwf.state_schema import StateSchema
from iwf.unregistered_client import UnregisteredClient
from iwf.worker_service import WorkerService
from iwf.workflow import ObjectWorkflow
from iwf.workflow_state import WorkflowState
from iwf.workflow_state_options import WorkflowStateOptions
from werkzeug.serving import make_server

MAILS = []


class Submit(WorkflowState[dict]):
    def execute(self, ctx, input, command_results, persistence, communication):
        persistence.set_data_attribute("form", input)
        persistence.set_data_attribute("status", "waiting")
        persistence.set_search_attribute_keyword("CustomKeywordField", input["source"])
        MAILS.append((input["email"], "please verify"))
        return StateDecision.single_next_state(Verify)


class Verify(WorkflowState[None]):
    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_completed(
            TimerCommand.by_seconds(3_600, "remind"), InternalChannelCommand.by_name("verified", "verified")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        email = persistence.get_data_attribute("form")["email"]
        if command_results.internal_channel_commands[0].status == ChannelRequestStatus.RECEIVED:
            MAILS.append((email, "welcome"))
            return StateDecision.graceful_complete_workflow("done")
        assert command_results.timer_commands[0].status == TimerStatus.FIRED
        MAILS.append((email, "reminder"))
        return StateDecision.single_next_state(Verify)


class SignUp(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Submit(), Verify())

    def get_persistence_schema(self):
        return PersistenceSchema.create(
            PersistenceField.data_attribute_def("form", dict),
            PersistenceField.data_attribute_def("status", str),
            PersistenceField.search_attribute_def("CustomKeywordField", SearchAttributeValueType.KEYWORD),
        )

    def get_communication_schema(self):
        return CommunicationSchema.create(CommunicationMethod.internal_channel_def("verified", type(None)))

    @rpc()
    def verify(self, source: str, persistence: Persistence, communication: Communication):
        if persistence.get_data_attribute("status") == "verified":
            return "already verified"
        persistence.set_data_attribute("status", "verified")
        persistence.set_data_attribute("form", {**persistence.get_data_attribute("form"), "by": source})
        communication.publish_to_internal_channel("verified")
        return "done"

    @rpc()
    def fail(self):
        raise ValueError("the RPC's own mistake")


class Gather(WorkflowState[str]):
    """All of a timer, a signal and a message of its own; a local goes from one method to the other."""

    def wait_until(self, ctx, input, persistence, communication):
        persistence.set_state_execution_local("seen", input)
        communication.publish_to_internal_channel("inner", 7)
        return CommandRequest.for_all_command_completed(
            TimerCommand.by_seconds(1), SignalChannelCommand.by_name("outer"), InternalChannelCommand.by_name("inner")
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        assert persistence.get_state_execution_local("seen") == input == "go"
        persistence.record_event("gathered", "yes")
        total = command_results.signal_channel_commands[0].value + command_results.internal_channel_commands[0].value
        return StateDecision.single_next_state(Combine, total)


class Combine(WorkflowState[int]):
    """One of two combinations, of which the second is ready first."""

    def wait_until(self, ctx, input, persistence, communication):
        return CommandRequest.for_any_command_combination_completed(
            [["never", "outer"], ["soon", "outer"]],
            TimerCommand.by_seconds(3_600, "never"),
            TimerCommand.by_seconds(1, "soon"),
            SignalChannelCommand.by_name("outer", "outer"),
        )

    def execute(self, ctx, input, command_results, persistence, communication):
        fired = [timer.status for timer in command_results.timer_commands]
        assert fired == [TimerStatus.SCHEDULED, TimerStatus.FIRED], fired
        return StateDecision.single_next_state(Flaky, input + command_results.signal_channel_commands[0].value)


class Flaky(WorkflowState[int]):
    """Fails at its first attempt, then completes only if nobody wrote in between."""

    def execute(self, ctx, input, command_results, persistence, communication):
        if ctx.attempt == 1:
            raise RuntimeError("the first attempt")
        return StateDecision.force_complete_if_signal_channel_empty_or_else("outer", input, Gather, "never")


class Everything(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Gather(), Combine(), Flaky())

    def get_communication_schema(self):
        return CommunicationSchema.create(
            CommunicationMethod.signal_channel_def("outer", int), CommunicationMethod.internal_channel_def("inner", int)
        )


class Broken(WorkflowState[None]):
    def execute(self, ctx, input, command_results, persistence, communication):
        raise RuntimeError("broken for good")

    def get_state_options(self):
        return WorkflowStateOptions(execute_api_retry_policy=RetryPolicy(maximum_attempts=1))


class Fails(ObjectWorkflow):
    def get_workflow_states(self):
        return StateSchema.with_starting_state(Broken())


def serve(registry):
    """Serve the worker on a free port and return its URL."""
    application, service = Flask(__name__), WorkerService(registry)

    def route(path, request_type, handle):
        application.add_url_rule(
            path, path, lambda: handle(request_type.from_dict(request.json)).to_dict(), methods=["POST"]
        )

    route(
        service.api_path_workflow_state_wait_until,
        WorkflowStateWaitUntilRequest,
        service.handle_workflow_state_wait_until,
    )
    route(service.api_path_workflow_state_execute, WorkflowStateExecuteRequest, service.handle_workflow_state_execute)
    route(service.api_path_workflow_worker_rpc, WorkflowWorkerRpcRequest, service.handle_workflow_worker_rpc)
    application.register_error_handler(Exception, lambda error: failed(service, error))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.port}"


def failed(service, error):
    traceback.print_exception(error)  # for whoever reads why this program failed
    return service.handle_worker_error(error), 500


def raised(kind, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def sign_up(client):
    workflow_id = "ada"
    form = {"name": "ada", "email": "ada@example.org", "source": "test"}
    client.start_workflow(SignUp, workflow_id, 600, form)
    raised(WorkflowAlreadyStartedError, client.start_workflow, SignUp, workflow_id, 600, form)
    wait_for(lambda: skipped(client, workflow_id))
    wait_for(lambda: MAILS[-1] == ("ada@example.org", "reminder"))
    late = SearchAttribute("CustomKeywordField", string_value="late", value_type=SearchAttributeValueType.KEYWORD)
    client.set_workflow_search_attributes(SignUp, workflow_id, [late])
    failed = raised(WorkflowRPCExecutionError, client.invoke_rpc, workflow_id, SignUp.fail)
    assert "the RPC's own mistake" in str(failed), failed
    assert client.invoke_rpc(workflow_id, SignUp.verify, "link", str) == "done"
    assert client.wait_for_workflow_completion(workflow_id, str) == "done"
    assert client.describe_workflow(workflow_id).workflow_status == WorkflowStatus.COMPLETED
    attributes = client.get_all_workflow_data_attributes(SignUp, workflow_id)
    assert attributes == {"form": {**form, "by": "link"}, "status": "verified"}, attributes
    assert client.get_all_search_attributes(SignUp, workflow_id) == {"CustomKeywordField": "late"}
    assert [("ada@example.org", word) for word in ("please verify", "reminder", "welcome")] == MAILS, MAILS


def skipped(client, workflow_id):
    try:
        client.skip_timer_by_command_id(workflow_id, "Verify", "remind")
    except ClientSideError:
        return False  # it does not wait yet
    return True


def wait_for(happened):
    pause = threading.Event()
    for _ in range(200):
        if happened():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen")


def everything(client):
    workflow_id = "everything"
    client.start_workflow(Everything, workflow_id, 600, "go")
    client.signal_workflow(workflow_id, "outer", 10)
    client.signal_workflow(workflow_id, "outer", 100)
    assert client.wait_for_workflow_completion(workflow_id, int) == 117


def endings(client):
    failing, canceled = "fails", "canceled"
    client.start_workflow(Fails, failing, 600)
    failure = raised(WorkflowFailed, client.wait_for_workflow_completion, failing)
    assert "broken for good" in failure.error_message, failure.error_message
    client.start_workflow(Everything, canceled, 600, "go")
    raised(WorkflowStillRunningError, client.wait_for_workflow_completion, canceled)
    client.stop_workflow(canceled)
    raised(WorkflowCanceled, client.wait_for_workflow_completion, canceled)
    raised(WorkflowNotExistsError, client.signal_workflow, canceled, "outer", 1)
    raised(WorkflowNotExistsError, client.describe_workflow, "nobody")


def resets(client):
    """Run what has failed again, from its beginning and from its state."""
    for again in (reset_to_beginning("from the beginning"), reset_to_state_id("Broken", "from the state")):
        client.reset_workflow("fails", again)
        raised(WorkflowFailed, client.wait_for_workflow_completion, "fails")


def searches(client):
    found = client.search_workflow(WorkflowSearchRequest("CustomKeywordField = 'late'", page_size=10))
    assert [run.workflow_id for run in found.workflow_executions] == ["ada"], found
    first = client.search_workflow(WorkflowSearchRequest("WorkflowId = 'fails'", page_size=1))
    second = client.search_workflow(
        WorkflowSearchRequest("WorkflowId = 'fails'", page_size=1, next_page_token=first.next_page_token)
    )
    runs = {run.workflow_run_id for page in (first, second) for run in page.workflow_executions}
    assert len(runs) == 2, runs


def main():
    registry = Registry()
    registry.add_workflows(SignUp(), Everything(), Fails())
    options = ClientOptions(sys.argv[1], serve(registry), ObjectEncoder.default, long_poll_api_max_wait_time_seconds=8)
    client = Client(registry, options)
    sign_up(client)
    everything(client)
    endings(client)
    resets(client)
    searches(UnregisteredClient(options))


if __name__ == "__main__":
    main()
