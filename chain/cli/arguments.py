"""Hashes, ranges and ids on command lines; amounts and addresses are in `genesis.arguments`."""

import re

import click

from app.messages.bodies import SegmentRange
from app.primitives.hashing import Hash32
from genesis.arguments import Parsed

_RANGE = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?")


def parse_ranges(text: str) -> tuple[SegmentRange, ...]:
    """Read `0-29,40,50-59`: ranges of segments, both ends included.

    Raises:
        ValueError: not that.
    """
    found = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last:
            raise ValueError(f"{part!r} is not a range of segments; write for example 0-29,40,50-59")
        found.append(SegmentRange(first, last))
    return tuple(found)


def parse_hash(text: str) -> Hash32:
    """Read 32 bytes in hexadecimal.

    Raises:
        ValueError: not that.
    """
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ValueError(f"{text!r} is not a hash: 64 hexadecimal digits are expected")
    return Hash32(raw)


HASH = Parsed("hash", parse_hash)
RANGES = Parsed("ranges", parse_ranges)
ID = click.IntRange(0, 2**64 - 1)
HEIGHT = click.IntRange(0, 2**63 - 1)
