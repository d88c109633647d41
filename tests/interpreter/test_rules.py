import pytest

from perdure.interpreter.rules import RULES_VERSION, check_rules
from perdure.model.errors import InternalError


def test_rules_of_this_and_of_earlier_releases_are_followed() -> None:
    assert [check_rules(version) for version in (0, RULES_VERSION)] == [0, RULES_VERSION]


def test_newer_rules_are_refused_naming_both_versions() -> None:
    with pytest.raises(
        InternalError, match=f"version {RULES_VERSION + 1}, this release knows versions up to {RULES_VERSION}"
    ):
        check_rules(RULES_VERSION + 1)
