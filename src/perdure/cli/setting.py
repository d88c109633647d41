"""One thing that can be set, and its four sources: a flag, the environment, a file, the default.

A command has a table of its settings; every one of them can be given in every way, with no more
than its line in that table. What a value means is checked by whom it is for.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from perdure.model.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Setting:
    """``--its-name`` on the command line, ``PERDURE_ITS_NAME`` in the environment, ``its_name`` in a file."""

    name: str
    metavar: str
    help: str
    read: Callable[[str], Any] = str
    """Makes the value of a text. Raises ``ValueError``."""
    is_list: bool = False
    """A flag that is given several times; in the environment, separated by spaces."""
    is_secret: bool = False
    """No flag: what a command line says, everybody on the machine can read."""
    take: Callable[[Mapping[str, Any]], Any] | None = None
    """Makes the value of what is written as a mapping in a file, and as JSON elsewhere; instead of ``read``.
    Raises ``ValueError``."""
    group: str = ""
    """Whose it is, for the environment, which commands share: ``PERDURE_WORKER_PORT`` is not the server's."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "_".join(part.upper() for part in ("PERDURE", self.group, self.name) if part)

    def from_text(self, text: str, *, place: str) -> Any:
        """Return the value that a flag or a variable has.

        Raises:
            InvalidRequest: it has none; *place* is named.
        """
        if self.take is None:
            return self._read(text.split() if self.is_list else text, place)
        try:
            written = json.loads(text)
        except ValueError as error:
            # The text is not shown: it may hold a secret, and this goes to a log.
            raise InvalidRequest(f"{place} is no JSON, expected some for {self.help}: {error}") from None
        return self.from_file(written, place=place)

    def from_file(self, written: Any, *, place: str) -> Any:
        """Return the value of what a YAML file has for it; as ``from_text``."""
        if self.take is not None:
            if not isinstance(written, dict):
                raise InvalidRequest(f"{place} is {type(written).__name__}, expected a mapping: {self.help}")
            try:
                return self.take(written)
            except ValueError as error:
                raise InvalidRequest(f"{place}: {error}") from None
        if self.is_list:
            return self._read([_text(part) for part in (written if isinstance(written, list) else [written])], place)
        if isinstance(written, dict | list):
            raise InvalidRequest(f"{place} is {written!r}, expected {self.metavar}: {self.help}")
        return self._read(_text(written), place)

    def _read(self, written: str | list[str], place: str) -> Any:
        try:
            return tuple(map(self.read, written)) if isinstance(written, list) else self.read(written)
        except ValueError:
            raise InvalidRequest(f"{place} is {written!r}, expected {self.metavar}: {self.help}") from None


def _text(written: Any) -> str:
    """Return a YAML scalar as it was written: YAML takes ``on`` and ``off`` for truth values."""
    if isinstance(written, bool):
        return "on" if written else "off"
    return str(written)


def add_flags(parser: argparse.ArgumentParser, settings: Iterable[Setting]) -> None:
    for setting in settings:
        if not setting.is_secret:
            parser.add_argument(
                setting.flag,
                dest=setting.name,
                metavar=setting.metavar,
                help=setting.help,
                action="append" if setting.is_list else "store",
                default=None,
            )


def choose(
    settings: Iterable[Setting],
    *,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what is set, by name: a flag counts more than the environment, and that more than the file.

    Args:
        flags: as the command line has them, by the settings' names; what was not given is ``None``.
        file: values, as ``config_file.read`` returns them.

    Raises:
        InvalidRequest: one of them cannot be read; it is named as it was given.
    """
    chosen: dict[str, Any] = {}
    for setting in settings:
        if (given := flags.get(setting.name)) is not None:
            text = " ".join(given) if setting.is_list else given
            chosen[setting.name] = setting.from_text(text, place=setting.flag)
        elif text := environment.get(setting.variable):
            chosen[setting.name] = setting.from_text(text, place=setting.variable)
        elif setting.name in file:
            chosen[setting.name] = file[setting.name]
    return chosen
