"""What a verifier commits to and later reveals (media.md, section 3).

The keyed digest is a hash over the scaled pictures, keyed with the verifier's own address: it can be copied neither
from the receipt nor from another verifier, so the lazy have to work. The commitment names its verifier and its
segment, so that a copied one opens to nothing.
"""

from enum import IntEnum, unique

from app.primitives.hashing import Hash32, keccak256, length_prefixed

_DOMAIN = b"headwater/verdict/1"
SALT_LENGTH = 32
"""Bytes that a verifier draws for each verdict."""


@unique
class Finding(IntEnum):
    """What a verifier saw, in one word; the hashes decide, this is for people."""

    AGREES = 0
    BYTES_DIFFER = 1
    PICTURES_DIFFER = 2
    SIZE_DIFFERS = 3
    FRAME_COUNT_DIFFERS = 4
    UNPLAYABLE = 5
    UNAVAILABLE = 6


def verdict_commitment(
    verifier: bytes,
    place: tuple[int, int, int],
    result: bytes,
    keyed_digest: bytes,
    finding: tuple[int, int],
    salt: bytes,
) -> Hash32:
    """The commitment to a verdict.

    Args:
        verifier: the address that will reveal it.
        place: job id, claim id, segment.
        result: the transcoded hash that the verifier's own re-execution gave.
        keyed_digest: over the scaled pictures, keyed with the verifier's address.
        finding: a `Finding` and the place of the rendition it is about.
        salt: SALT_LENGTH bytes that nobody can guess.
    """
    numbers = b"".join(number.to_bytes(8, "big") for number in place + finding)
    return keccak256(length_prefixed(_DOMAIN, verifier, numbers, result, keyed_digest, salt))
