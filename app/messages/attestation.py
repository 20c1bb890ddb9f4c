"""What validators attest of disputed work, in their vote extensions (media.md, section 3, step 5).

An extension is empty, or holds up to `MAX_ATTESTATIONS` in the order of their disputes: the hash that the validator's
own re-execution gave, or why there is none. CometBFT signs it with the validator's consensus key. The proposer of the
next block puts the signed extensions of the last commit in front of its transactions, as bytes that cannot be taken
for one: a transaction begins with a protobuf tag, these with a zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, unique

from app.messages.record import RecordError, decode, encode
from app.primitives.address import Address
from app.primitives.hashing import ZERO_HASH, Hash32

MAX_ATTESTATIONS = 32
"""Of one extension: some 1,300 bytes. Votes beyond 2 kB slow CometBFT down."""

DESK_FILE = "court/attestations.json"
"""Where a court worker leaves what it found for its node, below the folder of the application's state."""

_PREFIX = b"\0headwater/extensions/1"


@unique
class Attested(IntEnum):
    """What a validator's node got from re-executing a disputed segment."""

    EXECUTED = 0
    """A transcoded hash of its own."""
    UNAVAILABLE = 1
    """The input or the transcoder's output could not be fetched."""
    UNEXECUTABLE = 2
    """The input is there and breaks the limits, or the encoder: the broadcaster's doing, who has signed it."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """One validator's word on one dispute; `result` is zero unless it is EXECUTED."""

    dispute_id: int
    attested: Attested
    result: Hash32


@dataclass(frozen=True, slots=True)
class Attestations:
    """What one vote extension holds, and what a court worker hands to its node."""

    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True)
class SignedExtension:
    """One validator's extension, by CometBFT's address of its key, with its signature."""

    validator: Address
    extension: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class CommitExtensions:
    """The extensions of the votes that decided a height, in the order of the commit."""

    height: int
    round: int
    votes: tuple[SignedExtension, ...]


def encode_extension(attestations: Sequence[Attestation]) -> bytes:
    """The bytes of a vote extension; none for no attestation."""
    return encode(Attestations(tuple(attestations))) if attestations else b""


def decode_extension(data: bytes) -> tuple[Attestation, ...]:
    """Read a vote extension.

    Raises:
        RecordError: it is none that an honest validator makes.
    """
    if not data:
        return ()
    attestations = decode(Attestations, data).attestations
    check_attestations(attestations)
    if encode_extension(attestations) != data:
        raise RecordError("another encoding of the same attestations")
    return attestations


def check_attestations(attestations: Sequence[Attestation]) -> None:
    """Refuse what an extension cannot hold.

    Raises:
        RecordError: too many, out of order, or a result that does not go with what is attested.
    """
    if len(attestations) > MAX_ATTESTATIONS:
        raise RecordError(f"{len(attestations)} attestations; at most {MAX_ATTESTATIONS}")
    last = -1
    for each in attestations:
        if each.dispute_id <= last:
            raise RecordError(f"dispute {each.dispute_id} after {last}: disputes go up")
        if (each.result == ZERO_HASH) != (each.attested is not Attested.EXECUTED):
            raise RecordError(f"dispute {each.dispute_id} is {each.attested.name.lower()} with {each.result.hex()}")
        last = each.dispute_id


def is_injected(raw: bytes) -> bool:
    """Whether bytes in a block are a proposer's extensions, and no transaction."""
    return raw.startswith(_PREFIX)


def encode_injected(extensions: CommitExtensions) -> bytes:
    """The bytes that stand in front of a block's transactions."""
    return _PREFIX + encode(extensions)


def decode_injected(raw: bytes) -> CommitExtensions:
    """Read what a proposer put in front.

    Raises:
        RecordError: it is not in the form that `encode_injected` gives.
    """
    extensions = decode(CommitExtensions, raw.removeprefix(_PREFIX))
    if encode_injected(extensions) != raw:
        raise RecordError("another encoding of the same extensions")
    return extensions


def extension_sign_bytes(extension: bytes, height: int, round_: int, chain_id: str) -> bytes:
    """What a validator signs for its extension: CometBFT's CanonicalVoteExtension, behind its length.

    `CanonicalVoteExtension{ bytes extension = 1; sfixed64 height = 2; sfixed64 round = 3; string chain_id = 4 }`;
    fields with the value zero are left out, as protobuf does.
    """
    fields = [
        b"\x0a" + _uvarint(len(extension)) + extension if extension else b"",
        b"\x11" + height.to_bytes(8, "little") if height else b"",
        b"\x19" + round_.to_bytes(8, "little") if round_ else b"",
        b"\x22" + _uvarint(len(chain_id.encode())) + chain_id.encode() if chain_id else b"",
    ]
    body = b"".join(fields)
    return _uvarint(len(body)) + body


def _uvarint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
