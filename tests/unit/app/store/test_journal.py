"""The journal: what was written is there again, whatever way the process ended; what is forgotten goes."""

import os

import pytest

from app.store.journal import Journal


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "journal"


def written(journal, *records):
    for raw in records:
        journal.append(raw)
    journal.write()()


def files(folder):
    return sorted(folder.glob("*.log"))


def test_what_was_written_is_there_again_in_order(folder):
    records = [b"one", b"", b"two" * 1000]
    written(Journal(folder), *records)
    assert Journal(folder).kept == records


def test_what_was_added_but_not_written_is_not_there(folder):
    journal = Journal(folder)
    written(journal, b"one")
    journal.append(b"two")
    assert Journal(folder).kept == [b"one"]


def test_nothing_added_is_nothing_to_sync(folder):
    assert Journal(folder).write() is None


def test_what_is_forgotten_goes_with_its_file(folder):
    journal = Journal(folder)
    written(journal, b"one", b"two")
    journal.forget(b"one")
    assert len(files(folder)) == 1
    journal.forget(b"two")
    journal.forget(b"unknown")
    assert files(folder) == []
    written(journal, b"three")
    assert Journal(folder).kept == [b"three"]


def test_what_a_journal_has_kept_is_needed_until_it_is_forgotten(folder):
    written(Journal(folder), b"one", b"two")
    journal = Journal(folder)
    written(journal, b"three")
    for raw in (b"one", b"two"):
        journal.forget(raw)
    assert Journal(folder).kept == [b"three"]
    assert len(files(folder)) == 1


def test_the_same_record_again_is_kept_once(folder):
    journal = Journal(folder)
    written(journal, b"one")
    written(journal, b"one", b"two")
    assert Journal(folder).kept == [b"one", b"two"]
    assert len(files(folder)) == 1
    journal.forget(b"two")
    journal.forget(b"one")
    assert files(folder) == []


@pytest.mark.parametrize("cut", [1, 4, 8, 11])
def test_a_record_that_is_cut_off_ends_its_file_and_those_before_it_stay(folder, cut):
    written(Journal(folder), b"one", b"two", b"three")
    (file,) = files(folder)
    os.truncate(file, file.stat().st_size - cut)
    assert Journal(folder).kept == [b"one", b"two"]


def test_a_damaged_record_ends_its_file_and_later_files_are_read(folder):
    written(Journal(folder), b"one", b"two")
    (first,) = files(folder)
    written(Journal(folder), b"three")
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.write_bytes(data)
    assert Journal(folder).kept == [b"one", b"three"]


def test_full_files_are_followed_by_new_ones(folder):
    journal = Journal(folder, segment_bytes=100)
    for number in range(10):
        written(journal, bytes([number]) * 60)
    assert len(files(folder)) == 5
    for number in range(4):
        journal.forget(bytes([number]) * 60)
    assert len(files(folder)) == 3
    assert Journal(folder).kept == [bytes([number]) * 60 for number in range(4, 10)]


def test_one_old_record_does_not_keep_many_files(folder):
    journal = Journal(folder, segment_bytes=100, max_segments=3)
    kept = [b"old %d" % number for number in range(8)]
    for raw in kept:
        written(journal, raw, bytes(120) + raw)
        journal.forget(bytes(120) + raw)
    assert len(files(folder)) <= 3
    assert set(kept) <= set(Journal(folder).kept)


def test_a_file_that_goes_before_it_is_synced_disturbs_nothing(folder):
    journal = Journal(folder)
    journal.append(b"one")
    sync = journal.write()
    journal.forget(b"one")
    written(journal, b"two")
    sync()
    assert Journal(folder).kept == [b"two"]
