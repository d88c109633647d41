from pathlib import Path

import pytest

from perdure.cli.server import SETTINGS, Setting, read_settings
from perdure.model.errors import InvalidRequest
from perdure.server.settings import ServerSettings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "server.md"


def test_nothing_set_is_the_defaults() -> None:
    assert read_settings({}, {}) == ServerSettings()


def test_a_flag_counts_more_than_the_environment_and_that_more_than_the_default() -> None:
    environment = {"PERDURE_PORT": "9000", "PERDURE_DB": "env.db", "PERDURE_WORKER_URL_ALLOW": "10.0.0.0/8 http://w:1"}
    settings = read_settings({"port": 9001, "db": None}, environment)

    assert (settings.port, settings.db) == (9001, "env.db")
    assert settings.worker_url_allow == ("10.0.0.0/8", "http://w:1")


def test_a_variable_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidRequest, match="PERDURE_PORT is 'http', expected PORT"):
        read_settings({}, {"PERDURE_PORT": "http"})


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_one_of_the_servers_and_is_documented(setting: Setting) -> None:
    name, flag, variable = setting.name, setting.flag, setting.variable
    assert name in ServerSettings.__dataclass_fields__
    page = PAGE.read_text(encoding="utf-8")
    assert f"`{flag}`" in page
    assert f"`{variable}`" in page
