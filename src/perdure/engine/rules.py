"""Which rules the runs of a file may be under: at most ours."""

from __future__ import annotations

from pathlib import Path

from perdure.interpreter.rules import RULES_VERSION
from perdure.model.errors import UnavailableError
from perdure.store.store import Store


def claim_rules(store: Store, path: Path | str, *, version: int = RULES_VERSION) -> None:
    """Note in the file under which rules its runs are from here on; refuse one that has seen newer ones.

    A run would be refused by itself too, but only once it is woken, and is quarantined then.

    Raises:
        UnavailableError: it says what was found and what was expected.
    """
    found = store.rules()
    if found > version:
        raise UnavailableError(
            f"{path} has runs under rules of version {found}, this release knows versions up to {version}: "
            "use the release that wrote it, or a later one"
        )
    if found < version:
        store.keep_rules(version)
