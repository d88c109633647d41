"""Starting workflows and finding them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from perdure.authoring.retry import Retry
from perdure.client.client import AsyncClient
from perdure.model.decisions import Movement
from perdure.model.errors import InvalidRequest, WorkflowAlreadyStarted
from perdure.model.ids import StateId
from perdure.model.outcome import RunStatus
from perdure.model.value import EncodedValue
from perdure.testing.environment import AsyncEnvironment
from tests.client.workflows import Order, Shop, Twice

ORDER = Order("tea")


@pytest.fixture
async def env() -> AsyncIterator[AsyncEnvironment]:
    async with AsyncEnvironment(Shop(), Twice()) as env:
        yield env


async def test_start_tells_which_run_it_is(env: AsyncEnvironment) -> None:
    ada = await env.client.start(Shop, "ada", ORDER)
    info = await ada.describe()
    assert (info.workflow_id, info.run_id, info.workflow_type) == ("ada", ada.run_id, "shop")


async def test_id_that_is_taken_is_refused_or_answered_with_its_run(env: AsyncEnvironment) -> None:
    ada = await env.client.start(Shop, "ada", ORDER, request_id="r1")
    with pytest.raises(WorkflowAlreadyStarted) as taken:
        await env.client.start(Shop, "ada", ORDER)
    assert taken.value.run_id == ada.run_id
    assert "ignore_already_started=True" in taken.value.__notes__[0]
    again = await env.client.start(Shop, "ada", ORDER, request_id="r1", ignore_already_started=True)
    assert again.run_id == ada.run_id


async def test_run_begins_with_the_attributes_that_are_given(env: AsyncEnvironment) -> None:
    ada = await env.client.start(Shop, "ada", ORDER, delay=60, attributes={Shop.status: "vip", Shop.notes: ["first"]})
    assert await ada.get(Shop.status) == "vip"
    assert await ada.get(Shop.notes) == ["first"]
    assert [run.workflow_id async for run in env.client.search("status = 'vip'")] == ["ada"]


async def test_delay_retry_and_timeout_are_followed(env: AsyncEnvironment) -> None:
    ada = await env.client.start(
        Shop, "ada", ORDER, delay=timedelta(minutes=5), retry=Retry(attempts=2), timeout=timedelta(hours=10)
    )
    await env.advance(timedelta(minutes=4))
    assert await ada.attributes() == {}
    await env.advance(timedelta(minutes=62))
    info = await ada.describe()
    assert (info.status, info.run_id != ada.run_id) == (RunStatus.RUNNING, True)
    await ada.publish(Shop.paid)
    assert await ada.result() == ORDER


async def test_input_that_does_not_fit_starts_nothing(env: AsyncEnvironment) -> None:
    with pytest.raises(InvalidRequest, match="input"):
        await env.client.start(Shop, "ada", "tea")  # type: ignore[call-overload]  # that is what is tried
    with pytest.raises(InvalidRequest):
        await env.client.start(Shop, "ada")  # type: ignore[call-overload]  # that is what is tried
    assert [run async for run in env.client.search()] == []


async def test_what_is_no_workflow_cannot_be_started(env: AsyncEnvironment) -> None:
    for wrong in (Shop(), Order, 3):
        with pytest.raises(InvalidRequest, match="expected a class that derives from Workflow"):
            await env.client.start(wrong, "ada", ORDER)  # type: ignore[arg-type]  # that is what is tried


async def test_type_whose_class_is_not_at_hand_is_started_by_name(env: AsyncEnvironment) -> None:
    first = Movement(StateId("take"), EncodedValue('{"item": "tea", "count": 1}', "json"))
    await env.client.start("shop", "ada", first)
    ada = env.client.get(Shop, "ada")
    await ada.publish(Shop.paid)
    assert await ada.result() == ORDER
    with pytest.raises(InvalidRequest, match="expected a Movement"):
        await env.client.start("shop", "eve", ORDER)  # type: ignore[call-overload]  # that is what is tried
    with pytest.raises(InvalidRequest, match="only a class says how they are kept"):
        await env.client.start("shop", "eve", first, attributes={Shop.status: "vip"})


async def test_search_goes_over_all_pages(env: AsyncEnvironment) -> None:
    for number in range(5):
        await env.client.start(Shop, str(number), ORDER)
    found = [run.workflow_id async for run in env.client.search("IwfWorkflowType = 'shop'", page_size=2)]
    assert sorted(found) == ["0", "1", "2", "3", "4"]
    assert [len(page.runs) async for page in env.client.pages(page_size=2)] == [2, 2, 1]
    with pytest.raises(InvalidRequest):
        await anext(env.client.search("status ="))


async def test_client_closes_what_it_was_opened_with_once(env: AsyncEnvironment) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    async with AsyncClient(env.client.backend, close=close) as client:
        await client.start(Shop, "ada", ORDER)
    await client.close()
    assert closed == ["closed"]


@pytest.mark.parametrize(
    ("workflow_id", "told"),
    [
        (5, "found 5 as a workflow id, expected text: '5'"),
        ("", "found an empty workflow id, expected text that tells this workflow from others"),
    ],
)
async def test_what_is_no_workflow_id_is_refused(env: AsyncEnvironment, workflow_id: Any, told: str) -> None:
    for ask in (lambda: env.client.start(Shop, workflow_id, ORDER), lambda: env.client.get(Shop, workflow_id).result()):
        with pytest.raises(InvalidRequest) as caught:
            await ask()
        assert str(caught.value) == told


async def test_an_argument_that_start_does_not_take_starts_nothing(env: AsyncEnvironment) -> None:
    with pytest.raises(TypeError, match="found the argument 'bogus'"):
        await env.client.start(Shop, "ada", ORDER, bogus=1)  # type: ignore[call-overload]  # that is what is tried
    assert [run async for run in env.client.search()] == []
