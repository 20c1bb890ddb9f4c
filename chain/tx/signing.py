"""From messages to a signed transaction: no network, no clock."""

from dataclasses import dataclass, replace

from app.messages.bodies import Body
from app.messages.fees import compute_min_fee
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import TxBody, body_digest, decode_tx, encode_body, hash_tx, seal
from app.params import Params
from app.primitives.amounts import Wei
from app.primitives.hashing import Hash32
from app.primitives.secp256k1 import SIGNATURE_LENGTH
from chain.keys.keyring import Signer

FEE_MARGIN_PERCENT = 10
"""What we pay above the minimum, so that a small change of the fee schedule does not refuse what is on its way."""


@dataclass(frozen=True, slots=True)
class SignedTx:
    """A transaction as it is broadcast, and its name on the chain."""

    body: TxBody
    raw: bytes
    tx_hash: Hash32


def sign(body: TxBody, signer: Signer) -> SignedTx:
    """Sign a body and check, by decoding it, that every node will be able to read it.

    Raises:
        Rejection: LIMIT_EXCEEDED or INVALID_FIELD: the chain would refuse this transaction anywhere.
    """
    body_bytes = _encode(body)
    raw = seal(body_bytes, signer.sign_digest(body_digest(body_bytes)))
    decode_tx(raw)
    return SignedTx(body, raw, hash_tx(raw))


def with_estimated_fee(body: TxBody, params: Params) -> TxBody:
    """The body with the smallest fee that covers its own size, and a margin.

    The fee's bytes are a part of the size that the fee is for, so it is raised until it fits: at most as often as an
    amount can have more bytes.

    Raises:
        Rejection: as `sign`.
    """
    while True:
        draft = decode_tx(seal(_encode(body), bytes(SIGNATURE_LENGTH)))
        fee = _with_margin(compute_min_fee(draft, params))
        if body.fee_wei >= fee:
            return body
        body = replace(body, fee_wei=fee)


def make_body(chain_id: str, nonce: int, messages: tuple[Body, ...], memo: str = "", valid_until: int = 0) -> TxBody:
    """A body without a fee yet."""
    return TxBody(chain_id, nonce, Wei(0), valid_until, messages, memo)


def _encode(body: TxBody) -> bytes:
    try:
        return encode_body(body)
    except ValueError as error:  # protobuf's own, for numbers beyond 64 bits and text that is not Unicode
        raise Rejection(Reason.INVALID_FIELD, f"a field cannot be encoded: {error}") from None


def _with_margin(fee: int) -> Wei:
    return Wei(-(-fee * (100 + FEE_MARGIN_PERCENT) // 100))
