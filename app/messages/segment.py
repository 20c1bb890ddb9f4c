"""A segment: the unit of media, of work and of payment (whitepaper, *Video Segments*).

The broadcaster signs stream id, sequence number and the hash of the payload. The hash is SHA-256, so that it is the
payload's content address as well. The signature is EIP-191 over the Keccak-256 of a length-prefixed encoding, so that
a wallet can make it and no two segments share an encoding.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from app.messages.limits import MAX_STREAM_ID_LENGTH, Limit
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.hashing import Hash32, keccak256, length_prefixed
from app.primitives.secp256k1 import personal_digest, recover_address, sign_digest

_STREAM_ID = re.compile(r"0x[0-9a-f]{40}-[A-Za-z0-9._-]+")
_DOMAIN = b"headwater/segment/1"


@dataclass(frozen=True, slots=True)
class Segment:
    """What the broadcaster attests of one segment; the payload travels beside it."""

    stream_id: Annotated[str, Limit(MAX_STREAM_ID_LENGTH)]
    sequence_number: int
    data_hash: Hash32


def make_stream_id(broadcaster: bytes, name: str) -> str:
    """The id of a stream: its origin's address, and a name that the origin chose."""
    return f"0x{broadcaster.hex()}-{name}"


def check_stream_id(stream_id: str, broadcaster: Address) -> None:
    """Refuse a stream id that does not name its origin.

    Raises:
        Rejection: STREAM_ID_INVALID.
    """
    named = stream_id.startswith(make_stream_id(broadcaster, ""))
    if not named or not _STREAM_ID.fullmatch(stream_id) or len(stream_id) > MAX_STREAM_ID_LENGTH:
        raise Rejection(
            Reason.STREAM_ID_INVALID,
            f"{stream_id!r}; {make_stream_id(broadcaster, 'NAME')} is expected, "
            f"NAME of letters, digits, dot, dash and underscore, {MAX_STREAM_ID_LENGTH} characters in all",
        )


def segment_digest(segment: Segment) -> Hash32:
    """What the broadcaster signs."""
    number = segment.sequence_number.to_bytes(8, "big")
    encoded = length_prefixed(_DOMAIN, segment.stream_id.encode(), number, segment.data_hash)
    return personal_digest(keccak256(encoded))


def sign_segment(segment: Segment, private_key: bytes) -> bytes:
    """The broadcaster's signature of a segment, 65 bytes."""
    return sign_digest(private_key, segment_digest(segment))


def recover_broadcaster(segment: Segment, signature: bytes) -> Address:
    """Who signed the segment.

    Raises:
        InvalidSignature: nobody did.
    """
    return recover_address(segment_digest(segment), signature)
