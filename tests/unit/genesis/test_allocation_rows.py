"""Reading `address,amount`: all that is wrong is told with its line."""

import pytest

from app.primitives.address import to_checksum
from genesis.allocation_rows import MOST_PROBLEMS, PROGRESS_ROWS, read_rows
from genesis.allocations import pack_row
from genesis.failures import GenesisError
from tests.support.genesis_documents import address_of

ALICE, BOB = address_of("alice"), address_of("bob")


def read(text):
    return read_rows(text.splitlines(keepends=True), lambda _: None)


def problems_of(text):
    with pytest.raises(GenesisError) as caught:
        read(text)
    return list(caught.value.problems)


def test_rows_come_in_the_order_of_their_addresses_whatever_the_tables_order():
    text = f"{to_checksum(ALICE)},12.5LPT\n0x{BOB.hex()}, 7\n"
    expected = sorted([pack_row(ALICE, 125 * 10**17), pack_row(BOB, 7)])
    assert read(text) == expected == read("\n".join(reversed(text.splitlines())))


def test_a_heading_and_empty_lines_are_passed_over():
    assert read(f"Address,Amount\n\n{to_checksum(ALICE)},1\r\n\n") == [pack_row(ALICE, 1)]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("0x12,1", "line 2: '0x12' is not an address: 0x and 40 hexadecimal digits are expected"),
        (to_checksum(ALICE).swapcase().replace("0X", "0x") + ",1", "fails its checksum"),
        ("0x" + "00" * 20 + ",1", "line 2: the zero address belongs to nobody"),
        (f"0x{ALICE.hex()},0", "line 2: an amount of 0; an allocation is more than nothing"),
        (f"0x{ALICE.hex()},0.0LPT", "line 2: an amount of 0"),
        (f"0x{ALICE.hex()},-1", "line 2: '-1' is not an amount"),
        (f"0x{ALICE.hex()},1ETH", "line 2: '1ETH' is not an amount; write 12.5LPT"),
        (f"0x{ALICE.hex()},{2**128}", "more than 128 bits can hold"),
        (f"0x{ALICE.hex()}", "line 2: 1 columns; address,amount are expected"),
        (f"0x{ALICE.hex()},1,2", "line 2: 3 columns"),
        ("address,amount", "line 2: 'address' is not an address"),
        (f"0x{BOB.hex()},5", f"line 2: 0x{BOB.hex()} stands in line 1 already"),
        ('"unfinished', "line 2: not a table of text: unexpected end of data"),
    ],
)
def test_a_wrong_row_is_told_with_its_line(row, says):
    (problem,) = problems_of(f"0x{BOB.hex()},1\n{row}\n")
    assert says in problem


def test_all_wrong_rows_are_told_but_not_more_than_a_person_reads():
    problems = problems_of("x,1\n" * (MOST_PROBLEMS + 5))
    assert len(problems) == MOST_PROBLEMS + 1
    assert problems[-1] == "and 5 more"


def test_progress_is_told_while_reading():
    told = []
    with pytest.raises(GenesisError):
        read_rows(["x,1\n"] * (3 * PROGRESS_ROWS), told.append)
    assert told == [PROGRESS_ROWS] * 3
