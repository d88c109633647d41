"""A test says which paragraphs of the specification it stands for."""

from __future__ import annotations

import pytest

from perdure.testing.rule import rule, rules_of


def test_sections_are_kept_in_the_order_they_stand_above_the_test() -> None:
    @rule("2.5")
    @rule("3.1", "3.2")
    def test() -> None: ...

    assert rules_of(test) == ("2.5", "3.1", "3.2")


def test_function_without_a_rule_stands_for_none() -> None:
    assert rules_of(test_function_without_a_rule_stands_for_none) == ()


def test_rule_without_a_section_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one section"):
        rule()
