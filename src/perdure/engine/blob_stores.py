"""Which stores of large values a file cannot do without."""

from __future__ import annotations

import logging
from pathlib import Path

from perdure.blobs.settings import Blobs
from perdure.model.errors import InvalidRequest
from perdure.store.store import Store

logger = logging.getLogger(__name__)


def claim_blob_stores(store: Store, path: Path | str, blobs: Blobs | None) -> None:
    """Note in the file which stores it may have values in from here on; refuse to do without one that it has some in.

    What is noted is every store that was ever given. One that is given no longer is looked for in all
    journals, which may take a while, and is forgotten if nothing names it: once all that was in there has
    gone with its runs, the store may go, too. A start with the same stores as before looks at one row.

    Raises:
        InvalidRequest: a store is not given whose values journals name.
    """
    given = () if blobs is None else tuple(sorted(each.store_id for each in blobs.stores))
    known = store.blob_stores()
    missing = [store_id for store_id in known if store_id not in given]
    if missing:
        logger.info("looking through %s for values in %s, which is not given any more", path, _listed(missing))
    if missing and (needed := store.named_blob_stores(missing)):
        raise InvalidRequest(_refusal(path, needed, given))
    if given != known:
        store.keep_blob_stores(given)


def _refusal(path: Path | str, needed: tuple[str, ...], given: tuple[str, ...]) -> str:
    several = len(needed) > 1
    stores, each = ("stores", "each of them") if several else ("store", "it")
    found = f"{_listed(given)} only" if given else "no store"
    return (
        f"{path} has large values in the {stores} {_listed(needed)}, found {found}: its workflows would be given names "
        f"in place of values. Hand over {each} under that id, wherever it is now: "
        f"connect(…, blobs=Blobs(BlobFolder(…, store_id={needed[0]!r}))), or externalStorage in the file of "
        "`perdure server --config`. One that is not written to any more is among `others`, there `inactive`"
    )


def _listed(store_ids: list[str] | tuple[str, ...]) -> str:
    return " and ".join(map(repr, store_ids))
