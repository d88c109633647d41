"""A restored copy, which does nothing before somebody says that its original does nothing any more."""

from __future__ import annotations

from pathlib import Path

from perdure.engine.owner import Owner
from perdure.model.errors import UnavailableError
from perdure.store.store import Store


def resume(path: Path | str) -> bool:
    """Let a copy work from the next start of an engine on; say whether it was paused.

    Raises:
        UnavailableError: there is no such file, or it has an owner, or cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise UnavailableError(f"found no file {path}, expected a copy that `perdure backup` has written")
    owner = Owner.take(path)
    try:
        store = Store.open(path)
        try:
            was_paused = store.paused()
            if was_paused:
                store.resume()
            return was_paused
        finally:
            store.close()
    finally:
        owner.release()
