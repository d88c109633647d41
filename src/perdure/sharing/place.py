"""Where the socket of a file is: beside it, or, if it cannot be there, where this user's sockets are.

The caller owns the file: nobody else makes or removes its socket.
"""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from perdure.engine.owner import lock_of
from perdure.model.errors import UnavailableError

SCHEME = "unix:"
BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Place:
    """A socket that is listened at, and its name in the file system."""

    listening: socket.socket
    path: Path
    address: str
    """As the lock's file tells it: a path, relative to the folder of the file, which may be mounted elsewhere."""
    identity: tuple[int, int]

    def remove(self) -> None:
        """Remove the name, unless it is another's by now.

        To be called before the socket is closed: until then no other has its number.
        """
        try:
            if _identity(self.path) == self.identity:
                self.path.unlink()
        except OSError:
            return  # Gone already, or its folder: the next owner copes with either.


def make_place(file: Path) -> Place:
    """Make a socket for the database *file* that only this user can connect to. Replaces one that is left over.

    Raises:
        UnavailableError: it can be nowhere; the message says where it was tried, and why not there.
    """
    file = Path(os.path.realpath(file))
    problems = []
    for place in (_beside, _among_sockets):
        try:
            return place(file)
        except OSError as error:
            problems.append(error.strerror or str(error))
    raise UnavailableError(
        f"no socket can be made beside {file} ({problems[0]}) or in a folder for sockets ({problems[1]})"
    )


def path_of(file: Path, address: str) -> Path:
    """Return where the socket is that the owner of *file* has named."""
    return Path(os.path.realpath(file)).parent / address.removeprefix(SCHEME)


def _beside(file: Path) -> Place:
    path = file.with_name(file.name + ".sock")
    return _listen(path, address=SCHEME + path.name)


def _among_sockets(file: Path) -> Place:
    """A path may have no more than about a hundred bytes, and not every file system has sockets."""
    # The lock's file stands for the database: it is never replaced, so no other owner has a socket of this name.
    device, number = _identity(lock_of(file))
    path = _folder() / f"{device:x}-{number:x}.sock"
    return _listen(path, address=SCHEME + str(path))


def _folder() -> Path:
    """Return a folder that nobody else can enter."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "perdure" if runtime else Path(tempfile.gettempdir()) / f"perdure-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not a folder that only user {os.getuid()} can enter")
    return folder


def _listen(path: Path, *, address: str) -> Place:
    if os.path.lexists(path):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} is there, and is no socket")
        path.unlink()  # whoever listened there does not own the file any more
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(os.fspath(path))
        # Before it is listened at, nobody can connect: at no moment can anybody who may not.
        path.chmod(0o600)
        listening.listen(BACKLOG)
        listening.setblocking(False)
        return Place(listening, path, address, _identity(path))
    except BaseException:
        listening.close()
        raise


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
