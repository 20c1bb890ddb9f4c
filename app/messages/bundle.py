"""Many transactions in one message: what nodes with the application's mempool send each other, and a client's batch.

    0x00 'H' 'W' 'B' ‖ salt of 8 bytes ‖ for each member: its length in 4 bytes, big-endian, and its bytes

No transaction begins with a zero byte (protobuf has no field 0), so that the two cannot be confused. The salt gives
the same members other bytes: CometBFT drops bytes that it has seen, also where the application has not kept them.
A bundle is never in a block. The answer to one holds a code of two bytes for each member.
"""

from collections.abc import Iterable, Sequence

from app.messages.limits import MAX_BUNDLE_BYTES, MAX_BUNDLE_MEMBERS, check_length
from app.messages.rejections import Reason, Rejection

_MAGIC = b"\0HWB"
_SALT_BYTES = 8
_HEAD_BYTES = len(_MAGIC) + _SALT_BYTES
_LENGTH_BYTES = 4
_CODE_BYTES = 2


def is_bundle(raw: bytes) -> bool:
    """Whether these bytes are meant as a bundle."""
    return raw.startswith(_MAGIC)


def encode_bundle(transactions: Iterable[bytes], salt: int) -> bytes:
    """Put transactions into one message; `salt` is 0 to 2^64 - 1."""
    parts = [_MAGIC, salt.to_bytes(_SALT_BYTES, "big")]
    for raw in transactions:
        parts.append(len(raw).to_bytes(_LENGTH_BYTES, "big"))
        parts.append(raw)
    return b"".join(parts)


def bundle_size(raw: bytes) -> int:
    """What a transaction takes of a bundle, in bytes."""
    return _LENGTH_BYTES + len(raw)


def split_bundle(bundle: bytes) -> list[bytes]:
    """The members in order, each still to be looked at.

    Raises:
        Rejection: UNDECODABLE for what is none, is cut off or empty; LIMIT_EXCEEDED.
    """
    check_length("the bundle", len(bundle), MAX_BUNDLE_BYTES)
    members, at, end = [], _HEAD_BYTES, len(bundle)
    while at < end:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(bundle[at:start], "big")
        members.append(bundle[start:at])
    if not is_bundle(bundle) or at != end or not members:
        raise Rejection(Reason.UNDECODABLE, "not a bundle of transactions, or one that is cut off or empty")
    check_length("the bundle", len(members), MAX_BUNDLE_MEMBERS)
    return members


def split_into_bundles(transactions: Iterable[bytes]) -> list[list[bytes]]:
    """Transactions in groups that fit into a bundle each, in their order."""
    groups: list[list[bytes]] = []
    room = 0
    for raw in transactions:
        size = bundle_size(raw)
        if not groups or size > room or len(groups[-1]) >= MAX_BUNDLE_MEMBERS:
            groups.append([])
            room = MAX_BUNDLE_BYTES - _HEAD_BYTES
        groups[-1].append(raw)
        room -= size
    return groups


def encode_codes(codes: Sequence[int]) -> bytes:
    """The answer to a bundle: each member's code, 0 for accepted."""
    return b"".join([code.to_bytes(_CODE_BYTES, "big") for code in codes])


def decode_codes(data: bytes, members: int) -> list[int]:
    """Read the answer to a bundle of so many members.

    Raises:
        ValueError: it has another number of codes.
    """
    if len(data) != members * _CODE_BYTES:
        raise ValueError(f"{len(data)} bytes of codes for {members} transactions")
    return [int.from_bytes(data[at : at + _CODE_BYTES], "big") for at in range(0, len(data), _CODE_BYTES)]
