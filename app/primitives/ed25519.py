"""Verifying ed25519 signatures: what validators sign (RFC 8032).

Each node must find the same of any bytes, so that one library decides. It is stricter than CometBFT about signatures
that no honest signer makes; what it refuses counts as not there.
"""

from functools import lru_cache
from typing import Any

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa

SIGNATURE_LENGTH = 64


@lru_cache(maxsize=4096)
def verify_ed25519(pubkey: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key of 32 bytes has signed the message.

    A verification takes 2.6 ms, and a node that proposes asks three times for the same: answers are kept.
    """
    try:
        _verifier(pubkey).verify(message, signature)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _verifier(pubkey: bytes) -> Any:
    key: ECC.EccKey = eddsa.import_public_key(pubkey)
    return eddsa.new(key, "rfc8032")
