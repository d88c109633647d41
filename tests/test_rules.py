from tests import rules


def test_every_rule_has_a_test() -> None:
    assert rules.missing() == []


def test_the_page_of_rules_is_up_to_date() -> None:
    assert rules.PAGE.read_text(encoding="utf-8") == rules.page(), "run `python -m tests.rules`"


def test_no_test_names_a_rule_that_does_not_exist() -> None:
    chapters = {section.partition(".")[0] for section in rules.SECTIONS} | {"0", "14"}
    unknown = {section for section in rules.evidence() if section.partition(".")[0] not in chapters}
    assert unknown == set()
