"""What a caller can do with a workflow in hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import cast

import pytest

from perdure.authoring.converter import ConversionError
from perdure.client.handle import AsyncHandle
from perdure.client.result import MissingValue
from perdure.model.errors import (
    InvalidRequest,
    RpcFailed,
    TimerNotFound,
    WaitTimedOut,
    WorkflowCanceled,
    WorkflowClosed,
    WorkflowFailed,
    WorkflowNotFound,
    WorkflowTerminated,
    WorkflowTimedOut,
)
from perdure.model.ids import RunId, WorkflowId, WorkflowType
from perdure.model.options import WorkflowConfig
from perdure.model.outcome import RunErrorType, RunInfo, RunStatus, StopKind
from perdure.ports.backend import Backend
from perdure.testing.environment import AsyncEnvironment
from tests.client.workflows import Order, Shop, Twice

ORDER = Order("tea", 2)


@pytest.fixture
async def env() -> AsyncIterator[AsyncEnvironment]:
    async with AsyncEnvironment(Shop(), Twice()) as env:
        yield env


@pytest.fixture
async def shop(env: AsyncEnvironment) -> AsyncHandle[Shop, Order]:
    handle = await env.client.start(Shop, "ada", ORDER)
    await env.settle()
    return handle


async def test_result_is_the_value_the_class_gives(shop: AsyncHandle[Shop, Order]) -> None:
    await shop.publish(Shop.paid)
    assert await shop.result() == ORDER
    assert await shop.results() == (ORDER,)


async def test_several_outputs_are_asked_for_as_such(env: AsyncEnvironment) -> None:
    handle = await env.client.start(Twice, "t")
    assert sorted(await handle.results()) == ["a", "b"]
    with pytest.raises(InvalidRequest, match=r"2 outputs, expected one; ask for them with results\(\)"):
        await handle.result()


async def test_result_that_is_not_there_yet_is_waited_for_as_long_as_said(shop: AsyncHandle[Shop, Order]) -> None:
    for timeout in (timedelta(minutes=1), 0):
        with pytest.raises(
            WaitTimedOut, match=r"'ada' still runs: payment-1 waits for .* in the channel 'paid' or "
        ) as late:
            await shop.result(timeout=timeout)
        assert late.value.workflow_id == "ada"


async def test_failed_run_says_why(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(WorkflowFailed) as failed:
        await shop.result()
    assert failed.value.workflow_id == "ada"
    assert failed.value.run_id == shop.run_id
    assert failed.value.outcome.error_type is RunErrorType.STATE_DECISION


async def test_each_end_has_its_error(env: AsyncEnvironment) -> None:
    ends = {"cancel": WorkflowCanceled, "terminate": WorkflowTerminated}
    for how, error in ends.items():
        handle = await env.client.start(Shop, how, ORDER)
        await getattr(handle, how)("enough")
        with pytest.raises(error, match=f"'{how}' was {how}e?l?e?d"):
            await handle.result()
    stopped = await env.client.start(Shop, "fail", ORDER)
    await stopped.stop(StopKind.FAIL, "enough")
    with pytest.raises(WorkflowFailed, match="'fail' failed: enough"):
        await stopped.result()
    late = await env.client.start(Shop, "late", ORDER, timeout=60)
    with pytest.raises(WorkflowTimedOut, match="did not end within its timeout"):
        await late.result()


async def test_rpc_takes_arguments_and_returns_a_value(shop: AsyncHandle[Shop, Order]) -> None:
    assert await shop.call(Shop.mark, "packed", note="with care") == "new"
    assert await shop.call(Shop.look) == ORDER
    assert await shop.get(Shop.status) == "packed"
    assert await shop.get(Shop.notes) == ["with care"]


async def test_rpc_that_raises_tells_what_it_raised(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(RpcFailed, match="the shop is closed") as failed:
        await shop.call(Shop.refuse)
    assert failed.value.error_type == "ValueError"


async def test_wrong_arguments_are_refused_before_anything_is_sent(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(InvalidRequest, match=r"shop\.mark: missing a required argument: 'status'"):
        await shop.call(Shop.mark)  # type: ignore[call-overload]  # that is what is tried
    with pytest.raises(InvalidRequest):
        await shop.call(Shop.mark, 3)  # type: ignore[call-overload]  # that is what is tried


async def test_ended_workflow_answers_only_who_looks(shop: AsyncHandle[Shop, Order]) -> None:
    await shop.cancel()
    await shop.cancel()
    assert await shop.call(Shop.look) == ORDER
    with pytest.raises(WorkflowClosed):
        await shop.call(Shop.mark, "late")
    with pytest.raises(WorkflowClosed):
        await shop.publish(Shop.paid)
    with pytest.raises(WorkflowClosed):
        await shop.terminate()


async def test_values_that_are_sent_arrive(env: AsyncEnvironment, shop: AsyncHandle[Shop, Order]) -> None:
    await shop.publish(Shop.changes, Order("coffee"))
    await shop.publish(Shop.boxes["desk"], "thank you")
    await shop.signal(Shop.shipped, "sent")
    await env.settle()
    assert await shop.get(Shop.order) == Order("coffee")
    assert await shop.get(Shop.notes) == ["thank you"]
    assert await shop.get(Shop.status) == "sent"


async def test_value_that_does_not_fit_is_refused(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(InvalidRequest, match="message to order-changes"):
        await shop.publish(Shop.changes, "coffee")  # type: ignore[misc]  # that is what is tried
    with pytest.raises(InvalidRequest, match="status"):
        await shop.set(Shop.status, 3)  # type: ignore[misc]  # that is what is tried


async def test_attributes_are_read_and_written_from_outside(shop: AsyncHandle[Shop, Order]) -> None:
    assert await shop.get(Shop.status) == "new"
    assert await shop.get(Shop.notes) == []
    await shop.set(Shop.status, "odd")
    await shop.set(Shop.votes, {"ada": 1, "eve": 2})
    await shop.set(Shop.votes, {"eve": 3})
    assert await shop.get(Shop.votes) == {"ada": 1, "eve": 3}
    assert await shop.attributes() == {"order": ORDER, "status": "odd", "votes/ada": 1, "votes/eve": 3}
    assert await shop.search_attributes() == {"status": "odd"}


async def test_missing_value_is_an_error(env: AsyncEnvironment) -> None:
    shop = await env.client.start(Shop, "delayed", ORDER, delay=60)
    with pytest.raises(MissingValue, match="'order' of workflow 'delayed' has no value yet"):
        await shop.get(Shop.order)


async def test_timer_is_skipped_by_its_name_or_place(env: AsyncEnvironment) -> None:
    by_name = await env.client.start(Shop, "a", ORDER)
    by_place = await env.client.start(Shop, "b", ORDER)
    await env.settle()
    began = env.now()
    with pytest.raises(TimerNotFound):
        await by_name.skip_timer(Shop.wait_for_payment, timer="other")
    await by_name.skip_timer(Shop.wait_for_payment, timer="patience")
    await by_place.skip_timer("payment", number=1)
    for handle in (by_name, by_place):
        with pytest.raises(WorkflowFailed):
            await handle.result()
    assert env.now() == began


async def test_completed_state_is_waited_for_by_number_or_key(env: AsyncEnvironment) -> None:
    shop = await env.client.start(Shop, "w", ORDER, wait_for_states=[Shop.take, "payment"])
    assert await shop.wait_for_state(Shop.take) is None
    with pytest.raises(WaitTimedOut):
        await shop.wait_for_state(Shop.wait_for_payment, "payment", timeout=1)
    await shop.publish(Shop.paid)
    assert await shop.wait_for_state(Shop.wait_for_payment, "payment") == ORDER
    assert await shop.wait_for_state("payment", "payment") == ORDER


async def test_reset_gives_a_handle_on_the_new_run(env: AsyncEnvironment, shop: AsyncHandle[Shop, Order]) -> None:
    await shop.publish(Shop.changes, Order("coffee"))
    await env.settle()
    again = await shop.reset(skip_signals=True, reason="wrong order")
    await env.settle()
    assert again.run_id != shop.run_id
    assert await again.get(Shop.order) == ORDER
    later = await again.reset(to_state=Shop.wait_for_payment)
    numbered = await later.reset(to_state="payment", number=1)
    await env.settle()
    await numbered.publish(Shop.paid)
    assert await numbered.result() == ORDER
    with pytest.raises(WorkflowTerminated):
        await shop.result()


async def test_moment_to_go_back_to_must_be_one(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(InvalidRequest, match="expected one moment"):
        await shop.reset(to_state=Shop.take, to_event=4)
    with pytest.raises(InvalidRequest, match="without to_state"):
        await shop.reset(number=1)
    with pytest.raises(InvalidRequest, match="without a time zone"):
        await shop.reset(to_time=datetime(2031, 1, 1))  # noqa: DTZ001 - that is what is tried
    with pytest.raises(InvalidRequest, match="'split' is no state of shop; it has: take, wait_for_payment"):
        await shop.reset(to_state=Twice.split)


async def test_reset_to_a_time_keeps_the_first_step_from_then_on(
    env: AsyncEnvironment, shop: AsyncHandle[Shop, Order]
) -> None:
    await env.advance(60)
    then = env.now()
    for item in ("coffee", "milk"):
        await env.advance(60)
        await shop.publish(Shop.changes, Order(item))
        await env.settle()
    await shop.reset(to_time=then, skip_signals=True)
    await env.settle()
    assert await shop.get(Shop.order) == Order("coffee")


async def test_handle_from_start_goes_on_with_the_next_run_and_one_with_a_run_id_does_not(
    env: AsyncEnvironment,
) -> None:
    first = await env.client.start(Shop, "ada", ORDER)
    await env.settle()
    second = await env.client.start(Shop, "ada", Order("coffee"), id_reuse="terminate_if_running")
    await env.settle()
    pinned = env.client.get(Shop, "ada", run_id=first.run_id)
    assert await first.get(Shop.order) == Order("coffee")
    assert await pinned.get(Shop.order) == ORDER
    assert (await pinned.describe()).status is RunStatus.TERMINATED
    with pytest.raises(WorkflowTerminated):
        await first.result()
    await first.publish(Shop.paid)
    assert await second.result() == Order("coffee")


async def test_settings_are_changed_while_it_runs(shop: AsyncHandle[Shop, Order]) -> None:
    await shop.update_config(WorkflowConfig(continue_as_new_threshold=10))
    await shop.cancel()
    with pytest.raises(WorkflowClosed):
        await shop.update_config(WorkflowConfig())


async def test_nobody_is_not_found(env: AsyncEnvironment) -> None:
    nobody = env.client.get(Shop, "nobody")
    for question in (nobody.describe(), nobody.result(), nobody.get(Shop.order), nobody.publish(Shop.paid)):
        with pytest.raises(WorkflowNotFound):
            await question


async def test_lock_is_asked_for_again_while_it_is_held(shop: AsyncHandle[Shop, Order]) -> None:
    befores = await asyncio.gather(*(shop.call(Shop.mark, str(number)) for number in range(8)))
    assert len({*befores, await shop.get(Shop.status)}) == 9


async def test_workflow_is_spoken_to_by_names_alone(env: AsyncEnvironment, shop: AsyncHandle[Shop, Order]) -> None:
    named = env.client.get("shop", "ada")
    assert await named.call("look") == {"item": "tea", "count": 2}
    assert await named.get("order") == {"item": "tea", "count": 2}
    await named.set("status", "named")
    assert await shop.get(Shop.status) == "named"
    await named.publish("order-changes", {"item": "coffee", "count": 1})
    await named.signal("shipped", "sent")
    await env.settle()
    assert await named.attributes() == {"order": {"item": "coffee", "count": 1}, "status": "sent"}
    await named.publish("paid")
    assert await named.result() == {"item": "coffee", "count": 1}
    with pytest.raises(InvalidRequest, match="with 2 arguments, expected one value"):
        await named.call("mark", "a", "b")  # type: ignore[call-overload]  # that is what is tried


async def test_open_run_tells_what_it_waits_for_and_an_ended_one_only_how(shop: AsyncHandle[Shop, Order]) -> None:
    progress = (await shop.describe()).progress
    assert progress is not None
    assert [state.state_execution_id for state in progress.states] == ["payment-1"]
    assert len(progress.states[0].awaits) == 5
    await shop.cancel()
    ended = await shop.describe()
    assert (ended.status, ended.progress) == (RunStatus.CANCELED, None)


async def test_history_names_what_happened(shop: AsyncHandle[Shop, Order]) -> None:
    await shop.publish(Shop.changes, Order("milk"))
    kinds = [entry.kind for entry in await shop.history()]
    assert kinds[:3] == ["started", "call-succeeded", "call-succeeded"]
    (published,) = [entry for entry in await shop.history() if entry.kind == "published"]
    assert published.texts("channel") == ("order-changes",)
    assert published.values[0].value.data == '{"item":"milk","count":1}'
    assert await shop.history(after_seq=1, limit=1) == (await shop.history())[1:2]


class Silent:
    """A backend that tells nothing of the inside of runs."""

    async def describe(self, *_: object, **__: object) -> RunInfo:
        return RunInfo(WorkflowId("ada"), RunId("r"), WorkflowType("shop"), RunStatus.RUNNING, 0)

    async def wait_for_result(self, *_: object, **__: object) -> RunInfo:
        raise WaitTimedOut("still running")


class Plain(Silent):
    """A backend that asks a server for it which is not ours."""

    async def progress(self, *_: object, **__: object) -> object:
        raise InvalidRequest("no Perdure server")

    history = progress


@pytest.mark.parametrize("backend", [Silent(), Plain()])
async def test_what_cannot_be_told_of_the_inside_takes_nothing_from_the_rest(backend: object) -> None:
    handle: AsyncHandle[Shop, Order] = AsyncHandle(cast("Backend", backend), Shop, "ada")
    assert (await handle.describe()).progress is None
    with pytest.raises(
        WaitTimedOut,
        match=r"^the end of workflow 'ada' has not come within the time given; nothing is lost by waiting again$",
    ):
        await handle.result(timeout=0)
    with pytest.raises(InvalidRequest):
        await handle.history()


async def test_erased_workflow_has_no_values_any_more(shop: AsyncHandle[Shop, Order]) -> None:
    with pytest.raises(InvalidRequest, match="is open"):
        await shop.erase()
    await shop.publish(Shop.paid)
    assert await shop.result() == ORDER
    await shop.erase("asked for")
    for question in (shop.result(), shop.get(Shop.order), shop.attributes()):
        with pytest.raises(ConversionError, match="was erased"):
            await question
    assert await shop.search_attributes() == {}
    assert (await shop.describe()).status is RunStatus.COMPLETED
    assert (await shop.history())[-1].reason == "asked for"
