import argparse
from collections.abc import Mapping
from typing import Any

import pytest

from perdure.cli.setting import Setting, add_flags, choose
from perdure.model.errors import InvalidRequest


def take_pair(written: Mapping[str, Any]) -> tuple[str, Any]:
    if len(written) != 1:
        raise ValueError(f"has {len(written)} keys, expected one")
    return next(iter(written.items()))


PORT = Setting("port_number", "PORT", "where it listens", int)
HOSTS = Setting("hosts", "HOST", "who may", is_list=True)
PAIR = Setting("pair", "JSON", "a pair", take=take_pair)
KEY = Setting("key", "KEY", "a secret", is_secret=True)
ALL = (PORT, HOSTS, PAIR, KEY)


def choices(
    flags: list[str] | None = None, environment: dict[str, str] | None = None, file: dict[str, Any] | None = None
) -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add_flags(parser, ALL)
    return choose(ALL, flags=vars(parser.parse_args(flags or [])), environment=environment or {}, file=file or {})


def test_every_source_gives_the_same_values() -> None:
    expected = {"port_number": 80, "hosts": ("a", "b"), "pair": ("x", 1)}
    written = {"port_number": 80, "hosts": ["a", "b"], "pair": {"x": 1}}

    assert choices(["--port-number", "80", "--hosts", "a", "--hosts", "b", "--pair", '{"x": 1}']) == expected
    assert (
        choices(environment={"PERDURE_PORT_NUMBER": "80", "PERDURE_HOSTS": "a b", "PERDURE_PAIR": '{"x": 1}'})
        == expected
    )
    in_file = {each.name: each.from_file(written[each.name], place="here") for each in (PORT, HOSTS, PAIR)}
    assert choices(file=in_file) == expected


def test_one_thing_in_a_file_is_a_list_of_one() -> None:
    assert HOSTS.from_file("a", place="hosts") == ("a",)


def test_a_mapping_that_cannot_be_read_is_not_shown() -> None:
    for text in ('{"token": "s3cret"', '["s3cret"]'):
        with pytest.raises(InvalidRequest, match="PERDURE_PAIR is") as refused:
            choices(environment={"PERDURE_PAIR": text})
        assert "s3cret" not in str(refused.value)


def test_a_secret_is_no_flag() -> None:
    with pytest.raises(SystemExit):
        choices(["--key", "s"])
    assert choices(environment={"PERDURE_KEY": "s"}) == {"key": "s"}


@pytest.mark.parametrize(
    ("flags", "environment", "problem"),
    [
        (["--port-number", "http"], {}, "--port-number is 'http', expected PORT: where it listens"),
        ([], {"PERDURE_PORT_NUMBER": "http"}, "PERDURE_PORT_NUMBER is 'http', expected PORT: where it listens"),
        (["--pair", "{"], {}, "--pair is no JSON, expected some for a pair: "),
        (["--pair", "[]"], {}, "--pair is list, expected a mapping: a pair"),
        ([], {"PERDURE_PAIR": "{}"}, "PERDURE_PAIR: has 0 keys, expected one"),
    ],
)
def test_what_cannot_be_read_is_named_as_it_was_given(
    flags: list[str], environment: dict[str, str], problem: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        choices(flags, environment)
    assert str(refused.value).startswith(problem)


@pytest.mark.parametrize("written", [{"a": 1}, [1], "http", True])
def test_a_file_s_value_of_another_kind_is_refused(written: object) -> None:
    with pytest.raises(InvalidRequest, match=r"port_number in x\.yaml is .*, expected PORT"):
        PORT.from_file(written, place="port_number in x.yaml")
