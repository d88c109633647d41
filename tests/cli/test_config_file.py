from pathlib import Path
from typing import Any

import pytest

from perdure.cli.config_file import ConfigFile, read
from perdure.cli.settings import SERVER_SETTINGS
from perdure.model.errors import InvalidRequest
from perdure.model.options import WorkflowConfig
from perdure.server.external_storage import ObjectStore

AS_DOCUMENTED = """
log:
  stdout: true
  level: info
api:
  port: 8802
  maxWaitSeconds: 30
  waitForStateCompletionMigration:
    waitForOn: old
    signalWithStartOn: old
interpreter:
  temporal:
    hostPort: localhost:7233
    namespace: default
  defaultWorkflowConfig:
    continueAsNewThreshold: 50
    executingStateIdMode: ENABLED_FOR_ALL
  interpreterActivityConfig:
    ApiServiceAddress: http://localhost:8802
    DefaultHeaders:
      x-team: signup
externalStorage:
  enabled: false
  thresholdInBytes: 1024
  supportedStorages:
    - status: active
      storageId: one
      storageType: s3
      s3Endpoint: http://localhost:9000
      s3Bucket: iwf
      s3Region: us-east-1
      s3AccessKey: access
      s3SecretKey: secret
"""


def reading(folder: Path, text: str) -> ConfigFile:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return read(str(path), SERVER_SETTINGS)


def lowered(text: str) -> str:
    """The same file with keys in small letters; values stay."""
    return "\n".join(
        key.lower() + colon + value for key, colon, value in (line.partition(":") for line in text.splitlines())
    )


@pytest.mark.parametrize("text", [AS_DOCUMENTED, lowered(AS_DOCUMENTED)], ids=["as documented", "as really read"])
def test_a_file_of_iwf_s_means_here_what_it_means_there(tmp_path: Path, text: str) -> None:
    file = reading(tmp_path, text)

    storage = file.values["external_storage"]
    assert dict(file.values) == {
        "port": 8802,
        "max_wait_seconds": 30,
        "default_workflow_config": reading(
            tmp_path, "default_workflow_config: {continueAsNewThreshold: 50, executingStateIdMode: ENABLED_FOR_ALL}"
        ).values["default_workflow_config"],
        "worker_headers": {"x-team": "signup"},
        "external_storage": storage,
    }
    assert file.values["default_workflow_config"] != WorkflowConfig()
    assert storage.stores == (
        ObjectStore("one", True, "http://localhost:9000", "iwf", "us-east-1", "access", "secret"),
    )
    assert [place.casefold() for place in file.unused] == [
        "log.stdout",
        "log.level",
        "api.waitforstatecompletionmigration",
        "interpreter.temporal",
        "interpreter.interpreteractivityconfig.apiserviceaddress",
    ]


def test_our_names_and_theirs_may_stand_in_one_file(tmp_path: Path) -> None:
    file = reading(tmp_path, "api: {port: 1}\ndb: a.db\nworker_url_allow: [10.0.0.0/8, 'http://w:1']\nlog:\n")

    assert file == ConfigFile({"port": 1, "db": "a.db", "worker_url_allow": ("10.0.0.0/8", "http://w:1")})


def test_no_wait_in_iwf_s_file_is_its_default_as_it_is_there(tmp_path: Path) -> None:
    assert reading(tmp_path, "api: {maxWaitSeconds: 0}").values == {}


@pytest.mark.parametrize("written", ["on", "off"])
def test_on_and_off_are_words_here_though_yaml_takes_them_for_truth_values(tmp_path: Path, written: str) -> None:
    assert reading(tmp_path, f"metrics: {written}").values == {"metrics": written}


def test_an_empty_file_sets_nothing(tmp_path: Path) -> None:
    assert reading(tmp_path, "# nothing yet\n") == ConfigFile({})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot: 1", "has the key prot, which this server does not know. The nearest it knows is port"),
        ("api: {prot: 1}", "has the key api.prot, which this server does not know. The nearest it knows is api.port"),
        ("interpreter: {defaultWorkflowCfg: {}}", "nearest it knows is interpreter.defaultWorkflowConfig"),
        ("worker-url-allow: [a]", "which this server does not know. The nearest it knows is worker_url_allow"),
        ("api: 8801", "api in .* has a value, expected settings below it"),
        ("port: http", "port in .* is 'http', expected PORT"),
        ("port: 1\napi: {port: 2}", "has both port and api.port, which are the same setting: keep one"),
        ("- port", "has list, expected settings as 'name: value'"),
        ("a: [", "cannot be read as YAML"),
        (
            "externalStorage: {enable: true}",
            "externalStorage in .*: there is no key enable. The nearest there is is enabled",
        ),
        (
            "interpreter: {defaultWorkflowConfig: {optimizeTimer: 3}}",
            "optimizeTimer is a whole number, expected true or",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_what_is_near(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        reading(tmp_path, text)


def test_every_key_of_the_table_is_known(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {}
    assert reading(tmp_path, "interpreter: {cadence: {domain: d}, verboseDebug: true}").values == nothing


def test_a_file_that_is_not_there_is_named_with_who_names_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as told:
        read(str(tmp_path / "none.yaml"), SERVER_SETTINGS)
    assert str(told.value) == (
        f"there is no file {tmp_path}/none.yaml, expected the settings there, which --config or PERDURE_CONFIG names. "
        "Without either the defaults hold"
    )
    with pytest.raises(InvalidRequest, match=r"the settings in .* cannot be read: Is a directory"):
        read(str(tmp_path), SERVER_SETTINGS)
