"""Where a blob is: under the database that it belongs to, the workflow, and what it is.

``<file id>/<2 of the workflow's>/<workflow>/<content>``, the last two being hashes: a workflow id may be
somebody's address, and is not shown to whoever may list a bucket; and one workflow has one blob for
each thing, however often it is handed on, or a call repeated.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from perdure.model.errors import InvalidRequest
from perdure.model.ids import WorkflowId

_WORD = r"[A-Za-z0-9_$-][A-Za-z0-9._$-]{0,199}"  # not beginning with a dot: neither hidden, nor . nor ..
_PATH = re.compile(rf"{_WORD}(?:/{_WORD}){{0,7}}")


def data_of(text: str) -> bytes:
    """Return a value's text as a blob has it. Half a surrogate pair, which UTF-8 cannot say, is kept, too."""
    return text.encode("utf-8", "surrogatepass")


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def folder_of(owner: str, workflow_id: WorkflowId) -> str:
    """Return what the paths of one workflow's blobs begin with, with a slash at its end."""
    workflow = workflow_hash(workflow_id)
    return f"{owner}/{workflow[:2]}/{workflow}/"


def workflow_hash(workflow_id: WorkflowId) -> str:
    return blake2b(data_of(workflow_id), digest_size=16).hexdigest()


def workflow_hash_in(path: str) -> str:
    """Return which workflow a path is of; empty: it is not one of these."""
    words = path.split("/")
    return words[2] if len(words) == 4 else ""


def content_hash(data: bytes) -> str:
    return blake2b(data, digest_size=32).hexdigest()


def is_intact(path: str, data: bytes) -> bool:
    """Say whether a blob is what its path says, as far as its path says it."""
    return not workflow_hash_in(path) or path.rpartition("/")[2] == content_hash(data)


def check_path(path: str) -> str:
    """Return a path that leads nowhere but into a store.

    Raises:
        InvalidRequest: it may lead elsewhere.
    """
    if not _PATH.fullmatch(path):
        raise InvalidRequest(
            f"found the path {path[:80]!r} of a blob, expected words of letters, digits and ._$- with / between them"
        )
    return path
