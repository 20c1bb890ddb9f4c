"""Files are whole or not there, and what must not be overwritten is not."""

import stat

import pytest

from chain.files import FileExists, write_atomically, write_once


def test_a_file_is_replaced_as_a_whole_with_its_mode(tmp_path):
    path = tmp_path / "x"
    write_atomically(path, b"old")
    write_atomically(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_file_that_is_there_is_never_overwritten(tmp_path):
    path = tmp_path / "x"
    write_once(path, b"first")
    with pytest.raises(FileExists, match="left as it is"):
        write_once(path, b"second")
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["x"]


def test_a_failed_replacement_leaves_no_rest(tmp_path):
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        write_atomically(folder, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["x"]
