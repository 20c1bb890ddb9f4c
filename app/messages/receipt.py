"""The transcode receipt, and the leaves that it commits to (whitepaper, *The Job*, step 9; media.md, section 2).

A leaf is one segment × one rendition: the smallest thing that anybody can judge alone. The transcoded hash of a
segment is the Merkle root over its leaves in the order of the job's renditions, so that one leaf can be disputed by
its path; the receipt with the transcoder's signature is a leaf of its claim's Merkle tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from app.messages.limits import MAX_STREAM_ID_LENGTH, Limit
from app.messages.record import encode
from app.messages.segment import Segment
from app.primitives.address import Address
from app.primitives.hashing import Hash32, keccak256, length_prefixed
from app.primitives.merkle import merkle_root
from app.primitives.secp256k1 import personal_digest, recover_address, sign_digest

_DOMAIN = b"headwater/receipt/1"
TOOLCHAIN_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Leaf:
    """One rendition of one segment.

    Attributes:
        rendition: its place in the job's options, from 0.
        input_hash, output_hash: SHA-256 of the payloads, which are their content addresses.
        frames: how many pictures the output holds.
        stage_root: one hash over the digests of the decoded, scaled, encoded and muxed bytes: where two nodes differ.
    """

    job_id: int
    profile_id: str
    sequence_number: int
    rendition: int
    input_hash: Hash32
    output_hash: Hash32
    frames: int
    stage_root: Hash32


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a transcoder keeps of a segment, and shows when it is challenged.

    Attributes:
        transcoded_hash: the root over the segment's leaves.
        toolchain: a fingerprint of the encoder build, for whoever looks into a dispute.
    """

    job_id: int
    stream_id: Annotated[str, Limit(MAX_STREAM_ID_LENGTH)]
    sequence_number: int
    data_hash: Hash32
    transcoded_hash: Hash32
    broadcaster_signature: Annotated[bytes, Limit(65)]
    toolchain: Annotated[str, Limit(TOOLCHAIN_LENGTH)]
    transcoder_signature: Annotated[bytes, Limit(65)]


def transcoded_hash_of(leaves: Sequence[Leaf]) -> Hash32:
    """The root over a segment's leaves, in the order of the job's renditions."""
    return merkle_root([encode(leaf) for leaf in leaves])


def receipt_segment(receipt: Receipt) -> Segment:
    """The broadcaster's segment that a receipt answers."""
    return Segment(receipt.stream_id, receipt.sequence_number, receipt.data_hash)


def receipt_digest(receipt: Receipt) -> Hash32:
    """What the transcoder signs: every field but its own signature."""
    unsigned = encode(replace(receipt, transcoder_signature=b""))
    return personal_digest(keccak256(length_prefixed(_DOMAIN, unsigned)))


def sign_receipt(receipt: Receipt, private_key: bytes) -> Receipt:
    """The receipt with the transcoder's signature."""
    return replace(receipt, transcoder_signature=sign_digest(private_key, receipt_digest(receipt)))


def recover_transcoder(receipt: Receipt) -> Address:
    """Who signed the receipt.

    Raises:
        InvalidSignature: nobody did.
    """
    return recover_address(receipt_digest(receipt), receipt.transcoder_signature)
