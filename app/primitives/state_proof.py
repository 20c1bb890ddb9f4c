"""Proofs that a key has a value in the chain's state, or has none: their wire form and their verification.

The state is a compact binary sparse Merkle tree over the pairs of key and value. The path of a key is the bits of
sha256(key), highest first; a subtree with one leaf is that leaf, a subtree with none is 32 zero bytes:

    leaf  = sha256(0x00 ‖ uvarint(len(key)) ‖ key ‖ 0x20 ‖ sha256(value))
    inner = sha256(0x01 ‖ left ‖ right)

The app hash is the root of CometBFT's "simple map" with the single entry "state" → tree root. A leaf at depth d is
thus number (first d bits of its path) of 2^d leaves of a CometBFT Merkle tree, and the stock light client accepts an
existence proof as two `simple:v` operators under the key path /state/<key> (CometBFT v0.40,
crypto/merkle/proof_value.go). Absence is shown by what stands in the key's place, an empty node or another key's leaf,
under an operator type of our own that the stock client does not know.

Both sides of the chain share this module; it uses nothing but SHA-256.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_HASH = bytes(HASH_BYTES)
"""The hash of a subtree without leaves."""
STORE_KEY = b"state"
"""The name of the tree in the simple map under the app hash, and in the query path /store/state/key."""
EXISTENCE_OP_TYPE = "simple:v"
ABSENCE_OP_TYPE = "headwater:absence"
MAX_EXISTENCE_DEPTH = 62
"""Deepest leaf a `simple:v` operator can describe: its total, 2^depth, is an int64."""
MAX_DEPTH = 8 * HASH_BYTES
_DIGEST_LENGTH = b"\x20"


class StateProofError(Exception):
    """A proof that cannot be read, or does not prove what it was asked to prove. The text says which."""


class ProofOp(NamedTuple):
    """One operator of an ABCI query's `proof_ops` (tendermint.crypto.ProofOp)."""

    type: str
    key: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class ExistenceProof:
    """A leaf and the hashes beside its way up; `aunts` run from the leaf to the root, 32 bytes each."""

    key: bytes
    leaf_hash: bytes
    aunts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The leaf that stands where an absent key would stand: its key and the SHA-256 of its value."""

    key: bytes
    value_hash: bytes

    @classmethod
    def of(cls, key: bytes, value: bytes) -> "Neighbour":
        """The neighbour with this key and value."""
        return cls(key, sha256(value).digest())


@dataclass(frozen=True, slots=True)
class AbsenceProof:
    """The node in the absent key's place, an empty one where `neighbour` is None, and the hashes beside its way up."""

    key: bytes
    neighbour: Neighbour | None
    aunts: tuple[bytes, ...]


StateProof = ExistenceProof | AbsenceProof


def compute_leaf_hash(key: bytes, value_hash: bytes) -> bytes:
    """The hash of a leaf, from its key and the SHA-256 of its value."""
    return sha256(b"\x00" + _uvarint(len(key)) + key + _DIGEST_LENGTH + value_hash).digest()


def compute_inner_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two others."""
    return sha256(b"\x01" + left + right).digest()


def compute_app_hash(root: bytes) -> bytes:
    """The app hash of a state whose tree has this root (32 bytes); an empty tree's root is `EMPTY_HASH`."""
    return compute_leaf_hash(STORE_KEY, sha256(root).digest())


def verify_existence(app_hash: bytes, key: bytes, value: bytes, proof: StateProof) -> None:
    """Check that `key` has exactly this `value` in the state under `app_hash`.

    The app hash of the state after block H is in the header of block H + 1.

    Raises:
        StateProofError: it is not shown.
    """
    if not isinstance(proof, ExistenceProof):
        raise StateProofError("the proof shows that the key is absent, not its value")
    _require_key(key, proof.key)
    if proof.leaf_hash != compute_leaf_hash(key, sha256(value).digest()):
        raise StateProofError("the proof is for another value of this key")
    _require_app_hash(app_hash, _fold(key, proof.leaf_hash, proof.aunts))


def verify_absence(app_hash: bytes, key: bytes, proof: StateProof) -> None:
    """Check that `key` has no value in the state under `app_hash`.

    Raises:
        StateProofError: it is not shown.
    """
    if not isinstance(proof, AbsenceProof):
        raise StateProofError("the proof shows a value of the key, not its absence")
    _require_key(key, proof.key)
    node = EMPTY_HASH if proof.neighbour is None else _neighbour_hash(key, proof.neighbour, len(proof.aunts))
    _require_app_hash(app_hash, _fold(key, node, proof.aunts))


def verify_answer(app_hash: bytes, key: bytes, value: bytes | None, ops: Sequence[ProofOp]) -> None:
    """Check what a query for `key` answered: its value, or None where it has none.

    Raises:
        StateProofError: the operators do not show it.
    """
    proof = decode_proof(ops)
    if value is None:
        verify_absence(app_hash, key, proof)
    else:
        verify_existence(app_hash, key, value, proof)


def encode_proof(proof: StateProof) -> tuple[ProofOp, ...]:
    """The operators that carry a proof in an ABCI query answer.

    Raises:
        StateProofError: the leaf lies deeper than the stock format can say (two keys ground to share 62 bits of hash).
    """
    if isinstance(proof, AbsenceProof):
        return (ProofOp(ABSENCE_OP_TYPE, proof.key, _encode_absence(proof)),)
    depth = len(proof.aunts)
    if depth > MAX_EXISTENCE_DEPTH:
        raise StateProofError(
            f"the key lies {depth} levels deep; a {EXISTENCE_OP_TYPE} proof reaches {MAX_EXISTENCE_DEPTH}"
        )
    total, index = 1 << depth, _path_prefix(proof.key, depth)
    root = _fold(proof.key, proof.leaf_hash, proof.aunts)
    return (
        ProofOp(EXISTENCE_OP_TYPE, proof.key, _encode_value_op(proof.key, total, index, proof.leaf_hash, proof.aunts)),
        ProofOp(EXISTENCE_OP_TYPE, STORE_KEY, _encode_value_op(STORE_KEY, 1, 0, compute_app_hash(root), ())),
    )


def decode_proof(ops: Sequence[ProofOp]) -> StateProof:
    """The proof that the operators of a query answer carry; every other form of the same proof is refused.

    Raises:
        StateProofError: the operators are not what `encode_proof` makes.
    """
    if not ops:
        raise StateProofError("the answer carries no proof")
    first = ops[0]
    if first.type == EXISTENCE_OP_TYPE:
        proof: StateProof = _decode_existence(first)
    elif first.type == ABSENCE_OP_TYPE:
        proof = _decode_absence(first)
    else:
        raise StateProofError(f"unknown proof operator {first.type[:40]!r}")
    # One comparison checks total, index, the second operator and the canonical encoding together.
    if encode_proof(proof) != tuple(ops):
        raise StateProofError("the proof's operators contradict each other or are not in canonical form")
    return proof


def _require_key(asked: bytes, proven: bytes) -> None:
    if not asked:
        # An operator with an empty key consumes no part of CometBFT's key path, so such a key is never stored.
        raise StateProofError("the empty key is never part of the state")
    if asked != proven:
        raise StateProofError(f"the proof is for key {proven.hex()[:80]}, asked was {asked.hex()[:80]}")


def _require_app_hash(app_hash: bytes, root: bytes) -> None:
    if compute_app_hash(root) != app_hash:
        raise StateProofError(f"the proof leads to another app hash than {app_hash.hex()[:64]}")


def _neighbour_hash(key: bytes, neighbour: Neighbour, depth: int) -> bytes:
    if neighbour.key == key:
        raise StateProofError("the neighbouring leaf is the key itself")
    if depth > MAX_DEPTH or _path_prefix(neighbour.key, depth) != _path_prefix(key, depth):
        raise StateProofError("the neighbouring leaf does not stand in the key's place")
    _require_hashes((neighbour.value_hash,))
    return compute_leaf_hash(neighbour.key, neighbour.value_hash)


def _path_prefix(key: bytes, depth: int) -> int:
    """The first `depth` bits of the key's path as a number."""
    return int.from_bytes(sha256(key).digest(), "big") >> (MAX_DEPTH - depth)


def _fold(key: bytes, node: bytes, aunts: Sequence[bytes]) -> bytes:
    """The root over `node`, which stands on the key's path under as many levels as there are aunts."""
    if len(aunts) > MAX_DEPTH:
        raise StateProofError(f"a proof of {len(aunts)} levels; a path has {MAX_DEPTH}")
    _require_hashes((node, *aunts))
    index = _path_prefix(key, len(aunts))
    for aunt in aunts:
        node = compute_inner_hash(aunt, node) if index & 1 else compute_inner_hash(node, aunt)
        index >>= 1
    return node


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(digest) != HASH_BYTES for digest in hashes):
        raise StateProofError("a hash in the proof is not 32 bytes long")


# The wire form: three small protobuf messages, written and read by hand because this module imports no generated code.
#   ValueOp {bytes key = 1; Proof proof = 2}
#   Proof {int64 total = 1, index = 2; bytes leaf_hash = 3; repeated bytes aunts = 4}
#   Absence {repeated bytes aunts = 1; bytes neighbour_key = 2, neighbour_value_hash = 3}

_VARINT, _BYTES = 0, 2
_MAX_OP_BYTES = 1 << 16


def _encode_value_op(key: bytes, total: int, index: int, leaf_hash: bytes, aunts: Sequence[bytes]) -> bytes:
    proof = _number_field(1, total) + _number_field(2, index) + _bytes_field(3, leaf_hash)
    proof += b"".join(_bytes_field(4, aunt) for aunt in aunts)
    return _bytes_field(1, key) + _bytes_field(2, proof)


def _decode_existence(op: ProofOp) -> ExistenceProof:
    fields = _decode_fields(op.data)
    proof = _decode_fields(_last_bytes(fields, 2))
    return ExistenceProof(op.key, _last_bytes(proof, 3), _all_bytes(proof, 4))


def _encode_absence(proof: AbsenceProof) -> bytes:
    aunts = b"".join(_bytes_field(1, aunt) for aunt in proof.aunts)
    if proof.neighbour is None:
        return aunts
    return aunts + _bytes_field(2, proof.neighbour.key) + _bytes_field(3, proof.neighbour.value_hash)


def _decode_absence(op: ProofOp) -> AbsenceProof:
    fields = _decode_fields(op.data)
    value_hash = _last_bytes(fields, 3)
    neighbour = Neighbour(_last_bytes(fields, 2), value_hash) if value_hash else None
    return AbsenceProof(op.key, neighbour, _all_bytes(fields, 1))


def _uvarint(number: int) -> bytes:
    if number < 0x80:
        return bytes((number,))
    groups = []
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*groups, number))


def _number_field(number: int, value: int) -> bytes:
    return _uvarint(number << 3 | _VARINT) + _uvarint(value) if value else b""


def _bytes_field(number: int, value: bytes) -> bytes:
    return _uvarint(number << 3 | _BYTES) + _uvarint(len(value)) + value if value else b""


def _decode_fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of bytes type, in order; numbers are passed over, because re-encoding checks them."""
    if len(data) > _MAX_OP_BYTES:
        raise StateProofError(f"a proof operator of {len(data)} bytes; the limit is {_MAX_OP_BYTES}")
    fields, position = [], 0
    while position < len(data):
        tag, position = _decode_uvarint(data, position)
        length, position = _decode_uvarint(data, position)
        if tag & 7 == _VARINT:
            continue
        if tag & 7 != _BYTES or length > len(data) - position:
            raise StateProofError("a proof operator is not well-formed protobuf")
        fields.append((tag >> 3, data[position : position + length]))
        position += length
    return fields


def _decode_uvarint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for shift, byte in enumerate(data[position : position + 10]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, position + shift + 1
    raise StateProofError("a proof operator ends in the middle of a number")


def _last_bytes(fields: list[tuple[int, bytes]], number: int) -> bytes:
    return next((value for field, value in reversed(fields) if field == number), b"")


def _all_bytes(fields: list[tuple[int, bytes]], number: int) -> tuple[bytes, ...]:
    return tuple(value for field, value in fields if field == number)
