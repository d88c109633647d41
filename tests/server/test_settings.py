import pytest

from perdure.model.errors import InvalidRequest
from perdure.server.settings import ServerSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", -1), ("port", 65_536), ("max_wait_seconds", 0), ("body_bytes_max", 0), ("retention_days", 0)],
)
def test_a_setting_that_cannot_be_followed_is_named(name: str, value: int) -> None:
    with pytest.raises(InvalidRequest, match=f"{name} is {value}, expected"):
        ServerSettings(**{name: value})  # type: ignore[arg-type]  # each has its own type


def test_keys_are_not_shown() -> None:
    assert "whsec_" not in repr(ServerSettings(signing_keys=("whsec_secret",)))
