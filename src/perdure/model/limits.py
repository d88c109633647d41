"""How much of everything there may be: the one table, which the rooms that enforce a limit take it from.

A limit is here because without it one caller or one worker could make a run, a file or the process
useless for all others. What holds for a run holds however it is reached: the embedded engine keeps
these limits too, for a run that has outgrown its memory is not better off for having no server.
What holds for a request holds at the server's door, where strangers write.

Each is far beyond what a workflow needs; precedents are named where there are some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_MIB = 1024 * 1024

ID_CHARACTERS_MAX: Final = 1_000
"""Temporal's servers take 1,000 bytes for ids and names."""
VALUE_CHARACTERS_MAX: Final = 64 * _MIB
"""A commit waits until its largest value is written, and everybody's commit is the same one."""
ATTRIBUTES_MAX: Final = 10_000
"""Of each kind. All of them are in memory while the run is, and go to the worker with every call."""
MESSAGES_MAX: Final = 10_000
"""Temporal takes 10,000 signals a run."""
CALLS_MAX: Final = 512
RPCS_WAITING_MAX: Final = 10_000
BODY_BYTES_MAX: Final = 4 * _MIB
"""iWF's backend takes messages of up to 4 MiB."""
REPLY_BYTES_MAX: Final = 4 * _MIB
"""iWF's backend takes up to 2 MiB a value and 4 MiB a message."""
REPLY_HEAD_BYTES_MAX: Final = 64 * 1024
REQUEST_HEAD_BYTES_MAX: Final = 64 * 1024
WORKER_BODY_BYTES_MAX: Final = 64 * _MIB
URL_CHARACTERS_MAX: Final = 2_000
DEPTH_MAX: Final = 100
"""The deepest request of the protocol has 8."""
QUERY_CHARACTERS_MAX: Final = 10_000
QUERY_DEPTH_MAX: Final = 100
QUERY_COMPARISONS_MAX: Final = 100
QUERY_ORDER_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Limit:
    """A row of the table."""

    what: str
    most: int
    unit: str
    where: str
    """``everywhere``; ``server``: only what comes to it or its workers over HTTP; ``worker``: served by Perdure."""
    beyond: str
    """What is answered, or what happens."""
    remedy: str
    setting: str = ""
    """Of the server, by which its owner moves the limit."""


FEWER_CHARACTERS: Final = "Use a shorter name, and keep the rest in a value"
SMALLER_VALUE: Final = "Keep large values elsewhere, and where they are here"
FEWER_ATTRIBUTES: Final = "Keep many values in one attribute, as a list or a map, or start more workflows"
FEWER_MESSAGES: Final = "Let a state take them, send several as one, or spread them over more channels"
FEWER_RPCS: Final = "Call again later, or run more workers, each at a URL of its own"
SMALLER_BODY: Final = (
    "Keep large values elsewhere and send where they are, or let the server's owner raise --body-bytes-max"
)
SMALLER_REPLY: Final = "Answer less, or let the server's owner raise --worker-reply-bytes-max"
FEWER_HEADERS: Final = "Send fewer of them"
LESS_LOADED: Final = "Load fewer attributes: `load=`"
SHALLOWER: Final = "Encode a deep value as the text in a value's data"
SIMPLER_QUERY: Final = "Ask in parts"

LIMITS: Final = (
    Limit("an id, a name, a key", ID_CHARACTERS_MAX, "characters", "everywhere", "refused", FEWER_CHARACTERS),
    Limit("a value", VALUE_CHARACTERS_MAX, "characters", "everywhere", "refused", SMALLER_VALUE),
    Limit("data attributes of a run", ATTRIBUTES_MAX, "", "everywhere", "refused", FEWER_ATTRIBUTES),
    Limit("search attributes of a run", ATTRIBUTES_MAX, "", "everywhere", "refused", FEWER_ATTRIBUTES),
    Limit("unread messages on a channel of a run", MESSAGES_MAX, "", "everywhere", "refused", FEWER_MESSAGES),
    Limit(
        "calls of states under way for one workflow type at one worker URL",
        CALLS_MAX,
        "",
        "everywhere",
        "the next one waits, its time does not run",
        "Run more workers, each at a URL of its own",
        "worker_calls_max",
    ),
    Limit(
        "RPCs that wait for such a place",
        RPCS_WAITING_MAX,
        "",
        "everywhere",
        "503, `UnavailableError`",
        FEWER_RPCS,
    ),
    Limit("a query", QUERY_CHARACTERS_MAX, "characters", "everywhere", "refused", SIMPLER_QUERY),
    Limit("parentheses inside each other in a query", QUERY_DEPTH_MAX, "", "everywhere", "refused", SIMPLER_QUERY),
    Limit("comparisons in a query", QUERY_COMPARISONS_MAX, "", "everywhere", "refused", SIMPLER_QUERY),
    Limit("fields that a query orders by", QUERY_ORDER_MAX, "", "everywhere", "refused", SIMPLER_QUERY),
    Limit("a request", BODY_BYTES_MAX, "bytes", "server", "413", SMALLER_BODY, "body_bytes_max"),
    Limit(
        "a worker's answer",
        REPLY_BYTES_MAX,
        "bytes",
        "server",
        "a failed attempt",
        SMALLER_REPLY,
        "worker_reply_bytes_max",
    ),
    Limit("a worker's URL", URL_CHARACTERS_MAX, "characters", "server", "refused", "Serve the worker at a shorter one"),
    Limit(
        "a request to a `perdure.Worker`",
        WORKER_BODY_BYTES_MAX,
        "bytes",
        "worker",
        "413, a failed attempt",
        LESS_LOADED,
    ),
    Limit(
        "headers of a worker's answer",
        REPLY_HEAD_BYTES_MAX,
        "bytes",
        "server",
        "a failed attempt",
        FEWER_HEADERS,
    ),
    Limit(
        "headers of a request",
        REQUEST_HEAD_BYTES_MAX,
        "bytes",
        "server",
        "400, and the connection ends",
        FEWER_HEADERS,
    ),
    Limit("lists and objects inside each other", DEPTH_MAX, "", "server", "400, which names the field", SHALLOWER),
)
"""*refused*: the caller is told, 400 over HTTP and ``InvalidRequest`` in process; a handler that would exceed it has failed,
and is tried again by its state's retry policy."""
