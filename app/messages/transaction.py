"""The signed envelope (protocol.md, section 2).

`Tx{ body, signature }`, where `body` is the exact protobuf encoding of `TxBody`. The signature is EIP-191 over the
Keccak-256 of the body behind a domain tag; the sender is whoever signed.
"""

from dataclasses import dataclass
from typing import Any

from app.messages import headwater_pb2
from app.messages.bodies import Body
from app.messages.codec import (
    MAX_UINT64,
    amount_from_wire,
    amount_to_wire,
    body_from_wire,
    body_to_wire,
    message_name,
    parse_canonical,
)
from app.messages.limits import MAX_CHAIN_ID_LENGTH, MAX_MEMO_LENGTH, MAX_MESSAGES, MAX_TX_BYTES, check_length
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Wei
from app.primitives.hashing import Hash32, keccak256, length_prefixed, sha256
from app.primitives.secp256k1 import InvalidSignature, personal_digest, recover_address, sign_digest

_DOMAIN = b"headwater/tx/1"


@dataclass(frozen=True, slots=True)
class TxBody:
    """What the sender signs.

    Attributes:
        fee_wei: what the sender pays; at least the minimum fee, taken also when a message fails.
        valid_until_height: the last height at which it may be included; 0 for no end.
        messages: 1 to 16; all of them take effect, or none.
    """

    chain_id: str
    nonce: int
    fee_wei: Wei
    valid_until_height: int
    messages: tuple[Body, ...]
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Tx:
    """A decoded transaction: its body, what of it is signed, its bytes, and the work that its messages make."""

    body: TxBody
    body_bytes: bytes
    signature: bytes
    size: int
    weight: int


def encode_body(body: TxBody) -> bytes:
    """The canonical bytes of a body.

    Raises:
        Rejection: INVALID_FIELD for a number or amount that does not fit.
    """
    for name, number in (("nonce", body.nonce), ("valid_until_height", body.valid_until_height)):
        if not 0 <= number <= MAX_UINT64:
            raise Rejection(Reason.INVALID_FIELD, f"{name} is {number}; 0 to 2^64 - 1")
    wire = headwater_pb2.TxBody(
        chain_id=body.chain_id,
        nonce=body.nonce,
        fee_wei=amount_to_wire(body.fee_wei),
        valid_until_height=body.valid_until_height,
        messages=[body_to_wire(message) for message in body.messages],
        memo=body.memo,
    )
    encoded: bytes = wire.SerializeToString(deterministic=True)
    return encoded


def body_digest(body_bytes: bytes) -> Hash32:
    """What the sender's key signs."""
    return personal_digest(keccak256(length_prefixed(_DOMAIN, body_bytes)))


def sign_body(body: TxBody, private_key: bytes) -> bytes:
    """A body as a signed transaction, ready to broadcast."""
    body_bytes = encode_body(body)
    return seal(body_bytes, sign_digest(private_key, body_digest(body_bytes)))


def seal(body_bytes: bytes, signature: bytes) -> bytes:
    """Put a body and its signature into the envelope."""
    encoded: bytes = headwater_pb2.Tx(body=body_bytes, signature=signature).SerializeToString(deterministic=True)
    return encoded


def hash_tx(raw: bytes) -> Hash32:
    """The name of a transaction, as CometBFT computes it: SHA-256 over its bytes."""
    return sha256(raw)


def decode_tx(raw: bytes) -> Tx:
    """Read a transaction, without asking who signed it.

    Raises:
        Rejection: UNDECODABLE, NOT_CANONICAL, LIMIT_EXCEEDED, UNKNOWN_MESSAGE or INVALID_FIELD.
    """
    check_length("the transaction", len(raw), MAX_TX_BYTES)
    envelope = parse_canonical(headwater_pb2.Tx, raw)
    wire = parse_canonical(headwater_pb2.TxBody, envelope.body)
    body = _read_body(wire)
    weight = sum([message_weight(message) for message in body.messages])
    return Tx(body, envelope.body, envelope.signature, len(raw), weight)


def recover_sender(tx: Tx) -> Address:
    """Who signed the transaction.

    Raises:
        Rejection: INVALID_SIGNATURE.
    """
    try:
        return recover_address(body_digest(tx.body_bytes), tx.signature)
    except InvalidSignature as error:
        raise Rejection(Reason.INVALID_SIGNATURE, str(error)) from None


def compute_gas(tx: Tx) -> int:
    """Gas wanted and used: a pure function of the transaction, because it is hashed into the next header."""
    return tx.size + tx.weight


def message_weight(message: Body) -> int:
    """How much work a message makes for the chain, in units of one balance update."""
    return _WEIGHTS.get(message_name(message), DEFAULT_WEIGHT)


DEFAULT_WEIGHT = 10
_WEIGHTS = {
    "transfer": 2,
    "claim_work": 50,
    "verify": 100,
    "challenge": 100,
    "initialize_round": 200,
    "reward": 20,
    "job": 40,
    "slash_double_claim": 60,
    "propose": 100,
}


def _read_body(wire: Any) -> TxBody:
    chain_id, memo, messages = wire.chain_id, wire.memo, wire.messages
    check_length("chain_id", len(chain_id), MAX_CHAIN_ID_LENGTH)
    check_length("memo", len(memo.encode()), MAX_MEMO_LENGTH)
    check_length("messages", len(messages), MAX_MESSAGES)
    if not messages:
        raise Rejection(Reason.INVALID_FIELD, "a transaction holds at least one message")
    return TxBody(
        chain_id,
        wire.nonce,
        Wei(amount_from_wire(wire.fee_wei, "fee_wei")),
        wire.valid_until_height,
        tuple([body_from_wire(message) for message in messages]),
        memo,
    )


def encode_message(message: Body) -> bytes:
    """One message as the envelope holds it, for who keeps it until it can be sent."""
    encoded: bytes = body_to_wire(message).SerializeToString(deterministic=True)
    return encoded


def decode_message(data: bytes) -> Body:
    """Read what `encode_message` wrote.

    Raises:
        Rejection: UNDECODABLE, NOT_CANONICAL, UNKNOWN_MESSAGE, LIMIT_EXCEEDED or INVALID_FIELD.
    """
    return body_from_wire(parse_canonical(headwater_pb2.Message, data))
