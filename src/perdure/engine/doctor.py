"""Whether a file is well: every open run folded again and held against what else the file says of it.

Rule: every open run has a next wake-up, a call under way, or something named that it waits for; and
its row, its calls and its index card say what its journal says, and so does the beginning of each segment.

It only reads, and may do so beside the file's owner. Memory is bounded by a few runs, not by the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perdure.engine.inspector import events_of
from perdure.interpreter.card import EXECUTING_STATES
from perdure.interpreter.codec import decode_event
from perdure.interpreter.events import ResumeCause, Resumed
from perdure.interpreter.execution import Execution
from perdure.interpreter.snapshot import Phase, Snapshot, StateSnapshot
from perdure.interpreter.waits import OpenWait
from perdure.model.attributes import SearchAttribute, SearchAttributeType
from perdure.model.errors import UnavailableError
from perdure.model.ids import CallId
from perdure.store.attribute_types import AttributeTypes
from perdure.store.check import find_problems
from perdure.store.reader import Reader
from perdure.store.rows import CallRow, RunKey, RunRow, StoredRun
from perdure.store.search_card import entry_of
from perdure.store.search_values import normalise, terms

PAGE = 100
"""Open runs that are looked at together."""
LOOKS = 5
"""How often a run is looked at again that goes on meanwhile, before what was found counts all the same."""

RESTORE = "restore a backup, and keep this file for a repair"
REPORT = "please report it with these lines; to end the run, terminate it"
REWRITE = "any change of the run writes it anew, such as update_config(WorkflowConfig()) of its handle"
REINDEX = "write the attribute once more, with its value: set(…) of the run's handle, or set_search_attributes"

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    what: str
    remedy: str
    """What to do about it."""

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the file said of one open run at one moment."""

    stored: StoredRun
    card: Mapping[str, SearchAttribute]

    @property
    def row(self) -> RunRow:
        return self.stored.row


def examine(path: Path | str, *, tell: Tell = lambda done, total: None, vfs: str | None = None) -> Iterator[Finding]:
    """Look a file through, and give what is found as it is found; nothing, if all is well.

    Args:
        tell: hears how many of how many open runs have been looked at.

    Raises:
        UnavailableError: there is no such file, or it cannot be read at all.
    """
    if not Path(path).exists():
        raise UnavailableError(f"found no file {path}, expected the database of an engine")
    reader = Reader.open(path, vfs=vfs)
    try:
        damaged = False
        for problem in find_problems(Path(path), vfs=vfs):
            damaged = True
            yield Finding(problem, RESTORE)
        if not damaged:
            yield from _examine_runs(reader, tell)
    finally:
        reader.close()


def _examine_runs(reader: Reader, tell: Tell) -> Iterator[Finding]:
    total, done, after = reader.count_open_runs(), 0, RunKey(0)
    while keys := reader.open_runs(after=after, limit=PAGE):
        for key, seen in look(reader, keys).items():
            yield from examine_run(reader, key, seen)
        after, done = keys[-1], done + len(keys)
        tell(done, max(total, done))


def look(reader: Reader, keys: Iterable[RunKey]) -> dict[RunKey, Seen]:
    types = AttributeTypes(reader.attribute_types())
    try:
        stored, cards = reader.load_with_cards(list(keys), types)
    except KeyError:  # an attribute that has come into the file just now
        types = AttributeTypes(reader.attribute_types())
        stored, cards = reader.load_with_cards(list(keys), types)
    return {key: Seen(run, cards.get(key, {})) for key, run in stored.items() if not run.row.status.closed}


def examine_run(reader: Reader, key: RunKey, seen: Seen) -> list[Finding]:
    """Look at one run, and again if it has gone on while it was looked at."""
    found: list[Finding] = []
    for _ in range(LOOKS):
        try:
            found = list(_findings(reader, seen))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what was looked for
            found = [Finding(f"{_name(seen.row)} cannot be folded ({type(error).__name__}: {error})", REPORT)]
        if not found:
            return []
        now = look(reader, [key]).get(key)
        if now is None:
            return []  # It has ended.
        if now.row == seen.row:
            return found
        seen = now
    return found


def _findings(reader: Reader, seen: Seen) -> Iterator[Finding]:
    row = seen.row
    name = _name(row)
    if row.quarantine is not None:
        yield Finding(f"{name} is quarantined, nothing happens to it any more ({row.quarantine})", REPORT)
        return
    whole, torn = _fold_whole(reader, row)
    if whole.closed:
        yield Finding(f"{name} is open, its journal has ended", RESTORE)
        return
    snapshot = whole.snapshot()
    if torn is not None:
        yield Finding(f"{name} begins a segment with event {torn} that is not what its journal leads to", RESTORE)
    yield from (Finding(f"{name}: {stuck}", REPORT) for stuck in stuck_in(snapshot))
    yield from _row_findings(name, seen.stored, whole)
    yield from _card_findings(reader, name, seen, snapshot)


def _fold_whole(reader: Reader, row: RunRow) -> tuple[Execution, int | None]:
    """Fold a journal from its beginning on, up to where the row says it ends.

    Returns:
        what it leads to, and where a segment begins that is not what the one before leads to, if one does.
    """
    execution = Execution()
    torn: int | None = None
    for event_row in events_of(reader, row):
        if event_row.seq > row.events:
            break
        event = decode_event(event_row.event)
        if isinstance(event, Resumed) and event.cause is ResumeCause.CUT and execution.begun:
            torn = torn if execution.snapshot() == event.snapshot else event_row.seq
        execution.handle(event, event_row.at_ms)
    return execution, torn


# Whether it can go on


def stuck_in(snapshot: Snapshot) -> Iterator[str]:
    """Say what of an open run goes on by nothing: no moment, no call, no message and nobody's lock."""
    if snapshot.holding:
        yield "a reset has not handed over what came later, and holds back every call"
    if snapshot.queued and snapshot.begins_at_ms is None:
        yield f"{len(snapshot.queued)} states are to be started, and no moment will come for it"
    if snapshot.completing and not snapshot.states and not snapshot.queued:
        yield "it is to complete once every state has ended, and every state has"
    calls = {call.id for call in snapshot.calls}
    for state in snapshot.states:
        if (why := _stuck_state(state, calls, snapshot)) is not None:
            yield f"{state.id} {why}"


def _stuck_state(state: StateSnapshot, calls: set[CallId], snapshot: Snapshot) -> str | None:
    match state.phase:
        case Phase.CALLING:
            return None if state.call_id in calls else "is being called, and no call of it is under way"
        case Phase.WAITING:
            if state.wait is None:
                return "waits, and nobody knows for what"
            over = OpenWait.restore(state.wait, state.number).over
            return "has what it waits for, and does not go on" if over else None
        case Phase.LOCKING:
            return None if calls or snapshot.rpcs else "waits for a lock that nobody holds"
        case Phase.HELD:
            return None if snapshot.holding else "is held back by a reset that is over"


# Whether its row says so


def _row_findings(name: str, stored: StoredRun, execution: Execution) -> Iterator[Finding]:
    row = stored.row
    rows: dict[CallId, CallRow] = {call.call_id: call for call in stored.calls}
    calls = [invoke.call_id for invoke in execution.outstanding()]
    moments = {call_id: rows[call_id].next_ms if call_id in rows else None for call_id in calls}
    due = [moment for moment in (execution.next_deadline_ms(), *moments.values()) if moment is not None]
    deadline_ms = min(due, default=None)
    if row.deadline_ms != deadline_ms:
        yield Finding(f"{name} is looked at again at {row.deadline_ms}, its journal says {deadline_ms}", REWRITE)
    under_way = [call_id for call_id, moment in moments.items() if moment is None]
    busy = bool(under_way or execution.open_rpcs or execution.asked_again)
    if row.busy != busy:
        has, no = ("is", "nothing of it is") if row.busy else ("is not", "something of it is")
        yield Finding(f"{name} {has} taken up by a start of the engine, {no} in progress", REWRITE)
    for call_id in rows:
        if call_id not in moments:
            yield Finding(f"{name} has attempts of call {call_id}, which its journal does not know", RESTORE)


# Whether a search finds it


def _card_findings(reader: Reader, name: str, seen: Seen, snapshot: Snapshot) -> Iterator[Finding]:
    wanted = {attribute.key: attribute for attribute in _indexed(snapshot)}
    for key in sorted(wanted.keys() | seen.card.keys()):
        attribute, found = wanted.get(key), seen.card.get(key)
        if attribute is None or found is None or not _same(attribute, found):
            yield Finding(
                f"{name} is on the index with {key!r} = {_shown(found)}, its journal says {_shown(attribute)}", REINDEX
            )
    numbers = {key: number for number, key, _ in reader.attribute_types()}
    places = [(numbers[key], term, seen.row.key) for key, attribute in seen.card.items() for term in terms(attribute)]
    names = {number: key for key, number in numbers.items()}
    for _, number in sorted(set(reader.missing_terms(places))):
        yield Finding(f"a search by {names[number]!r} does not find {name}", REINDEX)


def _indexed(snapshot: Snapshot) -> Iterator[SearchAttribute]:
    """Return what the index has of an execution: not what has no term, such as an empty list."""
    own = SearchAttribute(EXECUTING_STATES, SearchAttributeType.KEYWORD_ARRAY, snapshot.listed_states)
    for attribute in (*snapshot.search, own):
        if entry_of(normalise(attribute, now_ms=0))[0] is not None:
            yield attribute


def _same(attribute: SearchAttribute, found: SearchAttribute) -> bool:
    if attribute.type is SearchAttributeType.DATETIME and _counts_back(attribute):
        return found.type is attribute.type  # a time ago: from which moment, the journal does not say
    return normalise(attribute, now_ms=0) == normalise(found, now_ms=0)


def _counts_back(attribute: SearchAttribute) -> bool:
    return normalise(attribute, now_ms=0) != normalise(attribute, now_ms=1 << 40)


def _shown(attribute: SearchAttribute | None) -> str:
    return "nothing" if attribute is None else repr(attribute.value)


def _name(row: RunRow) -> str:
    return f"run {row.run_id} of workflow {row.workflow_id!r}"
