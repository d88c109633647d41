from __future__ import annotations

import json
from base64 import b64encode

import pytest

from perdure.model.errors import InvalidRequest
from perdure.store.page_token import AmongClosed, AmongOpen, InOrder, Position, read_token, write_token


@pytest.mark.parametrize(
    "position",
    [AmongOpen(7), AmongClosed(1_790_000_000_000, 7), AmongClosed(-5, 7), InOrder((0, 0.1, "Ünï", -7)), InOrder(())],
)
def test_a_token_says_where_the_page_ended(position: Position) -> None:
    assert read_token(write_token(position)) == position


def encoded(plain: object) -> str:
    return b64encode(json.dumps(plain).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "not a token",
        "é",
        "=",
        "AAAA",
        b64encode(b"[" * 100_000).decode(),
        encoded(7),
        encoded([]),
        encoded(["open"]),
        encoded(["open", "7"]),
        encoded(["open", True]),
        encoded(["open", 2**63]),
        encoded(["closed", 1]),
        encoded(["closed", None, 1]),
        encoded(["order", None]),
        encoded(["order", "\ud800"]),
        encoded(["somewhere", 7]),
        f" {encoded(['open', 7])}",
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequest, match="nextPageToken"):
        read_token(token)
