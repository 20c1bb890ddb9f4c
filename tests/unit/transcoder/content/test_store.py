import hashlib
import subprocess
import sys

import pytest

from transcoder.content.address import content_id_of, format_content_id
from transcoder.content.failures import ContentMissing, ContentTooLarge, StoreFull
from transcoder.content.retention import pin_until_height, pin_until_time
from transcoder.content.store import ContentStore, StoreLimits, StoreUse


@pytest.fixture
def open_store(tmp_path):
    opened = []

    def open_(total_bytes=1000, piece_bytes=500):
        opened.append(ContentStore(tmp_path / "content", StoreLimits(total_bytes, piece_bytes)))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


def file_of(tmp_path, content_id):
    name = format_content_id(content_id)
    return tmp_path / "content" / "blobs" / name[:2] / name


def test_content_comes_back_by_its_hash(open_store):
    store = open_store()
    content_id = store.put(b"segment")
    assert content_id == hashlib.sha256(b"segment").digest()
    assert store.get(content_id) == b"segment"
    assert store.has(content_id)


def test_a_stream_has_the_address_of_its_bytes_joined(open_store):
    store = open_store()
    assert store.put(iter([b"seg", b"", b"ment"])) == content_id_of(b"segment")
    assert store.get(content_id_of(b"segment")) == b"segment"


def test_empty_content_is_content(open_store):
    store = open_store()
    assert store.get(store.put(b"")) == b""


def test_what_was_never_put_is_absent(open_store):
    store = open_store()
    assert store.get(content_id_of(b"x")) is None
    assert not store.has(content_id_of(b"x"))


def test_content_and_pins_outlive_the_process(open_store):
    first = open_store()
    content_id = first.put(b"segment", pin_until_height("claim 1", 90))
    first.close()
    second = open_store()
    assert second.get(content_id) == b"segment"
    assert second.pins_of(content_id) == [pin_until_height("claim 1", 90)]


def test_putting_twice_keeps_one_copy(open_store):
    store = open_store()
    store.put(b"x" * 300)
    store.put(b"x" * 300)
    assert store.use() == StoreUse(used_bytes=300, pinned_bytes=0, pieces=1)


def test_a_piece_above_its_limit_is_refused_and_leaves_nothing(open_store, tmp_path):
    store = open_store(piece_bytes=100)
    with pytest.raises(ContentTooLarge, match="more than the 100 bytes allowed"):
        store.put(b"x" * 60 for _ in range(1000))
    assert store.use().pieces == 0
    assert list((tmp_path / "content" / "arriving").iterdir()) == []


def test_a_stream_that_breaks_leaves_nothing(open_store, tmp_path):
    def broken():
        yield b"half"
        raise ConnectionError("peer gone")

    store = open_store()
    with pytest.raises(ConnectionError, match="peer gone"):
        store.put(broken())
    assert store.use().pieces == 0
    assert list((tmp_path / "content" / "arriving").iterdir()) == []


@pytest.mark.parametrize("damaged", [b"segmenT", b"", b"segment and more"])
def test_a_corrupted_file_is_absent_and_removed_with_a_log(open_store, tmp_path, caplog, damaged):
    store = open_store()
    content_id = store.put(b"segment", pin_until_height("claim", 5))
    file_of(tmp_path, content_id).write_bytes(damaged)
    assert store.get(content_id) is None
    assert not store.has(content_id)
    assert not file_of(tmp_path, content_id).exists()
    assert "corrupted content removed" in caplog.text


def test_putting_corrupted_content_again_mends_it_and_its_pin_still_holds(open_store, tmp_path):
    store = open_store()
    content_id = store.put(b"segment", pin_until_height("claim", 5))
    file_of(tmp_path, content_id).write_bytes(b"damage")
    store.put(b"segment")
    assert store.get(content_id) == b"segment"
    assert store.use() == StoreUse(used_bytes=7, pinned_bytes=7, pieces=1)


def test_a_file_that_somebody_removed_is_absent(open_store, tmp_path):
    store = open_store()
    content_id = store.put(b"segment")
    file_of(tmp_path, content_id).unlink()
    assert store.get(content_id) is None
    assert store.use().pieces == 0


def test_the_oldest_unpinned_content_makes_room(open_store):
    store = open_store(total_bytes=1000)
    first = store.put(b"1" * 400, pin_until_height("claim", 5))
    second, third = store.put(b"2" * 300), store.put(b"3" * 300)
    fourth = store.put(b"4" * 300)
    assert [store.has(each) for each in (first, second, third, fourth)] == [True, False, True, True]
    assert store.get(second) is None


def test_content_that_comes_again_counts_as_new(open_store):
    store = open_store(total_bytes=600)
    first, second = store.put(b"1" * 300), store.put(b"2" * 300)
    store.put(b"1" * 300)
    store.put(b"3" * 300)
    assert store.has(first)
    assert not store.has(second)


def test_a_store_full_of_pins_refuses_and_evicts_nothing(open_store):
    store = open_store(total_bytes=1000)
    store.put(b"1" * 500, pin_until_height("claim", 5))
    store.put(b"2" * 400, pin_until_time("recording", 5))
    unpinned = store.put(b"3" * 100)
    with pytest.raises(StoreFull, match="900 are pinned"):
        store.put(b"4" * 200)
    assert store.has(unpinned)
    assert store.use() == StoreUse(used_bytes=1000, pinned_bytes=900, pieces=3)


def test_content_leaves_only_after_the_last_of_its_pins_has_passed(open_store):
    store = open_store(total_bytes=500)
    content_id = store.put(b"1" * 500, pin_until_height("claim", 90))
    store.pin(content_id, pin_until_time("recording", 1_700_000_000))
    assert store.release_passed(height=90, unix_seconds=1_700_000_000) == 0
    assert store.release_passed(height=91) == 1
    with pytest.raises(StoreFull):
        store.put(b"2")
    assert store.release_passed(unix_seconds=1_700_000_001) == 1
    store.put(b"2")
    assert not store.has(content_id)


def test_a_new_pin_of_a_holder_replaces_its_earlier_one(open_store):
    store = open_store()
    content_id = store.put(b"x", pin_until_height("claim", 5))
    store.pin(content_id, pin_until_height("claim", 9))
    assert store.pins_of(content_id) == [pin_until_height("claim", 9)]
    store.unpin(content_id, "claim")
    assert store.pins_of(content_id) == []


def test_what_is_not_there_cannot_be_pinned(open_store):
    with pytest.raises(ContentMissing, match="cannot be pinned: it is not in the store; put it there first"):
        open_store().pin(content_id_of(b"x"), pin_until_height("claim", 5))


def test_a_lowered_limit_evicts_at_open_but_keeps_promises(open_store, caplog):
    store = open_store(total_bytes=1000)
    pinned = store.put(b"1" * 400, pin_until_height("claim", 5))
    unpinned = store.put(b"2" * 400)
    store.close()
    again = open_store(total_bytes=300)
    assert again.has(pinned)
    assert not again.has(unpinned)
    assert "above its size limit" in caplog.text


def test_leftovers_of_a_dead_writer_are_removed_and_files_it_placed_are_listed(open_store, tmp_path):
    store = open_store()
    store.put(b"first")
    store.close()
    (tmp_path / "content" / "arriving" / "tmpdead").write_bytes(b"half")
    placed = file_of(tmp_path, content_id_of(b"placed"))
    placed.parent.mkdir(exist_ok=True)
    placed.write_bytes(b"placed")
    again = open_store()
    assert not list((tmp_path / "content" / "arriving").iterdir())
    assert again.use() == StoreUse(used_bytes=11, pinned_bytes=0, pieces=2)
    assert again.get(content_id_of(b"placed")) == b"placed"


def test_opening_leaves_a_living_writer_alone(open_store):
    store = open_store()

    def opens_meanwhile():
        yield b"first half, "
        open_store()
        yield b"second half"

    assert store.get(store.put(opens_meanwhile())) == b"first half, second half"


WRITER = """
import sys
from pathlib import Path
from transcoder.content.store import ContentStore, StoreLimits
folder, total_bytes, first, stop = sys.argv[1], *map(int, sys.argv[2:])
store = ContentStore(Path(folder), StoreLimits(total_bytes, piece_bytes=100_000))
for number in range(first, stop):
    print(store.put(str(number).encode() * 5000).hex(), flush=True)
"""


def start_writer(folder, total_bytes, first, stop):
    command = [sys.executable, "-c", WRITER, folder, str(total_bytes), str(first), str(stop)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def files_in(tmp_path):
    return list((tmp_path / "content" / "blobs").glob("*/*"))


def test_a_killed_writer_loses_nothing_that_put_had_returned(open_store, tmp_path):
    for round_number in range(5):
        with start_writer(tmp_path / "content", 10**9, first=round_number * 100_000, stop=10**9) as writer:
            kept = [writer.stdout.readline().strip() for _ in range(7 + round_number)]
            writer.kill()
        store = open_store(total_bytes=10**9, piece_bytes=100_000)
        assert all(store.get(bytes.fromhex(each)) is not None for each in kept)
        assert not list((tmp_path / "content" / "arriving").iterdir())
        files = files_in(tmp_path)
        assert store.use() == StoreUse(sum(path.stat().st_size for path in files), 0, len(files))
        store.close()


def test_several_processes_share_a_store(open_store, tmp_path):
    # Two pairs write the same pieces of 15 kB, so that they meet in every step, and there is room for 20 of the 60.
    limit_bytes = 300_000
    writers = [start_writer(tmp_path / "content", limit_bytes, first, first + 40) for first in (100, 100, 120, 120)]
    printed = [writer.communicate()[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    assert all(len(lines) == 40 for lines in printed)
    store = open_store(limit_bytes, piece_bytes=100_000)
    files = files_in(tmp_path)
    assert store.use() == StoreUse(limit_bytes, 0, len(files))
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in files)
