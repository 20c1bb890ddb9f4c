"""The state tree written as its definition reads, without pages, batches or sharing: the model to compare with."""

from collections.abc import Mapping
from hashlib import sha256


def naive_leaf_hash(key: bytes, value: bytes) -> bytes:
    """The leaf of a pair whose key is shorter than 128 bytes."""
    assert len(key) < 128
    return sha256(b"\x00" + bytes([len(key)]) + key + b"\x20" + sha256(value).digest()).digest()


def naive_root(pairs: Mapping[bytes, bytes]) -> bytes:
    """The root over the pairs."""
    return naive_subtree([(bits_of(sha256(key).digest()), naive_leaf_hash(key, pairs[key])) for key in pairs])


def naive_subtree(leaves: list[tuple[str, bytes]]) -> bytes:
    """The hash over leaves given by the rest of their paths, as text of bits, and their hashes."""
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return leaves[0][1]
    left = naive_subtree([(bits[1:], leaf) for bits, leaf in leaves if bits[0] == "0"])
    right = naive_subtree([(bits[1:], leaf) for bits, leaf in leaves if bits[0] == "1"])
    return sha256(b"\x01" + left + right).digest()


def bits_of(digest: bytes) -> str:
    """A hash as text of zeros and ones, highest bit first."""
    return "".join(f"{byte:08b}" for byte in digest)
