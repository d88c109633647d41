"""Crash tests: whatever the moment at which an engine dies, what it acknowledged stays, and it goes on.

Four kinds, each of which says what it tried (the lines after pytest's own):

- ``test_simulated.py``: the engine's core on a real file, everything around it replaced by single moves that a
  seeded scheduler chooses (``process.py``). From every moment of every program of the corpus (``programs.py``) the
  engine dies, another one takes the file over, and the end must be the same (``verdict.py`` has the rules).
- ``test_lying_storage.py``: the disk keeps only what was synced, and of the rest whatever it likes
  (``lying_vfs.py``). What happens to a disk is recorded once, and the disk is then made as a power cut would have left
  it, at every write and sync.
- ``test_sigkill.py``: real processes under load, killed with SIGKILL again and again, while another one keeps the
  ledger of what they acknowledged. ``test_sigkill_over_http.py`` does so to ``perdure server`` and a worker (``siege.py``).
- ``test_turmoil.py``: a seed has callers, workers, the clock, a disk that refuses and crashes do everything at once
  (``turmoil.py``, ``whims.py``); whatever comes of it, the file is well and each run is what its journal says.

``make test-long`` runs the longer versions: more seeds, more crashes during recovery, minutes of kills.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import perdure

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the code as it is now, for processes that are started again and again for minutes.

    From the tree itself they would get what somebody is in the middle of editing, or several versions one after the other.
    """
    folder = tmp_path_factory.mktemp("code")
    without = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(perdure.__file__).parent, folder / "perdure", ignore=without)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=without)
    return folder
