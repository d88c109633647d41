import re
from pathlib import Path

import pytest

from perdure.cli.config_file import IWF_KEYS, ConfigFile
from perdure.cli.main import main
from perdure.cli.server import find_file, read_settings
from perdure.cli.setting import Setting
from perdure.cli.settings import SERVER_SETTINGS
from perdure.server.settings import ServerSettings

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def test_nothing_set_is_the_defaults() -> None:
    assert read_settings({}, {}) == ServerSettings()


def test_a_flag_counts_more_than_the_environment_that_more_than_the_file_and_that_more_than_the_default() -> None:
    environment = {"PERDURE_PORT": "9000", "PERDURE_DB": "env.db", "PERDURE_WORKER_URL_ALLOW": "10.0.0.0/8 http://w:1"}
    file = ConfigFile({"port": 8000, "db": "file.db", "max_wait_seconds": 7})
    settings = read_settings({"port": "9001", "db": None}, environment, file)

    assert (settings.port, settings.db, settings.max_wait_seconds) == (9001, "env.db", 7)
    assert settings.worker_url_allow == ("10.0.0.0/8", "http://w:1")
    assert settings.host == ServerSettings().host


def test_the_file_is_named_by_a_flag_or_a_variable(tmp_path: Path) -> None:
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("port: 1001")
    other.write_text("port: 1002")

    assert find_file({"config": str(one)}, {"PERDURE_CONFIG": str(other)}).values == {"port": 1001}
    assert find_file({"config": None}, {"PERDURE_CONFIG": str(other)}).values == {"port": 1002}
    assert find_file({}, {}).values == {}


def test_an_external_storage_that_cannot_be_used_keeps_a_server_from_beginning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    config = tmp_path / "iwf.yaml"
    config.write_text(
        "externalStorage:\n  enabled: true\n  thresholdInBytes: 1000\n"
        f"  supportedStorages: [{{status: active, storageId: a, storageType: folder, folder: {tmp_path}/file/blobs}}]\n"
    )

    assert main(["server", "--config", str(config), "--db", str(tmp_path / "x.db"), "--port", "0"]) == 1
    assert "for large values cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize("setting", SERVER_SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_one_of_the_servers_and_is_documented(setting: Setting) -> None:
    assert setting.name in ServerSettings.__dataclass_fields__
    flag = "" if setting.is_secret else f"`{setting.flag}`"
    assert re.search(rf"^\| {re.escape(flag)} *\| `{setting.variable}` \| `{setting.name}` \|", PAGE, re.MULTILINE)


def test_every_field_of_the_servers_settings_can_be_set() -> None:
    assert {setting.name for setting in SERVER_SETTINGS} == set(ServerSettings.__dataclass_fields__)


def test_the_names_of_iwf_s_that_are_read_are_documented() -> None:
    for place, name in IWF_KEYS.items():
        assert (name is not None) == (f"| `{place}` | `{name}`" in PAGE), place
