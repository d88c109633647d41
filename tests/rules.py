"""Which test stands for which rule: written into ``docs/rules.md`` by ``python -m tests.rules``.

A test names its sections with ``@rule("2.5")``, a recorded scenario in its line ``spec:``.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "rules.md"

SECTIONS = {
    "1.1": "Paths, methods, what is read leniently and what is refused",
    "1.2": "Errors and their status codes",
    "1.3": "What each call does on a missing and on a closed workflow",
    "1.4": "Start",
    "1.5": "Signal",
    "1.6": "Publish to internal channels",
    "1.7": "Config update",
    "1.9": "Reading data attributes",
    "1.10": "Setting attributes from outside",
    "1.11": "Reading search attributes",
    "1.12": "Results, with and without waiting",
    "1.16": "Skipping a timer",
    "1.19": "Health check",
    "2.1": "The life of a state execution",
    "2.2": "What a worker is asked",
    "2.3": "Waits that cannot be waited for",
    "2.4": "When a wait ends",
    "2.5": "Who takes which message",
    "2.6": "What execute learns of its wait",
    "2.7": "Timers, and skips that come early",
    "2.8": "Decisions and how runs close",
    "2.8.1": "Closing only if channels are empty",
    "2.9": "Waiting for a state's completion",
    "2.10": "What ends a run",
    "3.1": "What is a failed attempt",
    "3.2": "When it is tried again",
    "3.3": "The inline first attempt",
    "3.4": "What happens after the last attempt",
    "3.5": "The text of the final error",
    "3.6": "A worker's error answer",
    "4.1": "Data attributes",
    "4.2": "Search attributes",
    "4.3": "The system's search attributes",
    "4.4": "State locals",
    "4.5": "Recorded events",
    "4.6": "Loading policies",
    "4.7": "Locks",
    "4.8": "The memo option",
    "5.1": "RPC without locks",
    "5.2": "Failures of an RPC's method",
    "5.3": "RPC with locks",
    "5.4": "What an RPC can and cannot do",
    "6.1": "Channels are queues",
    "6.2": "Signals and internal messages are apart",
    "6.3": "Messages nobody waits for",
    "6.4": "Reading one's own writes",
    "6.5": "Messages left at the end",
    "7": "Reset",
    "8.1": "Stop",
    "8.2": "The workflow's timeout",
    "8.3": "Cron",
    "8.4": "Retry of a whole workflow",
    "8.5": "Reuse of a workflow id",
    "8.6": "Ignoring that it was started, and request ids",
    "8.7": "Start delay",
    "9.1": "Continue-as-new changes nothing a client can see",
    "9.2": "The configuration of one workflow",
    "9.3": "The debug dump",
    "10": "Search",
    **{f"B{n}": f"Worked trace {n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)},
    "C1": "Every transition is one durable commit",
    "C2": "Worker calls at least once, results at most once",
    "C3": "Acknowledged means durable, and read afterwards",
}


def evidence() -> dict[str, list[str]]:
    """Return for each section the tests and recordings that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for section, name in _rules_in(path):
            found[section].append(f"`{path.relative_to(TESTS).as_posix()}::{name}`")
    for path in sorted((TESTS / "recordings").rglob("*.yaml")):
        for section in _spec_of(path):
            found[section].append(f"recording `{path.stem}`")
    return found


def missing() -> list[str]:
    found = evidence()
    return [section for section in SECTIONS if section not in found]


def page() -> str:
    found = evidence()
    rows = [f"| {section} | {title} | {_shown(found.get(section, []))} |" for section, title in SECTIONS.items()]
    return "\n".join([_HEAD, *rows, ""])


_SHOWN_MAX = 4


def _shown(tests: list[str]) -> str:
    if not tests:
        return "*missing*"
    more = len(tests) - _SHOWN_MAX
    return "<br>".join(tests[:_SHOWN_MAX]) + (f"<br>and {more} more" if more > 0 else "")


_HEAD = """# Rules and their tests

Every rule of the iWF server that a client or a worker can observe, by the number of its section in
the specification Perdure was built from, with the tests that hold it. Made by `python -m tests.rules`.

| section | rule | held by |
|---|---|---|"""


def _rules_in(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "rule":
                    for section in decorator.args:
                        yield str(ast.literal_eval(section)), node.name


def _spec_of(path: Path) -> list[str]:
    line = re.search(r"^spec:(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r"\b(?:B\d+|\d+(?:\.\d+)*)\b", line[1]) if line else []


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
