"""Mistakes an interpreter could have, each with the law that must notice it: what proves the laws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from perdure.interpreter import attributes
from perdure.interpreter.card import Card
from perdure.interpreter.events import RpcOpened
from perdure.interpreter.execution import Execution
from perdure.interpreter.locks import LockKey, Locks, Table
from perdure.interpreter.rpcs import LockingRpcs
from perdure.interpreter.snapshot import Phase, Snapshot
from perdure.interpreter.waits import ChannelName, Channels, OpenWait
from perdure.model.attributes import LoadingPolicy
from perdure.model.conditions import ChannelCondition, Wait, WaitMode
from tests.interpreter import laws
from tests.interpreter.laws import Law

Plant = Callable[[Any, str, Any], None]
"""``monkeypatch.setattr``, or ``setattr`` in a process of its own."""


@dataclass(frozen=True)
class Mutant:
    name: str
    law: Law
    plant: Callable[[Plant], None]


def _forget_held_messages(plant: Plant) -> None:
    restore = OpenWait.restore.__func__  # type: ignore[attr-defined]  # the function under the classmethod

    def restored(cls: type[OpenWait], snapshot: Any, state: int) -> Any:
        wait = restore(cls, snapshot, state)
        wait.taken = [() for _ in wait.taken]
        return wait

    plant(OpenWait, "restore", classmethod(restored))


def _forget_who_waits_for_locks(plant: Plant) -> None:
    restore = Execution._restore_states

    def restored(self: Execution, snapshot: Snapshot) -> None:
        restore(self, snapshot)
        self._locks._queues.clear()

    plant(Execution, "_restore_states", restored)


def _forget_that_all_shall_complete(plant: Plant) -> None:
    restore = Execution._restore

    def restored(self: Execution, snapshot: Snapshot) -> None:
        restore(self, snapshot)
        self._completing = False

    plant(Execution, "_restore", restored)


def _cut_and_keep_the_old_memory(plant: Plant) -> None:
    plant(Execution, "_forget", lambda self: None)


def _number_calls_by_the_process(plant: Plant) -> None:
    numbers, make = count(1), Execution._make_call

    def made(self: Execution, state: Any) -> None:
        self._call_number = next(numbers)
        make(self, state)

    plant(Execution, "_make_call", made)


def _load_in_the_order_of_a_set(plant: Plant) -> None:
    def selected(found: Mapping[str, Any], policy: LoadingPolicy) -> tuple[Any, ...]:
        return tuple(found[key] for key in set(found))  # the mistake

    plant(attributes, "_select", selected)


def _take_answers_for_ever(plant: Plant) -> None:
    def ended(self: Execution, call_id: Any) -> Any:
        return self._caller[call_id]

    plant(Execution, "_end_call", ended)


def _take_the_newest(plant: Plant) -> None:
    def taken(self: Channels, channel: Any, most: int) -> tuple[Any, ...]:
        values = tuple([channel.messages.pop() for _ in range(min(most, len(channel.messages)))])
        self._unread -= len(values)
        return values

    plant(Channels, "_take", taken)


def _take_and_leave_there(plant: Plant) -> None:
    plant(Channels, "_take", lambda self, channel, most: tuple(channel.messages)[:most])


def _drop_what_comes_late(plant: Plant) -> None:
    put = Channels.put

    def dropped(self: Channels, name: Any, value: Any) -> None:
        if len(self._channels) < 3 or name in self._channels:
            put(self, name, value)

    plant(Channels, "put", dropped)


def _wake_nobody(plant: Plant) -> None:
    def armed(self: Execution, wait: OpenWait) -> list[ChannelName]:
        return self._channels.register(wait)

    plant(Execution, "_arm", armed)


def _leave_without_a_word(plant: Plant) -> None:
    leave = Channels.leave

    def left(self: Channels, wait: OpenWait) -> list[Any]:
        leave(self, wait)
        return []

    plant(Channels, "leave", left)


def _barge(plant: Plant) -> None:
    """Give freed locks to who waits only after the newcomers of the step had their choice."""
    grant, enter = Execution._grant_locks, Execution._enter

    def entered(self: Execution, movement: Any) -> None:
        enter(self, movement)
        if self._freed:
            grant(self)

    plant(Execution, "_grant_locks", lambda self: None)
    plant(Execution, "_enter", entered)


def _prefer_the_young(plant: Plant) -> None:
    def granted(self: Locks, freed: list[LockKey]) -> int | None:
        able = [owner for key in freed for owner in self._queues.get(key, ()) if self.free(self._wanted[owner])]
        owner = max(able, default=None)
        if owner is not None:
            wanted = self._wanted[owner]
            self._leave(owner)
            self.take(owner, wanted)
        return owner

    plant(Locks, "grant", granted)


def _lock_one_table_only(plant: Plant) -> None:
    free = Locks.free
    plant(Locks, "free", lambda self, keys: free(self, [key for key in keys if key.table is Table.DATA]))


def _take_what_is_needed_and_no_more(plant: Plant) -> None:
    plant(ChannelCondition, "most", property(lambda self: self.at_least))


def _count_every_id_once(plant: Plant) -> None:
    over = OpenWait.over.fget  # type: ignore[attr-defined]  # the function under the property

    def covered(self: OpenWait) -> bool:
        wait: Wait = self.wait
        if wait.mode is not WaitMode.COMBINATION or not wait.conditions:
            return bool(over(self))
        ids = {condition.id for condition, met in zip(wait.conditions, self.met, strict=True) if met}
        return any(set(wanted) <= ids for wanted in wait.combinations)

    plant(OpenWait, "over", property(covered))


def _trust_every_place(plant: Plant) -> None:
    plant(OpenWait, "timer_by_index", lambda self, index: self.timers[index])


def _open_refused_rpcs(plant: Plant) -> None:
    def opened(self: Execution, event: RpcOpened) -> None:
        self._rpcs.open(event)

    plant(Execution, "_open_rpc", opened)


def _reset_with_the_old_rpcs(plant: Plant) -> None:
    plant(LockingRpcs, "give_up", lambda self: None)


def _reset_and_release_one(plant: Plant) -> None:
    def released(self: Execution) -> None:
        self._holding = False
        for state in list(self._states.values()):
            if state.phase is Phase.HELD:
                self._advance(state)
                return

    plant(Execution, "_release", released)


def _list_for_ever(plant: Plant) -> None:
    plant(Card, "leave", lambda self, state_id: None)


HASH_ORDER = Mutant(
    "loads attributes in the order of a set", laws.a_replay_is_the_same_run, _load_in_the_order_of_a_set
)
"""Only another process, with other hashes, can see it."""

MUTANTS = (
    Mutant("forgets the messages a wait holds", laws.a_restart_changes_nothing, _forget_held_messages),
    Mutant("forgets who waits for locks", laws.a_restart_changes_nothing, _forget_who_waits_for_locks),
    Mutant("forgets that all shall complete", laws.a_restart_changes_nothing, _forget_that_all_shall_complete),
    Mutant("cuts and keeps the old memory", laws.a_cut_changes_nothing, _cut_and_keep_the_old_memory),
    Mutant("numbers calls by the process", laws.a_replay_is_the_same_run, _number_calls_by_the_process),
    Mutant(
        "numbers calls by the process, told twice",
        laws.the_beginning_knows_nothing_of_the_rest,
        _number_calls_by_the_process,
    ),
    Mutant("takes answers for ever", laws.a_repeated_answer_changes_nothing, _take_answers_for_ever),
    Mutant("takes the newest message", laws.no_message_is_lost_or_taken_twice, _take_the_newest),
    Mutant("takes a message and leaves it there", laws.no_message_is_lost_or_taken_twice, _take_and_leave_there),
    Mutant("drops what comes on a late channel", laws.no_message_is_lost_or_taken_twice, _drop_what_comes_late),
    Mutant("wakes nobody", laws.every_open_execution_has_something_to_wait_for, _wake_nobody),
    Mutant("leaves a line without a word", laws.every_open_execution_has_something_to_wait_for, _leave_without_a_word),
    Mutant("lets newcomers barge", laws.everything_goes_by_the_book, _barge),
    Mutant("prefers the young", laws.everything_goes_by_the_book, _prefer_the_young),
    Mutant("locks one table only", laws.everything_goes_by_the_book, _lock_one_table_only),
    Mutant("takes what is needed and no more", laws.everything_goes_by_the_book, _take_what_is_needed_and_no_more),
    Mutant("counts every id once", laws.everything_goes_by_the_book, _count_every_id_once),
    Mutant("trusts every place", laws.what_is_not_refused_can_be_handled, _trust_every_place),
    Mutant("opens refused RPCs", laws.what_is_not_refused_can_be_handled, _open_refused_rpcs),
    Mutant("resets with the old RPCs", laws.a_reset_goes_on_like_the_original, _reset_with_the_old_rpcs),
    Mutant("resets and releases one", laws.a_reset_goes_on_like_the_original, _reset_and_release_one),
    Mutant("lists a state for ever", laws.the_index_is_what_its_updates_say, _list_for_ever),
)
