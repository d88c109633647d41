from __future__ import annotations

import subprocess
import sys
from datetime import date

import msgspec
import pydantic
import pytest

from perdure.authoring.codec.codec import Mismatch
from perdure.authoring.codec.compiler import codec_of


class Address(pydantic.BaseModel):
    street: str = pydantic.Field(alias="Street")
    since: date


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True)
    since: date


class Longer(Strict):
    until: date


class Names(pydantic.RootModel[list[str]]):
    pass


@pydantic.dataclasses.dataclass
class Checked:
    n: int


class Struct(msgspec.Struct):
    name: str
    since: date


class Row(msgspec.Struct, array_like=True):
    a: int
    b: str


@pytest.mark.parametrize(
    ("declared", "value", "raw"),
    [
        (Address, Address(Street="x", since=date(2026, 1, 1)), {"Street": "x", "since": "2026-01-01"}),
        (Strict, Strict(since=date(2026, 1, 1)), {"since": "2026-01-01"}),
        (Names, Names(["a"]), ["a"]),
        (Checked, Checked(3), {"n": 3}),
        (Struct, Struct("a", date(2026, 1, 1)), {"name": "a", "since": "2026-01-01"}),
        (Row, Row(1, "b"), [1, "b"]),
        (list[Struct | None], [Struct("a", date(2026, 1, 1)), None], [{"name": "a", "since": "2026-01-01"}, None]),
    ],
)
def test_a_value_is_written_by_its_own_library_and_read_back(declared: object, value: object, raw: object) -> None:
    codec = codec_of(declared)
    assert codec.encode(value) == raw
    assert codec.decode(raw) == value


@pytest.mark.parametrize("declared", [Address, Struct, Row])
def test_what_cannot_be_read_is_a_mismatch(declared: object) -> None:
    with pytest.raises(Mismatch):
        codec_of(declared).decode({"since": "never"})


def test_what_a_subclass_adds_is_not_lost_in_silence() -> None:
    with pytest.raises(Mismatch):
        codec_of(Strict).encode(Longer(since=date(2026, 1, 1), until=date(2026, 1, 2)))


def test_neither_library_is_imported_for_others_values() -> None:
    script = (
        "import sys; from perdure.authoring.codec.compiler import codec_of; codec_of(dict[str, int]);"
        "print([name for name in ('pydantic', 'msgspec', 'attr') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
