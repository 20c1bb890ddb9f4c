"""The two hash functions: Keccak-256 for what Ethereum tools sign and recompute, SHA-256 for state and content."""

import hashlib
from typing import NewType

import sha3

Hash32 = NewType("Hash32", bytes)
"""A digest of 32 bytes."""

ZERO_HASH = Hash32(bytes(32))


def keccak256(data: bytes) -> Hash32:
    """Keccak-256 as Ethereum uses it (the padding from before FIPS 202)."""
    return Hash32(sha3.keccak_256(data).digest())


def sha256(data: bytes) -> Hash32:
    """SHA-256 (FIPS 180-4)."""
    return Hash32(hashlib.sha256(data).digest())


def length_prefixed(*parts: bytes) -> bytes:
    """Join byte strings unambiguously: each behind its length as four big-endian bytes.

    The contracts of 2018 joined a stream id of free length to numbers without its length; no two lists of parts
    share an encoding here.
    """
    return b"".join([len(part).to_bytes(4, "big") + part for part in parts])
