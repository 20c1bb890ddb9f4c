import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.errors import StoreClosed, StoreCorrupt, StoreError, StoreInUse
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend

PAIRS = [(f"key {number:04}".encode(), bytes([number % 251]) * 200) for number in range(2000)]


@pytest.fixture(scope="module")
def shared_backend(tmp_path_factory):
    backend = LevelDbBackend(tmp_path_factory.mktemp("db"))
    yield backend
    backend.close()


@given(
    st.dictionaries(st.binary(max_size=3), st.one_of(st.none(), st.binary(max_size=3)), max_size=12),
    st.binary(max_size=2),
    st.one_of(st.none(), st.binary(max_size=2)),
    st.booleans(),
)
def test_it_reads_and_iterates_as_the_memory_backend_does(shared_backend, batch, start, stop, reverse):
    memory = MemoryBackend()
    memory.write(list(shared_backend.iterate(b"", None)), sync=False)
    for backend in (memory, shared_backend):
        backend.write(batch.items(), sync=False)
    assert list(shared_backend.iterate(start, stop, reverse)) == list(memory.iterate(start, stop, reverse))
    assert all(shared_backend.get(key) == value for key, value in batch.items())


@pytest.mark.parametrize("keys", [[b"b"], [b"b", b"c"], [b"a", b"b"], [b"", b"b"], []])
def test_a_range_read_backward_has_its_first_key_even_where_that_is_the_only_one(tmp_path, keys):
    backend = LevelDbBackend(tmp_path)
    backend.write([(key, b"") for key in keys], sync=False)
    for start, stop in itertools.product([b"", b"a", b"b", b"c"], [b"b", b"c", None]):
        expected = [key for key in reversed(keys) if start <= key and (stop is None or key < stop)]
        assert [key for key, _ in backend.iterate(start, stop, reverse=True)] == expected
    backend.close()


def test_a_snapshot_stays_as_it_was_taken(tmp_path):
    backend = LevelDbBackend(tmp_path)
    backend.write([(b"a", b"1")], sync=False)
    snapshot = backend.snapshot()
    pairs = backend.iterate(b"", None)
    backend.write([(b"a", None), (b"b", b"2")], sync=False)
    assert (snapshot.get(b"a"), snapshot.get(b"b")) == (b"1", None)
    assert list(snapshot.iterate(b"", None)) == list(pairs) == [(b"a", b"1")]
    backend.close()


def test_what_was_written_is_there_after_reopening(tmp_path):
    backend = LevelDbBackend(tmp_path / "new" / "folder")
    backend.write(PAIRS, sync=True)
    backend.close()
    backend = LevelDbBackend(tmp_path / "new" / "folder")
    assert list(backend.iterate(b"", None)) == PAIRS
    backend.close()


def test_a_second_opener_in_this_process_is_told_that_it_is_in_use(tmp_path):
    backend = LevelDbBackend(tmp_path)
    with pytest.raises(StoreInUse, match=f"{tmp_path} is in use"):
        LevelDbBackend(tmp_path)
    backend.close()
    LevelDbBackend(tmp_path).close()


def test_another_process_is_told_that_it_is_in_use(tmp_path):
    backend = LevelDbBackend(tmp_path)
    code = "import sys; from pathlib import Path; from app.store.leveldb import *; LevelDbBackend(Path(sys.argv[1]))"
    other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert other.returncode != 0
    assert f"StoreInUse: the state in {tmp_path} is in use by another process" in other.stderr
    backend.close()


def test_a_path_that_is_a_file_is_refused_with_its_name(tmp_path):
    path = tmp_path / "lock in its name"
    path.write_text("no folder")
    with pytest.raises(StoreError, match=f"cannot use {path} for the state") as caught:
        LevelDbBackend(path)
    assert type(caught.value) is StoreError


def test_a_damaged_table_is_reported_and_never_read_as_a_value(tmp_path):
    backend = LevelDbBackend(tmp_path)
    backend.write(PAIRS, sync=True)
    backend.close()
    LevelDbBackend(tmp_path).close()  # opening turns the log into a table
    table = next(tmp_path.glob("*.ldb"))
    content = bytearray(table.read_bytes())
    content[100] ^= 0xFF
    table.write_bytes(content)
    backend = LevelDbBackend(tmp_path)
    with pytest.raises(StoreCorrupt, match="is damaged"):
        backend.get(PAIRS[0][0])
    with pytest.raises(StoreCorrupt, match="is damaged"):
        list(backend.iterate(b"", None))
    backend.close()


@pytest.mark.parametrize("damage", ["log", "manifest", "table missing"])
def test_damage_found_when_opening_is_reported_with_what_to_do(tmp_path, damage):
    backend = LevelDbBackend(tmp_path)
    backend.write(PAIRS, sync=True)
    backend.close()
    if damage == "table missing":
        LevelDbBackend(tmp_path).close()
        next(tmp_path.glob("*.ldb")).unlink()
    else:
        spoil_middle(next(tmp_path.glob("*.log" if damage == "log" else "MANIFEST-*")))
    with pytest.raises(StoreCorrupt, match=r"is damaged .*; remove that folder and let the node rebuild it"):
        LevelDbBackend(tmp_path)


def spoil_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def test_after_closing_every_use_says_so(tmp_path):
    backend = LevelDbBackend(tmp_path)
    backend.write([(b"a", b"1")], sync=False)
    snapshot, pairs = backend.snapshot(), backend.iterate(b"", None)
    backend.close()
    backend.close()
    uses = [
        lambda: backend.get(b"a"),
        lambda: backend.iterate(b"", None),
        lambda: backend.write([(b"a", b"2")], sync=True),
        backend.snapshot,
        lambda: snapshot.get(b"a"),
        lambda: next(pairs),
    ]
    for use in uses:
        with pytest.raises(StoreClosed, match="was closed"):
            use()
