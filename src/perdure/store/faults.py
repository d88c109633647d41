"""What can be wrong with a disk or a file, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from perdure.model.errors import InternalError, PerdureError, UnavailableError

_FSYNC_FAILURES = frozenset({apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC})


class FileGuard:
    """Turns SQLite's errors about one file into ours, and keeps a file that failed for good from being used."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._closed_for: str | None = None

    @property
    def is_closed(self) -> bool:
        """Whether what is on the disk is not known any more."""
        return self._closed_for is not None

    @contextmanager
    def reading(self) -> Iterator[None]:
        if self._closed_for is not None:
            raise UnavailableError(self._closed_for)
        with faults_of(self.file):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self.reading():
            try:
                yield
            except apsw.Error as error:
                if _is_final(error):
                    self._closed_for = str(explain(error, self.file))
                raise


@contextmanager
def faults_of(file: str) -> Iterator[None]:
    """Turn SQLite's errors about *file* into ours."""
    try:
        yield
    except apsw.Error as error:
        raise explain(error, file) from error
    except UnicodeEncodeError as error:
        raise InternalError(f"found half a surrogate pair in a text for {file}, nothing was written") from error


def explain(error: apsw.Error, file: str) -> PerdureError:
    match error:
        case apsw.FullError():
            return UnavailableError(f"the disk of {file} is full, nothing was written: make room and try again")
        case apsw.BusyError() | apsw.LockedError():
            return UnavailableError(f"{file} is locked by another process: end it, or connect to it instead")
        case apsw.NotADBError():
            return UnavailableError(f"{file} is not an SQLite database: give another path, or restore a backup")
        case apsw.CorruptError():
            return UnavailableError(
                f"{file} is damaged ({error}): restore a backup; keep the damaged file for a repair"
            )
        case apsw.ReadOnlyError():
            return UnavailableError(f"{file} cannot be written: check the rights of the file and of its folder")
        case apsw.PermissionsError() | apsw.CantOpenError():
            return UnavailableError(f"{file} cannot be opened: check that its folder exists and may be written")
        case apsw.IOError() if _extended_code(error) in _FSYNC_FAILURES:
            return UnavailableError(
                f"the disk did not take what was written to {file} (fsync failed): it is closed, because what was "
                "written last may be lost; check the disk, then open the file again"
            )
        case apsw.IOError():
            return UnavailableError(f"reading or writing {file} failed ({error}): check the disk")
        case apsw.ConstraintError():
            return InternalError(f"{file} refused rows that contradict what it holds, nothing was written: {error}")
        case _:
            return InternalError(f"{file} refused a statement: {error}")


def _is_final(error: apsw.Error) -> bool:
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return True
    # After a failed fsync the system forgets what it could not write, and the next fsync succeeds.
    return isinstance(error, apsw.IOError) and _extended_code(error) in _FSYNC_FAILURES


def _extended_code(error: apsw.Error) -> int:
    return int(error.extendedresult)  # type: ignore[attr-defined]  # apsw's stubs leave it out
