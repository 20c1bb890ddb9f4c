"""Evidence that a validator has signed twice, as CometBFT takes it: votes signed with the key itself.

Sources: CometBFT v0.40.0, types/canonical.go (what is signed), types/evidence.go (order of the two votes and what
stands beside them), rpc/core/evidence.go (where it is posted).
"""

import base64
from dataclasses import dataclass, replace
from typing import Any

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from google.protobuf.timestamp_pb2 import Timestamp

from app.primitives.hashing import sha256
from chain.cometbft.node_keys import NodeKey
from chain.rpc.client import RpcClient

PRECOMMIT = 2
FOR_THE_BLOCK = 2
"""The flag of a vote in a commit; the others are absent and nil."""


@dataclass(frozen=True, slots=True)
class Vote:
    """A precommit of round `round` for a block, with its signature; `timestamp` is RFC 3339 with nanoseconds."""

    height: int
    round: int
    block_hash: bytes
    parts_total: int
    parts_hash: bytes
    timestamp: str
    signature: bytes = b""

    @property
    def order_key(self) -> bytes:
        """CometBFT's order of the votes in evidence: hash of the block, then its part set header in protobuf."""
        return self.block_hash + _varint(1, self.parts_total) + _bytes(2, self.parts_hash)


def sign_bytes(chain_id: str, vote: Vote) -> bytes:
    """What a validator signs: the length-delimited protobuf of a CanonicalVote."""
    time = Timestamp()
    time.FromJsonString(vote.timestamp)
    parts = _varint(1, vote.parts_total) + _bytes(2, vote.parts_hash)
    block_id = _bytes(1, vote.block_hash) + _bytes(2, parts)
    canonical = (
        _varint(1, PRECOMMIT)
        + _fixed64(2, vote.height)
        + (_fixed64(3, vote.round) if vote.round else b"")
        + _bytes(4, block_id)
        + _bytes(5, time.SerializeToString())
        + _bytes(6, chain_id.encode())
    )
    return _length(canonical) + canonical


def sign(chain_id: str, vote: Vote, key: NodeKey) -> bytes:
    """The signature of a validator's key under a vote."""
    private = ECC.construct(curve="Ed25519", seed=key.secret)
    return eddsa.new(private, "rfc8032").sign(sign_bytes(chain_id, vote))


def real_vote(commit: dict[str, Any], key: NodeKey) -> Vote | None:
    """The precommit of this validator in a commit (of RPC); none where it came too late, or was for no block."""
    for entry in commit["signatures"]:
        if entry["validator_address"] == key.address.hex().upper() and entry["block_id_flag"] == FOR_THE_BLOCK:
            block, parts = commit["block_id"], commit["block_id"]["parts"]
            return Vote(
                int(commit["height"]),
                int(commit["round"]),
                bytes.fromhex(block["hash"]),
                int(parts["total"]),
                bytes.fromhex(parts["hash"]),
                entry["timestamp"],
                base64.b64decode(entry["signature"]),
            )
    return None


def another_vote(chain_id: str, vote: Vote, key: NodeKey) -> Vote:
    """The same validator's vote of the same height and round for a block that does not exist, really signed."""
    forged = replace(vote, block_hash=sha256(vote.block_hash), parts_hash=sha256(vote.parts_hash))
    return replace(forged, signature=sign(chain_id, forged, key))


async def build_evidence(client: RpcClient, votes: tuple[Vote, Vote], key: NodeKey) -> dict[str, Any]:
    """DuplicateVoteEvidence in CometBFT's JSON, with the powers and the time of the votes' height."""
    height = votes[0].height
    validators = await client.validators(height)
    index = [validator.address for validator in validators].index(key.address)
    time = (await client.transport.read("header", {"height": str(height)}))["header"]["time"]
    first, second = sorted(votes, key=lambda vote: vote.order_key)
    return {
        "type": "tendermint/DuplicateVoteEvidence",
        "value": {
            "vote_a": _vote_json(first, key, index),
            "vote_b": _vote_json(second, key, index),
            "TotalVotingPower": str(sum(validator.power for validator in validators)),
            "ValidatorPower": str(validators[index].power),
            "Timestamp": time,
        },
    }


async def post(client: RpcClient, evidence: dict[str, Any]) -> None:
    """Hand evidence to a node, which checks it and tells the others.

    Raises:
        RpcError: the node does not believe it, or it is too old.
    """
    await client.transport.call("broadcast_evidence", {"evidence": evidence})


def _vote_json(vote: Vote, key: NodeKey, index: int) -> dict[str, Any]:
    parts = {"total": vote.parts_total, "hash": vote.parts_hash.hex().upper()}
    return {
        "type": PRECOMMIT,
        "height": str(vote.height),
        "round": vote.round,
        "block_id": {"hash": vote.block_hash.hex().upper(), "parts": parts},
        "timestamp": vote.timestamp,
        "validator_address": key.address.hex().upper(),
        "validator_index": index,
        "signature": base64.b64encode(vote.signature).decode(),
        "extension": None,
        "extension_signature": None,
    }


# --- protobuf's wire format, as far as a vote needs it


def _varint(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _number(value)


def _fixed64(field: int, value: int) -> bytes:
    return bytes([field << 3 | 1]) + value.to_bytes(8, "little")


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _length(value) + value


def _length(value: bytes) -> bytes:
    return _number(len(value))


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
