"""The test tree mirrors the source tree, so a newcomer finds a module's tests by its name."""

from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "perdure"
TESTS = ROOT / "tests"

WITHOUT_OWN_TEST = {
    "model/*": "frozen values: what they mean is tested where they are used",
    "ports/*": "contracts: the conformance suites of `testing` are their tests",
    "interpreter/events.py": "frozen values; test_codec.py visits each",
    "interpreter/effects.py": "frozen values; test_codec.py visits each",
}
"""Modules that need no test file of their own, and why."""

LINES_MAX = 1_000
"""Far beyond what one reads in a sitting: a longer file has more than one noun in it."""


def modules() -> list[Path]:
    """Every module of the package but the doors of its rooms, relative to the package."""
    return sorted(p.relative_to(SRC) for p in SRC.rglob("*.py") if not p.name.startswith("__"))


def is_excused(module: Path) -> bool:
    return any(fnmatch(module.as_posix(), pattern) for pattern in WITHOUT_OWN_TEST)


def test_every_module_has_a_test_of_the_same_name() -> None:
    wanted = {m.with_name(f"test_{m.name}") for m in modules() if not is_excused(m)}
    missing = sorted(test.as_posix() for test in wanted if not (TESTS / test).exists())
    assert not missing, f"modules without a test file in tests/: {missing}"


def test_every_exception_is_still_needed() -> None:
    for pattern in WITHOUT_OWN_TEST:
        if not (SRC / pattern).parent.exists():
            continue
        excused = [m for m in modules() if fnmatch(m.as_posix(), pattern)]
        tested = [m.as_posix() for m in excused if (TESTS / m.with_name(f"test_{m.name}")).exists()]
        assert excused, f"no module is called {pattern}: remove its exception"
        assert len(tested) < len(excused), f"{tested} have tests: remove the exception {pattern}"


def test_no_file_has_grown_beyond_reading() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for folder in ("src", "tests", "apps")
        for path in (ROOT / folder).rglob("*.py")
    }
    long = {path: lines for path, lines in lengths.items() if lines > LINES_MAX}
    assert not long, f"files of more than {LINES_MAX} lines, to be split by nouns: {long}"
