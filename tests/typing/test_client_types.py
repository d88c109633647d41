"""What a type checker knows of a caller's lines. mypy checks this file; nothing in it is run but its making."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, assert_type

from perdure.authoring.attribute import Attribute
from perdure.authoring.attribute_map import AttributeMap
from perdure.authoring.channel import Channel, Signal
from perdure.authoring.channel_map import ChannelMap
from perdure.authoring.decision import Decision, complete
from perdure.authoring.inspection import AnyWorkflow, definition_of
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.workflow import Workflow
from perdure.client.client import AsyncClient
from perdure.client.handle import AsyncHandle
from perdure.client.sync import Client, Handle
from perdure.model.history import HistoryEntry
from perdure.model.progress import DescribedRun


@dataclass
class Form:
    name: str


class Signup(Workflow[Form, str]):
    form: Attribute[Form] = Attribute()
    votes: AttributeMap[int] = AttributeMap()
    verified: Channel[None] = Channel()
    letters: Channel[str] = Channel()
    boxes: ChannelMap[str] = ChannelMap()
    outside: Signal[int] = Signal()

    @state(start=True)
    def submit(self, form: Form) -> Decision:
        self.form = form
        return complete(form.name)

    @rpc(lock=[form])
    def confirm(self, source: str, *, times: int = 1) -> bool:
        return source * times == self.form.name

    @rpc
    async def look(self) -> Form:
        return self.form


class Derived(Signup):
    pass


class Nightly(Workflow[None, int]):
    @state(start=True)
    def only(self) -> Decision:
        return complete(1)

    @rpc
    def count(self) -> int:
        return 1


class MaybeForm(Workflow[Form | None, int]):
    @state(start=True)
    def only(self, form: Form | None) -> Decision:
        return complete(1 if form else 0)


if TYPE_CHECKING:

    async def async_lines(client: AsyncClient) -> None:
        ada = await client.start(Signup, "ada", Form("ada"), timeout=timedelta(days=30), delay=5)
        assert_type(ada, AsyncHandle[Signup, str])
        assert_type(await ada.result(), str)
        assert_type(await ada.results(), tuple[str, ...])
        assert_type(await ada.call(Signup.confirm, "link", times=2), bool)
        assert_type(await ada.call(Signup.look), Form)
        assert_type(await ada.call("confirm", "link"), object)
        assert_type(await ada.get(Signup.form), Form)
        assert_type(await ada.get(Signup.votes), dict[str, int])
        assert_type(await ada.wait_for_state(Signup.submit), str | None)
        assert_type(await ada.describe(), DescribedRun)
        assert_type(await ada.history(), tuple[HistoryEntry, ...])
        assert_type(await ada.reset(), AsyncHandle[Signup, str])
        await ada.set(Signup.form, Form("eve"))
        await ada.set(Signup.votes, {"eve": 1})
        await ada.publish(Signup.verified)
        await ada.publish(Signup.letters, "hello")
        await ada.publish(Signup.boxes["ada"], "hello")
        await ada.signal(Signup.outside, 3)
        assert_type(await client.start(Nightly, "n", cron="0 3 * * *"), AsyncHandle[Nightly, int])
        assert_type(await client.start(MaybeForm, "m"), AsyncHandle[MaybeForm, int])
        assert_type(await client.start(MaybeForm, "m", Form("m")), AsyncHandle[MaybeForm, int])
        assert_type(client.get(Signup, "ada", run_id="r"), AsyncHandle[Signup, str])
        assert_type(client.get("Signup", "ada"), AsyncHandle[AnyWorkflow, object])

        derived = await client.start(Derived, "d", Form("d"))
        assert_type(derived, AsyncHandle[Derived, str])
        assert_type(await derived.call(Signup.confirm, "link"), bool)

        await client.start(Signup, "ada")  # type: ignore[call-overload]  # the input is missing
        await client.start(Signup, "ada", "form")  # type: ignore[call-overload]  # the input is a Form
        await client.start(Nightly, "n", 1)  # type: ignore[call-overload]  # it takes no input
        await client.start(Signup, "ada", Form("a"), after=3)  # type: ignore[call-overload]  # no such option
        await ada.call(Signup.confirm, 1)  # type: ignore[call-overload]  # the argument is text
        await ada.call(Nightly.count)  # type: ignore[call-overload]  # another workflow's RPC
        await ada.publish(Signup.letters, 1)  # type: ignore[misc]  # the channel carries text
        await ada.publish(Signup.letters)  # type: ignore[arg-type]  # and is never empty
        await ada.publish(Signup.outside, 1)  # type: ignore[call-overload]  # it is a signal
        await ada.signal(Signup.letters, "x")  # type: ignore[call-overload]  # it is a channel
        await ada.set(Signup.form, "form")  # type: ignore[misc]  # the attribute is a Form

    def sync_lines(client: Client) -> None:
        ada = client.start(Signup, "ada", Form("ada"), id_reuse="disallow")
        assert_type(ada, Handle[Signup, str])
        assert_type(ada.result(timeout=3), str)
        assert_type(ada.results(), tuple[str, ...])
        assert_type(ada.call(Signup.confirm, "link"), bool)
        assert_type(ada.call(Signup.look), Form)
        assert_type(ada.get(Signup.form), Form)
        assert_type(ada.get(Signup.votes), dict[str, int])
        assert_type(ada.reset(to_state=Signup.submit), Handle[Signup, str])
        assert_type(client.start(Nightly, "n"), Handle[Nightly, int])
        assert_type(client.get(Derived, "d"), Handle[Derived, str])
        client.get(Derived, "d").call(Signup.confirm, "link")

        client.start(Signup, "ada")  # type: ignore[call-overload]  # the input is missing
        client.start(Signup, "ada", Form("a"), id_reuse="never")  # type: ignore[call-overload]  # no such policy
        ada.call(Nightly.count)  # type: ignore[call-overload]  # another workflow's RPC
        ada.publish(Signup.letters, 1)  # type: ignore[misc]  # the channel carries text


def test_the_classes_that_are_typed_here_are_workflows() -> None:
    kinds: tuple[type[AnyWorkflow], ...] = (Signup, Derived, Nightly, MaybeForm)
    assert [definition_of(kind).workflow_type for kind in kinds] == ["Signup", "Derived", "Nightly", "MaybeForm"]
