"""The workflows that the client's tests call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from perdure.authoring.attribute import Attribute
from perdure.authoring.attribute_map import AttributeMap
from perdure.authoring.channel import Channel, Signal
from perdure.authoring.channel_map import ChannelMap
from perdure.authoring.decision import Decision, complete, fail, go_to, together
from perdure.authoring.met import Met
from perdure.authoring.rpc import rpc
from perdure.authoring.state import state
from perdure.authoring.waiting import Wait, after, any_of
from perdure.authoring.workflow import Workflow


@dataclass(frozen=True)
class Order:
    item: str
    count: int = 1


class Shop(Workflow[Order, Order], name="shop"):
    """Takes an order, and waits until it is paid."""

    order: Attribute[Order] = Attribute()
    status: Attribute[str] = Attribute(default="new", index="keyword")
    notes: Attribute[list[str]] = Attribute(factory=list)
    votes: AttributeMap[int] = AttributeMap()
    paid: Channel[None] = Channel()
    changes: Channel[Order] = Channel(name="order-changes")
    boxes: ChannelMap[str] = ChannelMap()
    shipped: Signal[str] = Signal()

    @state(start=True)
    def take(self, order: Order) -> Decision:
        self.order = order
        return go_to(self.wait_for_payment, key="payment")

    def until_paid(self) -> Wait:
        return any_of(
            self.paid, self.changes, self.boxes["desk"], self.shipped, after(timedelta(hours=1), name="patience")
        )

    @state(wait=until_paid, name="payment")
    def wait_for_payment(self, met: Met) -> Decision:
        if self.paid in met:
            return complete(self.order)
        if "patience" in met:
            return fail(Order("nothing", 0))
        if self.changes in met:
            self.order = met[self.changes]
        if self.boxes["desk"] in met:
            self.notes = [*self.notes, met[self.boxes["desk"]]]
        if self.shipped in met:
            self.status = met[self.shipped]
        return go_to(self.wait_for_payment)

    @rpc(lock=[status], timeout=2)
    def mark(self, status: str, *, note: str = "") -> str:
        before, self.status = self.status, status
        if note:
            self.notes = [*self.notes, note]
        return before

    @rpc(read_only=True)
    def look(self) -> Order:
        return self.order

    @rpc
    def refuse(self) -> None:
        raise ValueError("the shop is closed")


class Twice(Workflow[None, str]):
    """Ends with two outputs."""

    @state(start=True)
    def split(self) -> Decision:
        return together(go_to(self.one, "a"), go_to(self.one, "b"))

    @state
    def one(self, word: str) -> Decision:
        return complete(word)


class Stuck(Workflow[None, str]):
    """Fails and fails."""

    @state(start=True)
    def print_it(self) -> Decision:
        raise OSError("the printer is out of paper")
