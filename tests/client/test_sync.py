"""The sync face says and does what the async client does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from perdure.client.client import AsyncClient
from perdure.client.handle import AsyncHandle
from perdure.client.sync import Client, Handle
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest, WaitTimedOut, WorkflowTerminated
from perdure.model.ids import StateId
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunStatus, StopKind
from perdure.model.value import EncodedValue
from perdure.testing.environment import Environment
from tests.client.workflows import Order, Shop, Stuck, Twice

ORDER = Order("tea")


@pytest.fixture
def env() -> Iterator[Environment]:
    with Environment(Shop(), Twice(), Stuck()) as env:
        yield env


def public(face: type) -> dict[str, object]:
    return {name: member for name, member in vars(face).items() if not name.startswith("_")}


@pytest.mark.parametrize(("face", "original"), [(Client, AsyncClient), (Handle, AsyncHandle)])
def test_face_has_every_method_with_its_parameters_and_words(face: type, original: type) -> None:
    assert public(original).keys() - {"backend"} <= public(face).keys()
    for name, member in public(original).items():
        twin = public(face)[name]
        assert twin.__doc__ == member.__doc__, name
        if callable(member):
            assert callable(twin)
            assert _parameters(twin) == _parameters(member), name


def _parameters(method: object) -> list[tuple[str, object, object, object]]:
    assert callable(method)
    parameters = inspect.signature(method).parameters.values()
    return [(each.name, each.kind, each.default, each.annotation) for each in parameters]


def test_workflow_is_started_and_spoken_to(env: Environment) -> None:
    ada = env.client.start(Shop, "ada", ORDER, wait_for_states=["take"])
    assert (ada.id, ada.describe().run_id) == ("ada", ada.run_id)
    assert ada.wait_for_state(Shop.take) is None
    assert ada.call(Shop.mark, "packed", note="with care") == "new"
    ada.set(Shop.votes, {"eve": 1})
    assert ada.get(Shop.votes) == {"eve": 1}
    assert ada.attributes() == {"order": ORDER, "status": "packed", "notes": ["with care"], "votes/eve": 1}
    assert ada.search_attributes() == {"status": "packed"}
    ada.signal(Shop.shipped, "sent")
    env.settle()
    assert ada.get(Shop.status) == "sent"
    ada.update_config(WorkflowConfig(continue_as_new_threshold=10))
    ada.publish(Shop.paid)
    assert ada.result() == ORDER
    assert ada.results() == (ORDER,)


def test_operator_stops_skips_and_resets(env: Environment) -> None:
    ada = env.client.start(Shop, "ada", ORDER)
    env.settle()
    ada.skip_timer(Shop.wait_for_payment, timer="patience")
    env.settle()
    assert ada.describe().status is RunStatus.FAILED
    again = ada.reset(skip_signals=True)
    env.settle()
    again.stop(StopKind.TERMINATE, "enough")
    with pytest.raises(WorkflowTerminated):
        again.result()
    env.client.start(Shop, "b", ORDER).cancel()
    env.client.start(Shop, "c", ORDER).terminate()
    statuses = {run.workflow_id: run.status for run in env.client.search("WorkflowId != 'ada'", page_size=1)}
    assert statuses == {"b": RunStatus.CANCELED, "c": RunStatus.TERMINATED}


def test_workflow_is_found_again_and_named(env: Environment) -> None:
    env.client.start("shop", "ada", Movement(StateId("take"), EncodedValue('{"item": "tea"}', "json")))
    env.settle()
    assert env.client.get(Shop, "ada").call(Shop.look) == ORDER
    assert env.client.get("shop", "ada").call("look") == {"item": "tea", "count": 1}
    assert [len(page.runs) for page in env.client.pages()] == [1]


def test_many_threads_share_a_client(env: Environment) -> None:
    def buy(number: int) -> Order:
        handle = env.client.start(Shop, str(number), Order("tea", number))
        handle.publish(Shop.paid)
        return handle.result()

    with ThreadPoolExecutor(8) as pool:
        assert [order.count for order in pool.map(buy, range(20))] == list(range(20))


def test_error_of_an_iteration_is_raised_where_it_is_read(env: Environment) -> None:
    with pytest.raises(InvalidRequest):
        next(env.client.search("status ="))


async def test_both_faces_may_be_used_on_one_backend(env: Environment) -> None:
    ada = await env.client.asynchronous.start(Shop, "ada", ORDER)
    await ada.publish(Shop.paid)
    found = await asyncio.to_thread(env.client.get(Shop, "ada").result)
    assert found == ORDER


def test_closing_closes_all_that_was_opened_once(env: Environment) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("client")

    with Client(
        AsyncClient(env.client.asynchronous.backend, close=close), close=lambda: closed.append("engine")
    ) as client:
        client.start(Shop, "ada", ORDER)
    client.close()
    assert closed == ["client", "engine"]
    with pytest.raises(RuntimeError, match="the client is closed"):
        client.get(Shop, "ada").describe()


def test_stuck_handler_is_visible(env: Environment) -> None:
    ada = env.client.start(Stuck, "ada")
    env.advance(1)
    progress = ada.describe().progress
    assert progress is not None
    (state,) = progress.states
    assert state.call is not None
    assert (state.standing, state.call.attempt) == ("retrying", 2)
    assert "the printer is out of paper" in state.call.errors[-1]
    with pytest.raises(WaitTimedOut, match=r"print_it-1: execute has failed 2 times, at last with .*out of paper"):
        ada.result(timeout=0)
    assert [entry.kind for entry in ada.history()] == ["started"]
