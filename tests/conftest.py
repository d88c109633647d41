"""What all tests share: the lines of figures that some of them tell at the end of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_FIGURES = "figures"


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line of figures at the end of the run, also when the test passes, and from whichever process it runs in."""
    return lambda line: request.node.user_properties.append((_FIGURES, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = [
        line
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, line in report.user_properties
        if name == _FIGURES
    ]
    if lines:
        terminalreporter.section("crash tests")
        for line in lines:
            terminalreporter.write_line(str(line))
