"""The file of allocations: every holder's proof, and nothing that contradicts its root."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.allocation import allocation_leaf
from app.primitives.amounts import MAX_AMOUNT
from app.primitives.hashing import sha256
from app.primitives.merkle import merkle_path, merkle_root
from genesis.allocations import GROUP_ROWS, ROW_BYTES, AllocationFile, AllocationsInvalid, build_file, pack_row
from genesis.failures import GenesisError

COUNTS = [1, 2, 3, GROUP_ROWS - 1, GROUP_ROWS, GROUP_ROWS + 1, 3 * GROUP_ROWS + 5]


def holder(number):
    return sha256(b"holder %d" % number)[:20]


def make_rows(count):
    return sorted(pack_row(holder(number), number + 1) for number in range(count))


def leaves_of(rows):
    return [allocation_leaf(i, row[:20], int.from_bytes(row[20:], "big")) for i, row in enumerate(rows)]


@pytest.fixture
def made(tmp_path):
    def make(count, change=lambda content: content):
        rows = make_rows(count)
        summary, content = build_file(rows, lambda _: None)
        path = tmp_path / "allocations.bin"
        path.write_bytes(change(content))
        return rows, summary, path

    return make


@pytest.mark.parametrize("count", COUNTS)
def test_the_root_is_that_of_the_whole_tree_and_the_total_the_sum(made, count):
    rows, summary, _ = made(count)
    assert summary.root == merkle_root(leaves_of(rows))
    assert (summary.count, summary.total) == (count, count * (count + 1) // 2)


@pytest.mark.parametrize("count", COUNTS)
def test_each_holder_is_found_with_the_path_of_the_whole_tree(made, count):
    rows, summary, path = made(count)
    with AllocationFile(path) as file:
        assert file.summary == summary
        for index in {0, count // 2, count - 1, min(count - 1, GROUP_ROWS)}:
            found = file.read(index)
            assert (found.holder, found.proof) == (rows[index][:20], merkle_path(leaves_of(rows), index))
            assert file.find(found.holder) == index
        assert [file.find(stranger) for stranger in (bytes(20), b"\xff" * 20, holder(10**6))] == [None] * 3


@given(st.integers(1, 700), st.data())
def test_a_file_of_any_length_gives_the_proofs_of_its_tree(count, data):
    rows = make_rows(count)
    summary, content = build_file(rows, lambda _: None)
    index = data.draw(st.integers(0, count - 1))
    assert summary.root == merkle_root(leaves_of(rows))
    assert len(content) == 64 + ROW_BYTES * count + 32 * -(-count // GROUP_ROWS)
    assert rows[index] in content


def test_progress_counts_every_row():
    told = []
    build_file(make_rows(600), told.append)
    assert sum(told) == 600
    assert len(told) == 3


def test_a_sound_file_is_verified(made):
    _, _, path = made(600)
    told = []
    with AllocationFile(path) as file:
        file.verify(told.append)
    assert sum(told) == 600


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda content: b"", "is no file that"),
        (lambda content: b"{" + content, "is no file that"),
        (lambda content: content[:-1], "it is damaged"),
        (lambda content: content + b"x", "it is damaged"),
        (lambda content: content[:8] + bytes(8) + content[16:64], "it is damaged"),
    ],
    ids=["empty", "other", "short", "long", "nobody"],
)
def test_a_file_of_another_form_is_refused(made, change, says):
    _, _, path = made(300, change)
    with pytest.raises(AllocationsInvalid, match=says):
        AllocationFile(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(AllocationsInvalid, match="cannot read"):
        AllocationFile(tmp_path / "none")


def flip(at):
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("at", [16 + 15, 32, 64 + 5 * ROW_BYTES + 35, -1], ids=["total", "root", "amount", "node"])
def test_a_changed_byte_is_found_by_computing_it_anew(made, at):
    _, _, path = made(300, lambda content: flip(at % len(content))(content))
    with AllocationFile(path) as file, pytest.raises(AllocationsInvalid, match="contradicts itself"):
        file.verify(lambda _: None)


def test_a_changed_row_gives_no_proof(made):
    _, _, path = made(300, flip(64 + 5 * ROW_BYTES + 35))
    with AllocationFile(path) as file:
        with pytest.raises(AllocationsInvalid, match="contradicts its own root at allocation 5"):
            file.read(5)
        with pytest.raises(AllocationsInvalid, match="there is no allocation 300"):
            file.read(300)


def test_rows_out_of_order_are_found(made):
    def swap(content):
        first, second = (content[64 + i * ROW_BYTES : 64 + (i + 1) * ROW_BYTES] for i in (0, 1))
        return content[:64] + second + first + content[64 + 2 * ROW_BYTES :]

    _, _, path = made(300, swap)
    with AllocationFile(path) as file, pytest.raises(AllocationsInvalid, match="allocation 1 is not in the order"):
        file.verify(lambda _: None)


def test_rows_are_in_the_order_of_addresses():
    assert all(before < after for before, after in pairwise(make_rows(50)))


@pytest.mark.parametrize("rows", [[], [pack_row(holder(0), MAX_AMOUNT), pack_row(holder(1), 1)]])
def test_no_rows_or_more_than_128_bits_are_refused(rows):
    with pytest.raises(GenesisError):
        build_file(rows, lambda _: None)
