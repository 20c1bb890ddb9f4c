"""The keys of one user: HOME/keys/NAME.json, readable by their owner only."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.primitives.address import Address, to_checksum
from app.primitives.secp256k1 import private_key_to_address, sign_digest
from chain.failures import UsageFailure
from chain.files import FileExists, sync_folder, write_once
from chain.keys import keystore
from chain.keys.keystore import Derivation, KeyFileDamaged

NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
PassphraseSource = Callable[[str], str]
"""Given the key's name: its passphrase. Called only when the key is encrypted."""


class KeyNameInvalid(UsageFailure):
    """A name that cannot be a key's."""


class KeyMissing(UsageFailure):
    """There is no key of this name."""


class KeyExists(UsageFailure):
    """There is a key of this name, and keys are never overwritten."""


class KeyExposed(UsageFailure):
    """Others than the owner can read the key file."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An account that can sign. The key is not part of its text form."""

    address: Address
    private_key: bytes = field(repr=False)

    @classmethod
    def of(cls, private_key: bytes) -> "Signer":
        """The signer that a private key of 32 bytes makes."""
        return cls(private_key_to_address(private_key), private_key)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign 32 bytes: 65 bytes r ‖ s ‖ v with low s."""
        return sign_digest(self.private_key, digest)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key as listed, without opening it; the address is what the file states."""

    name: str
    address: Address
    encrypted: bool
    path: Path

    def to_json(self) -> dict[str, Any]:
        """For `-o json`."""
        return {
            "name": self.name,
            "address": to_checksum(self.address),
            "encrypted": self.encrypted,
            "file": str(self.path),
        }


class Keyring:
    """The keys under `home`; nothing is kept in memory."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "keys"

    def add(
        self, name: str, private_key: bytes, passphrase: str | None, derivation: Derivation | None = None
    ) -> KeyEntry:
        """Store a private key under a new name, encrypted unless `passphrase` is None (for localnets).

        Raises KeyNameInvalid, KeyExists, or KeyFileDamaged when it is not a private key.
        """
        if not keystore.is_private_key(private_key):
            raise KeyFileDamaged("not a secp256k1 private key: 32 bytes, not zero, below the group's order")
        self.check_free(name)
        if passphrase is None:
            return self.add_document(name, keystore.leave_open(private_key))
        return self.add_document(name, keystore.encrypt(private_key, passphrase, derivation))

    def add_document(self, name: str, document: dict[str, Any]) -> KeyEntry:
        """Store a document as it is under a new name. Raises KeyNameInvalid, KeyExists or KeyFileDamaged."""
        self.check_free(name)
        keystore.stated_address(document)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            write_once(self._path(name), (json.dumps(document, indent=2) + "\n").encode(), mode=0o600)
        except FileExists as error:
            raise self._exists(name) from error
        return self.show(name)

    def check_free(self, name: str) -> None:
        """Raise KeyNameInvalid or KeyExists unless a key can be stored under this name."""
        if self._path(name).exists():
            raise self._exists(name)

    def list(self) -> list[KeyEntry]:
        """All keys, by name; KeyFileDamaged names the file that cannot be read."""
        names = sorted(path.stem for path in self.folder.glob("*.json") if NAME_PATTERN.fullmatch(path.stem))
        return [self.show(name) for name in names]

    def show(self, name: str) -> KeyEntry:
        """One key without opening it. Raises KeyMissing or KeyFileDamaged."""
        document = self.document(name)
        try:
            address = keystore.stated_address(document)
        except KeyFileDamaged as error:
            raise KeyFileDamaged(f"{self._path(name)}: {error}") from error
        return KeyEntry(name, address, not keystore.is_open(document), self._path(name))

    def document(self, name: str) -> dict[str, Any]:
        """The key file as it is. Raises KeyMissing, KeyExposed or KeyFileDamaged."""
        path = self._path(name)
        try:
            mode, text = path.stat().st_mode, path.read_bytes()
        except FileNotFoundError as error:
            known = ", ".join(sorted(item.stem for item in self.folder.glob("*.json"))) or "none yet"
            raise KeyMissing(f"there is no key {name!r} in {self.folder} (there are: {known})") from error
        if mode & 0o077:
            raise KeyExposed(f"{path} can be read by others; make it yours alone with: chmod 600 {path}")
        try:
            return keystore.parse_document(text)
        except KeyFileDamaged as error:
            raise KeyFileDamaged(f"{path}: {error}") from error

    def load(self, name: str, passphrase_source: PassphraseSource) -> Signer:
        """Open a key to sign with. Raises KeyMissing, KeyExposed, KeyFileDamaged or PassphraseWrong."""
        document = self.document(name)
        if keystore.is_open(document):
            return Signer.of(keystore.read_open(document))
        return Signer.of(keystore.decrypt(document, passphrase_source(name)))

    def delete(self, name: str) -> None:
        """Remove a key for good. Raises KeyMissing."""
        path = self._path(name)
        try:
            path.unlink()
        except FileNotFoundError as error:
            raise KeyMissing(f"there is no key {name!r} in {self.folder}") from error
        sync_folder(self.folder)

    def _path(self, name: str) -> Path:
        if not NAME_PATTERN.fullmatch(name):
            raise KeyNameInvalid(f"{name!r} cannot name a key: use up to 63 of a-z 0-9 _ -, a letter or digit first")
        return self.folder / f"{name}.json"

    def _exists(self, name: str) -> KeyExists:
        return KeyExists(f"there is a key {name!r} already ({self._path(name)}); keys are never overwritten")
