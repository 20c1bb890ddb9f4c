"""One private key in one JSON document: Ethereum keystore V3, or, for localnets, our own that says that it is open.

Keystore V3: https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage (AES-128-CTR under a
key derived by scrypt or PBKDF2, Keccak-256 as authentication). geth, Livepeer's node and most wallets write it.
"""

import importlib
import json
import secrets
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from app.primitives.address import Address, parse_address, to_checksum
from app.primitives.secp256k1 import private_key_to_address
from chain.failures import UsageFailure

PRIVATE_KEY_BYTES = 32
OPEN_FORMAT = "headwater-unencrypted-key"
OPEN_WARNING = "THIS PRIVATE KEY IS NOT ENCRYPTED. Whoever reads this file owns the account. For localnets only."
# geth's scrypt (n = 2^18, r = 8) takes 256 MiB; four times that and ten million rounds of PBKDF2 are the most we run.
MOST_SCRYPT_BYTES = 2**30
MOST_PBKDF2_ROUNDS = 10_000_000


class KeyFileDamaged(UsageFailure):
    """The document is not a key in a form that we know."""


class PassphraseWrong(UsageFailure):
    """The key exists, but this passphrase does not open it."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a passphrase becomes an encryption key. `work` is scrypt's n or PBKDF2's rounds; None is the usual amount
    (scrypt 262,144: half a second; PBKDF2 1,000,000: a fifth of one)."""

    function: Literal["scrypt", "pbkdf2"] = "scrypt"
    work: int | None = None


def generate_private_key() -> bytes:
    """32 bytes from the system's randomness that are a secp256k1 private key."""
    while True:
        candidate = secrets.token_bytes(PRIVATE_KEY_BYTES)
        if is_private_key(candidate):
            return candidate


def is_private_key(candidate: bytes) -> bool:
    """Whether these bytes are a secp256k1 private key: 32 bytes, not 0, below the group's order."""
    try:
        private_key_to_address(candidate)
    except ValueError:
        return False
    return len(candidate) == PRIVATE_KEY_BYTES


def encrypt(private_key: bytes, passphrase: str, derivation: Derivation | None = None) -> dict[str, Any]:
    """The key as a keystore V3 document."""
    how = derivation or Derivation()
    document: dict[str, Any] = _keyfile().create_keyfile_json(
        private_key, passphrase.encode(), version=3, kdf=how.function, iterations=how.work
    )
    return document | {"address": private_key_to_address(private_key).hex()}


def _keyfile() -> ModuleType:
    """eth-keyfile, imported when it is needed: that takes a third of a second, which `headwater --help` does without.

    On the way it imports py_ecc, which raises Python's recursion limit to 100,000; deeply nested JSON would end this
    process with a stack overflow instead of a RecursionError, so the limit is put back.
    """
    limit = sys.getrecursionlimit()
    try:
        return importlib.import_module("eth_keyfile.keyfile")
    finally:
        sys.setrecursionlimit(limit)


def leave_open(private_key: bytes) -> dict[str, Any]:
    """The key as a document of our own that anybody can read."""
    return {
        "format": OPEN_FORMAT,
        "warning": OPEN_WARNING,
        "address": to_checksum(private_key_to_address(private_key)),
        "private_key": "0x" + private_key.hex(),
    }


def parse_document(text: str | bytes) -> dict[str, Any]:
    """The JSON of a key; KeyFileDamaged unless it is a keystore V3 or an open key, with a usable address."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise KeyFileDamaged(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise KeyFileDamaged("not a keystore document")
    lowered = {str(key).lower(): value for key, value in document.items()}
    if lowered.get("format") != OPEN_FORMAT and lowered.get("version") != 3:
        raise KeyFileDamaged(f"not a keystore of version 3 (its version is {lowered.get('version')!r})")
    return lowered


def is_open(document: dict[str, Any]) -> bool:
    """Whether the key lies there unencrypted."""
    return document.get("format") == OPEN_FORMAT


def stated_address(document: dict[str, Any]) -> Address:
    """The address that the document states, unproven until the key is decrypted; KeyFileDamaged when there is none."""
    try:
        return parse_address(str(document["address"]))
    except (KeyError, ValueError) as error:
        raise KeyFileDamaged(f"the key file states no address: {error}") from error


def decrypt(document: dict[str, Any], passphrase: str) -> bytes:
    """The private key of a keystore V3 document. Raises PassphraseWrong or KeyFileDamaged."""
    _check_cost(document)
    try:
        private_key = bytes(_keyfile().decode_keyfile_json(document, passphrase.encode()))
    except ValueError as error:
        if "MAC mismatch" in str(error):
            raise PassphraseWrong("the passphrase is wrong") from error
        raise KeyFileDamaged(f"the keystore cannot be decrypted: {error}") from error
    except (KeyError, TypeError, AttributeError, AssertionError, OverflowError) as error:
        raise KeyFileDamaged(f"the keystore cannot be decrypted: {error!r}") from error
    return _checked(private_key, document)


def read_open(document: dict[str, Any]) -> bytes:
    """The private key of an open document; KeyFileDamaged when it is none."""
    try:
        private_key = bytes.fromhex(str(document["private_key"]).removeprefix("0x"))
    except (KeyError, ValueError) as error:
        raise KeyFileDamaged(f"the key file holds no private key: {error}") from error
    return _checked(private_key, document)


def _checked(private_key: bytes, document: dict[str, Any]) -> bytes:
    if not is_private_key(private_key):
        raise KeyFileDamaged("what the key file holds is not a secp256k1 private key")
    if "address" in document and stated_address(document) != private_key_to_address(private_key):
        raise KeyFileDamaged("the key file states an address that is not its key's")
    return private_key


def _check_cost(document: dict[str, Any]) -> None:
    """A key file from elsewhere must not make us fill the memory or compute for hours."""
    try:
        crypto = {str(key).lower(): value for key, value in document["crypto"].items()}
        parameters = crypto["kdfparams"]
        if crypto["kdf"] == "scrypt":
            fine = 0 < 128 * int(parameters["n"]) * int(parameters["r"]) * int(parameters["p"]) <= MOST_SCRYPT_BYTES
        else:
            fine = 0 < int(parameters["c"]) <= MOST_PBKDF2_ROUNDS
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KeyFileDamaged(f"the keystore's key derivation cannot be read: {error!r}") from error
    if not fine:
        raise KeyFileDamaged("the keystore asks for more work than any wallet does; it is not opened")
