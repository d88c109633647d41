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


def test_a_database_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="db is empty, expected a file"):
        ServerSettings(db="")


def test_keys_are_not_shown() -> None:
    assert "whsec_" not in repr(ServerSettings(signing_keys=("whsec_secret",)))


def test_the_figures_have_the_address_of_the_server_their_own_or_none() -> None:
    assert ServerSettings().metrics_address is None
    assert ServerSettings(metrics="off").metrics_address is None
    assert ServerSettings(metrics="127.0.0.1:9801").metrics_address == ("127.0.0.1", 9801)
    assert ServerSettings(metrics="[::1]:0").metrics_address == ("::1", 0)
    for wrong in ("yes", "9801", ":9801", "localhost:", "localhost:x", "localhost:65536"):
        with pytest.raises(InvalidRequest, match=f"metrics is '{wrong}', expected on, off or HOST:PORT"):
            ServerSettings(metrics=wrong)
