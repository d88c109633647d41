"""The test tree mirrors the source tree, so a newcomer finds a module's tests by its name."""

import ast
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "perdure"
TESTS = ROOT / "tests"

WITHOUT_OWN_TEST = {
    "model/*": "words: what they mean is tested where they are used",
    "ports/*": "contracts: the conformance suites of `testing` are their tests",
    "testing/conformance/*": "tests themselves, run against every implementation of a port",
}
"""Modules that need no test file of their own, and why. Modules without a single function need none either."""

LINES_MAX = 1_000
"""Far beyond what one reads in a sitting: a longer file has more than one noun in it."""


def modules() -> list[Path]:
    """Every module of the package but the doors of its rooms, relative to the package."""
    return sorted(p.relative_to(SRC) for p in SRC.rglob("*.py") if not p.name.startswith("__"))


def has_own_test(module: Path) -> bool:
    return (TESTS / module.with_name(f"test_{module.name}")).exists()


def needs_own_test(module: Path) -> bool:
    if any(fnmatch(module.as_posix(), pattern) for pattern in WITHOUT_OWN_TEST):
        return False
    tree = ast.parse((SRC / module).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def test_every_module_has_a_test_of_the_same_name() -> None:
    untested = [m.as_posix() for m in modules() if needs_own_test(m) and not has_own_test(m)]
    assert not untested, f"modules of perdure without a test file in tests/: {untested}"


def test_every_exception_is_still_needed() -> None:
    for pattern in WITHOUT_OWN_TEST:
        excused = [m for m in modules() if fnmatch(m.as_posix(), pattern)]
        assert not excused or not all(map(has_own_test, excused)), f"all have tests: remove the exception {pattern}"


def test_no_file_has_grown_beyond_reading() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests", "apps")
        for path in (ROOT / folder).rglob("*.py")
    }
    long = {path: lines for path, lines in lengths.items() if lines > LINES_MAX}
    assert not long, f"files of more than {LINES_MAX} lines, to be split by nouns: {long}"
