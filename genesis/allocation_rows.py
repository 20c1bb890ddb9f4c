"""Reading who gets what from a table of `address,amount`: everything that is wrong, with its line."""

import csv
from collections.abc import Iterable, Iterator
from itertools import pairwise

from app.primitives.address import parse_address
from app.primitives.amounts import parse_lpt
from genesis.allocations import Progress, pack_row
from genesis.failures import GenesisError

MOST_PROBLEMS = 20
PROGRESS_ROWS = 1000
_ZERO = bytes(20)


def read_rows(lines: Iterable[str], progress: Progress) -> list[bytes]:
    """The rows in the order of their addresses, as `genesis.allocations.build_file` wants them.

    Amounts have a unit (`12.5LPT`) or are base units. A first line without an address may name the columns; empty
    lines are passed over.

    Raises:
        GenesisError: `line N: what is wrong`, for the first of them and how many more there are.
    """
    rows, problems = [], _Problems()
    for line, cells in _lines(lines, problems):
        try:
            rows.append(_read_row(cells) + line.to_bytes(5, "big"))
        except ValueError as error:
            problems.add(f"line {line}: {error}")
        if line % PROGRESS_ROWS == 0:
            progress(PROGRESS_ROWS)
    rows.sort()
    for before, row in pairwise(rows):
        if before[:20] == row[:20]:
            first, second = int.from_bytes(before[36:], "big"), int.from_bytes(row[36:], "big")
            problems.add(f"line {max(first, second)}: 0x{row[:20].hex()} stands in line {min(first, second)} already")
    if problems.count:
        raise GenesisError(problems.texts())
    return [row[:36] for row in rows]


class _Problems:
    """The first problems, and how many there are."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[str] = []

    def add(self, text: str) -> None:
        """Count a problem, and keep it while there are few."""
        self.count += 1
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(text)

    def texts(self) -> list[str]:
        """What is told."""
        more = self.count - len(self._kept)
        return [*self._kept, *([f"and {more} more"] if more else [])]


def _lines(lines: Iterable[str], problems: _Problems) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if not cells or (reader.line_num == 1 and cells[0].strip().lower() == "address"):
                continue
            yield reader.line_num, cells
    except csv.Error as error:
        problems.add(f"line {reader.line_num}: not a table of text: {error}")
    except UnicodeDecodeError as error:
        problems.add(f"after line {reader.line_num}: not a table of text: {error}")


def _read_row(cells: list[str]) -> bytes:
    if len(cells) != 2:
        raise ValueError(f"{len(cells)} columns; address,amount are expected")
    holder, amount = parse_address(cells[0].strip()), parse_lpt(cells[1])
    if holder == _ZERO:
        raise ValueError("the zero address belongs to nobody")
    if amount == 0:
        raise ValueError("an amount of 0; an allocation is more than nothing")
    return pack_row(holder, amount)
