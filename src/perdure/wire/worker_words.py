"""What a worker failed with, read back from iWF's form for those who want to know what happened.

iWF writes status, body and reason of a worker's answer into one text, each cut short, and that is what ends up as
a run's error message; programs look for it there. People want what the author's exception said.
"""

from __future__ import annotations

import json
import re

from perdure.model.calls import Failure

_STATE_FORM = re.compile(r"statusCode: (\d+), responseBody: (.*), errMsg: (.*)", re.DOTALL)
_RPC_FORM = re.compile(r"worker API error, status:\d+, errorType:")
_ADDRESS = re.compile(r'Post "(https?://[^/"]+)')
_STACK = re.compile(r"(?:; StackTrace:)?\s*(?:\+ Exception Group )?Traceback \(most recent call last\):")
_DETAIL_CUT = re.compile(r'\{\s*"detail"\s*:\s*"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)')


def words_of(failure: Failure) -> str:
    """Return what an attempt failed with."""
    if not _STATE_FORM.fullmatch(failure.message):
        return failure.message
    if failure.status == 0 and failure.detail:
        address = _ADDRESS.search(failure.message)
        return f"no answer from the worker{f' at {address[1]}' if address else ''}: {failure.detail}"
    return _named(failure.error_type, failure.detail) or words_in(failure.message)


def words_of_rpc(message: str, *, error_type: str, detail: str) -> str:
    """Return what an RPC failed with; its caller is told all of the worker's answer apart."""
    return (_RPC_FORM.match(message) and _named(error_type, detail)) or message


def words_in(message: str) -> str:
    """Return what is known where nothing but a run's error message is: the beginning of the worker's answer."""
    form = _STATE_FORM.fullmatch(message)
    if form is None or form[1] == "200":  # an answer that could not be understood: what it was matters
        return message
    status, body, reason = form.groups()
    if status == "0":
        address = _ADDRESS.search(reason)
        return f"no answer from the worker{f' at {address[1]}' if address else ''}; the log of the server says why"
    return _from_body(body) or f"the worker answered {reason}{f': {told}' if (told := _named('', body)) else ''}"


def _from_body(body: str) -> str:
    """Return the words of iWF's error answer, also where it was cut short in the middle of them."""
    try:
        fields = json.loads(body)
    except ValueError:
        cut = _DETAIL_CUT.match(body)
        fields = {"detail": json.loads(f'"{cut[1]}"', strict=False)} if cut else None
    if not isinstance(fields, dict):
        return ""
    return _named(str(fields.get("errorType") or ""), str(fields.get("detail") or ""))


def _named(error_type: str, detail: str) -> str:
    """Return type and text of an error, without the stack that may follow."""
    text = _STACK.split(detail, maxsplit=1)[0].strip()
    if not error_type or text.startswith(error_type):
        return text or error_type
    return f"{error_type}: {text}" if text else error_type
