from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from perdure.model.errors import UnavailableError
from perdure.sharing.place import Place, make_place, path_of


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def file_in(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.db.lock").touch()
    return folder / "x.db"


def assert_works(place: Place, file: Path) -> None:
    assert path_of(file, place.address) == place.path
    with place.listening, socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(place.path))
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    place.remove()
    assert not place.path.exists()
    place.remove()


def test_socket_is_beside_the_file(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    place = make_place(file)
    assert place.address == "unix:x.db.sock"
    assert_works(place, file)


def test_socket_of_a_link_is_beside_the_file(tmp_path: Path) -> None:
    file = file_in(tmp_path / "data")
    link = tmp_path / "link.db"
    link.symlink_to(file)
    place = make_place(link)
    assert place.path == file.with_name("x.db.sock")
    assert path_of(file, place.address) == place.path
    assert_works(place, link)


def test_socket_that_is_left_over_is_replaced(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    left_over = make_place(file)
    left_over.listening.close()
    place = make_place(file)
    assert_works(place, file)


def test_name_that_is_anothers_by_now_is_not_removed(tmp_path: Path) -> None:
    file = file_in(tmp_path)
    first = make_place(file)
    second = make_place(file)
    with first.listening:
        first.remove()
    assert second.path.exists()
    assert_works(second, file)


def test_path_that_is_too_long_for_a_socket_has_it_elsewhere(tmp_path: Path, runtime: Path) -> None:
    file = file_in(tmp_path / ("long" * 20) / ("path" * 20))
    other = file_in(tmp_path / ("long" * 20) / ("pain" * 20))
    place, its = make_place(file), make_place(other)
    assert place.path.parent == runtime / "perdure"
    assert stat.S_IMODE(place.path.parent.stat().st_mode) == 0o700
    assert place.path != its.path
    assert_works(its, other)
    assert_works(place, file)


def test_what_is_no_socket_is_left_alone(tmp_path: Path, runtime: Path) -> None:
    file = file_in(tmp_path)
    file.with_name("x.db.sock").write_text("mine")
    place = make_place(file)
    assert place.path.is_relative_to(runtime)
    assert file.with_name("x.db.sock").read_text() == "mine"
    assert_works(place, file)


def test_folder_that_others_can_enter_is_not_used(tmp_path: Path, runtime: Path) -> None:
    file = file_in(tmp_path)
    file.with_name("x.db.sock").mkdir()
    (runtime / "perdure").mkdir(mode=0o755)
    with pytest.raises(UnavailableError, match=r"no socket can be made beside .*x\.db .*only user \d+ can enter"):
        make_place(file)


def test_folder_for_sockets_is_this_users_own_where_the_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file = file_in(tmp_path / ("long" * 20) / ("path" * 20))
    place = make_place(file)
    assert place.path.parent.parent == tmp_path
    assert_works(place, file)
