"""The version of the rules: what decides to which state a journal folds.

Rule 1: each segment of a journal says in its genesis which rules it was written under, and is folded
        by those for ever. ``Memory.rules`` has them while it is.
Rule 2: whoever changes what an event does raises ``RULES_VERSION``, and asks ``self.rules`` where
        old and new differ. A run adopts the newest at a step boundary, so that the old way can go
        once no journal that is kept has a segment under it.
Rule 3: rules that are newer than ours cannot be followed.
"""

from __future__ import annotations

from perdure.model.errors import InternalError

RULES_VERSION = 1
"""The newest rules, under which every new segment begins."""


def check_rules(version: int) -> int:
    """Return *version*, if this release can fold a segment under it.

    Raises:
        InternalError: it is of a later release; both versions are named.
    """
    if version > RULES_VERSION:
        raise InternalError(
            f"found a journal under rules of version {version}, this release knows versions up to {RULES_VERSION}: "
            "use the release that wrote it, or a later one"
        )
    return version
