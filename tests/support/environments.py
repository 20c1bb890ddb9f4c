"""Environments for tests of one function, which do not care in which block they are."""

from app.primitives.amounts import Height
from app.primitives.hashing import Hash32
from app.protocol.environment import NOBODY, BlockEnv
from genesis.presets.test import TEST


def any_block(height: int = 1) -> BlockEnv:
    """A block with nothing particular about it; its events are its own."""
    return BlockEnv("headwater-test", Height(height), Hash32(bytes(32)), NOBODY, TEST)
