"""The two ed25519 keys of a node, in CometBFT's files: who it is to its peers, and what it signs blocks with."""

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Crypto.PublicKey import ECC

from chain.failures import Failure
from chain.files import write_once

PRIVATE_KEY_TYPE = "tendermint/PrivKeyEd25519"
PUBLIC_KEY_TYPE = "tendermint/PubKeyEd25519"
SEED_BYTES = 32


class KeyFileInvalid(Failure):
    """A key file of the node is missing or not in CometBFT's form."""


@dataclass(frozen=True, slots=True)
class NodeKey:
    """An ed25519 key pair; `secret` is the 32-byte seed, `public_key` 32 bytes."""

    secret: bytes
    public_key: bytes

    @property
    def address(self) -> bytes:
        """CometBFT's 20-byte address: the first bytes of sha256 of the public key."""
        return hashlib.sha256(self.public_key).digest()[:20]

    @property
    def node_id(self) -> str:
        """The address in the form that peers are named by: lower-case hex."""
        return self.address.hex()

    def __repr__(self) -> str:
        return f"NodeKey({self.node_id})"


def generate() -> NodeKey:
    """A new key from the system's randomness."""
    key = ECC.generate(curve="Ed25519")
    return NodeKey(bytes(key.seed), bytes(key.public_key().export_key(format="raw")))


def write_node_key(path: Path, key: NodeKey) -> None:
    """Create node_key.json, readable by its owner only; FileExists when there is one."""
    write_once(path, json.dumps({"priv_key": _private(key)}).encode())


def write_validator_key(path: Path, key: NodeKey) -> None:
    """Create priv_validator_key.json, readable by its owner only; FileExists when there is one."""
    document = {
        "address": key.address.hex().upper(),
        "pub_key": {"type": PUBLIC_KEY_TYPE, "value": base64.b64encode(key.public_key).decode()},
        "priv_key": _private(key),
    }
    write_once(path, json.dumps(document, indent=2).encode())


def read_key(path: Path) -> NodeKey:
    """The key in node_key.json or priv_validator_key.json; KeyFileInvalid when there is none or it is damaged."""
    try:
        entry: Any = json.loads(path.read_text())["priv_key"]
        secret = base64.b64decode(entry["value"], validate=True)
        if entry["type"] != PRIVATE_KEY_TYPE or len(secret) != 2 * SEED_BYTES:
            raise ValueError(f"its type is {entry['type']}, its length {len(secret)}")
    except OSError as error:
        raise KeyFileInvalid(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileInvalid(f"{path} is not an ed25519 key in CometBFT's form: {error}") from error
    return NodeKey(secret[:SEED_BYTES], secret[SEED_BYTES:])


def _private(key: NodeKey) -> dict[str, str]:
    return {"type": PRIVATE_KEY_TYPE, "value": base64.b64encode(key.secret + key.public_key).decode()}
