"""A server's settings in a YAML file: by our names, by those of iWF's own server, or both.

A team that has run iWF's server brings its file. What in it configures a part that is not here (Temporal,
Cadence, migrations of theirs) is told and left out; a key that neither knows is a mistake, and most
likely a misspelling.

iWF's names count in any case: its documentation says ``defaultWorkflowConfig``, the key that its server
really reads is ``defaultworkflowconfig``, and files have one or the other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from perdure.cli.setting import Setting
from perdure.model.errors import InvalidRequest

ANYTHING: Final = "*"
"""At the end of a place: whatever is below."""

IWF_KEYS: Final[Mapping[str, str | None]] = {
    "log.stdout": None,
    "log.level": None,
    "log.outputFile": None,
    "log.levelKey": None,
    "log.encoding": None,
    "api.port": "port",
    "api.maxWaitSeconds": "max_wait_seconds",
    "api.omitRpcInputOutputInHistory": None,
    "api.waitForStateCompletionMigration.*": None,
    "api.queryWorkflowFailedRetryPolicy.*": None,
    "interpreter.temporal.*": None,
    "interpreter.cadence.*": None,
    "interpreter.defaultWorkflowConfig": "default_workflow_config",
    "interpreter.interpreterActivityConfig.apiServiceAddress": None,
    "interpreter.interpreterActivityConfig.dumpWorkflowInternalActivityConfig.*": None,
    "interpreter.interpreterActivityConfig.defaultHeaders": "worker_headers",
    "interpreter.verboseDebug": None,
    "interpreter.failAtMemoIncompatibility": None,
    "externalStorage": "external_storage",
}
"""What iWF's server reads, and our setting for it; ``None``: there is nothing here to set by it."""

_ZERO_IS_DEFAULT: Final = frozenset({"api.maxWaitSeconds"})
_BY_FOLDED: Final = {place.removesuffix(f".{ANYTHING}").casefold(): place for place in IWF_KEYS}
_SECTIONS: Final = frozenset(place[:end] for place in _BY_FOLDED for end, each in enumerate(place) if each == ".")


@dataclass(frozen=True, slots=True)
class ConfigFile:
    values: Mapping[str, Any]
    """By the settings' names."""
    unused: tuple[str, ...] = ()
    """Keys of iWF's that mean nothing here."""


NO_FILE: Final = ConfigFile({})


def read(path: str, settings: Iterable[Setting]) -> ConfigFile:
    """Read a file of settings.

    Raises:
        InvalidRequest: it cannot be read, or has a key that nobody knows; the message names it and the nearest known one.
    """
    known = {setting.name: setting for setting in settings}
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    unused: list[str] = []
    for place, written in _leaves(_load(path), known):
        name = place if place in known else _iwf_setting(path, place, known)
        if name not in known:
            unused.append(place)
            continue
        if written is None or (written == 0 and _BY_FOLDED.get(place.casefold()) in _ZERO_IS_DEFAULT):
            continue
        if name in places:
            raise InvalidRequest(f"{path} has both {places[name]} and {place}, which are the same setting: keep one")
        places[name] = place
        values[name] = known[name].from_file(written, place=f"{place} in {path}")
    return ConfigFile(values, tuple(unused))


def _load(path: str) -> dict[str, Any]:
    try:
        import yaml  # noqa: PLC0415  # the extra `server` has it
    except ImportError:
        raise InvalidRequest("--config needs PyYAML. Install it: pip install 'perdure[server]'") from None
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidRequest(
            f"there is no file {Path(path).absolute()}, expected the settings there, which --config or "
            "PERDURE_CONFIG names. Without either the defaults hold"
        ) from None
    except OSError as error:
        raise InvalidRequest(f"the settings in {path} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRequest(f"{path} cannot be read as YAML: {error}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidRequest(f"{path} has {type(found).__name__}, expected settings as 'name: value'")
    return found


def _leaves(section: Mapping[Any, Any], known: Mapping[str, Setting], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is set, with its place; the sections of iWF's file are gone into."""
    for key, written in section.items():
        place = f"{above}{key}"
        if isinstance(written, dict | None) and place not in known and place.casefold() in _SECTIONS:
            yield from _leaves(written or {}, known, f"{place}.")
        else:
            yield place, written


def _iwf_setting(path: str, place: str, known: Mapping[str, Setting]) -> str | None:
    folded = place.casefold()
    if folded in _BY_FOLDED:
        return IWF_KEYS[_BY_FOLDED[folded]]
    if folded in _SECTIONS:
        raise InvalidRequest(f"{place} in {path} has a value, expected settings below it")
    names = {**_BY_FOLDED, **{section: section for section in _SECTIONS}, **{name: name for name in known}}
    near = difflib.get_close_matches(folded, names, n=1, cutoff=0.0)
    raise InvalidRequest(
        f"{path} has the key {place}, which this server does not know. The nearest it knows is "
        f"{names[near[0]].removesuffix('.*')}"
    )
