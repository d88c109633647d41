import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.syncs import counting, so_far

ROOT = Path(__file__).parents[2]
FOUR_SYNCS = """
import os, subprocess, sys
from benchmarks.syncs import so_far
assert so_far() == 0
with open("scratch", "wb") as file:
    os.fsync(file.fileno()), os.fdatasync(file.fileno())
assert so_far() == 2
subprocess.run([sys.executable, "-c", "import os; file = os.open('scratch', os.O_RDWR); os.fsync(file), os.fsync(file)"])
print(so_far())
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_syncs_of_a_process_and_its_children_are_counted(tmp_path: Path) -> None:
    with counting() as environment:
        assert environment is not None
        done = subprocess.run(
            [sys.executable, "-c", FOUR_SYNCS],
            env={**environment, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("4\n", "")


def test_nothing_is_counted_in_a_usual_round() -> None:
    assert so_far() is None
