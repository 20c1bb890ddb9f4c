"""Signatures: secp256k1 with a recoverable signature of 65 bytes, r ‖ s ‖ v, in one accepted form.

Only s in the lower half of the group order and v of 0 or 1 are accepted: a second form of one signature once let a
ticket be paid twice on the real network (livepeer.md, b11, 2022-02).
"""

import coincurve

from app.primitives.address import Address
from app.primitives.hashing import Hash32, keccak256

SIGNATURE_LENGTH = 65
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_HALF_ORDER_BYTES = _HALF_ORDER.to_bytes(32, "big")


class InvalidSignature(ValueError):
    """The bytes are not a signature in the accepted form, or recover to no key."""


def personal_digest(payload: bytes) -> Hash32:
    """The digest that an Ethereum wallet signs for `personal_sign` of `payload` (EIP-191, version 0x45)."""
    return keccak256(b"\x19Ethereum Signed Message:\n%d" % len(payload) + payload)


def sign_digest(private_key: bytes, digest: bytes) -> bytes:
    """Sign 32 bytes; deterministic (RFC 6979), low s, v of 0 or 1."""
    return bytes(coincurve.PrivateKey(private_key).sign_recoverable(digest, hasher=None))


def recover_address(digest: bytes, signature: bytes) -> Address:
    """The account whose key made this signature over this digest.

    Raises:
        InvalidSignature: a length other than 65, a high s, a v other than 0 or 1, or no such key.
    """
    if len(signature) != SIGNATURE_LENGTH:
        raise InvalidSignature(f"a signature has {SIGNATURE_LENGTH} bytes, this one {len(signature)}")
    if signature[64] > 1:
        raise InvalidSignature(f"v is {signature[64]}; only 0 and 1 are accepted")
    if signature[32:64] > _HALF_ORDER_BYTES:
        raise InvalidSignature("s lies in the upper half of the group order; only the low form is accepted")
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except Exception as error:  # coincurve raises bare Exception for some inputs, ValueError for others
        raise InvalidSignature("no public key gives this signature") from error
    return Address(keccak256(key.format(compressed=False)[1:])[12:])


def private_key_to_address(private_key: bytes) -> Address:
    """The account that a private key of 32 bytes controls.

    Raises:
        ValueError: not a private key.
    """
    public = coincurve.PrivateKey(private_key).public_key.format(compressed=False)
    return Address(keccak256(public[1:])[12:])
