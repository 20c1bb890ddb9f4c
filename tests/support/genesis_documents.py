"""Genesis documents and keys for tests, the same at every run."""

from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import sha256
from app.primitives.secp256k1 import private_key_to_address
from genesis.document import Document
from genesis.localnet import build_localnet_genesis

TIME = "2026-01-31T12:00:00Z"
CHAIN_ID = "headwater-test"


def private_key(name: str) -> bytes:
    """A private key that follows from a name; worth nothing anywhere."""
    return sha256(f"headwater test key {name}".encode())


def address_of(name: str) -> Address:
    return private_key_to_address(private_key(name))


def consensus_key(name: str) -> bytes:
    """32 bytes in place of an ed25519 public key: genesis asks no more of it."""
    return sha256(f"headwater consensus key {name}".encode())


def localnet_document(validators: int = 2, preset: str = "localnet") -> Document:
    names = [f"node{number}" for number in range(validators)]
    return build_localnet_genesis(
        CHAIN_ID,
        [(address_of(name), consensus_key(name), name) for name in names],
        [(address_of("alice"), Lpt(500 * 10**18), Wei(2 * 10**18))],
        preset,
        TIME,
    )
