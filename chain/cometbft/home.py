"""A node's home directory.

HOME/config   config.toml, genesis.json, node_key.json, priv_validator_key.json
HOME/data     CometBFT's blocks and state, and priv_validator_state.json (what was signed last)
HOME/app      the application's LevelDB
HOME/logs     app.log, cometbft.log
HOME/lock     held while the node runs
"""

import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.messages.attestation import DESK_FILE
from chain.cometbft import node_keys
from chain.cometbft.config import EffectiveConfig, NodeConfig, read_config
from chain.cometbft.node_keys import NodeKey
from chain.failures import UsageFailure
from chain.files import FileExists, write_atomically, write_once

# The kernel's limit is 108 bytes with the closing zero (104 on BSD); CometBFT and the application need nothing more.
LONGEST_SOCKET_PATH_BYTES = 100
FIRST_SIGN_STATE = {"height": "0", "round": 0, "step": 0}


class HomeExists(UsageFailure):
    """There is a node in this directory already."""


class HomeIncomplete(UsageFailure):
    """The directory is not a node's home, or a part of it is missing or damaged."""


@dataclass(frozen=True, slots=True)
class NodeHome:
    """The paths of one node, and what may be done to them."""

    root: Path

    @property
    def config_file(self) -> Path:
        """CometBFT's settings."""
        return self.root / "config" / "config.toml"

    @property
    def genesis_file(self) -> Path:
        """The genesis document: the same bytes on every node."""
        return self.root / "config" / "genesis.json"

    @property
    def node_key_file(self) -> Path:
        """The key that peers know the node by."""
        return self.root / "config" / "node_key.json"

    @property
    def validator_key_file(self) -> Path:
        """The key that signs blocks."""
        return self.root / "config" / "priv_validator_key.json"

    @property
    def sign_state_file(self) -> Path:
        """What the validator key signed last: it keeps a node from signing twice."""
        return self.root / "data" / "priv_validator_state.json"

    @property
    def data_folder(self) -> Path:
        """CometBFT's databases."""
        return self.root / "data"

    @property
    def app_folder(self) -> Path:
        """The application's database."""
        return self.root / "app"

    @property
    def attestations_file(self) -> Path:
        """Where the court worker leaves what it found; the application reads it there."""
        return self.app_folder / DESK_FILE

    @property
    def log_folder(self) -> Path:
        """The output of both processes."""
        return self.root / "logs"

    @property
    def lock_file(self) -> Path:
        """Locked while a supervisor runs this node."""
        return self.root / "lock"

    def exists(self) -> bool:
        """Whether a node was initialised here."""
        return self.config_file.exists()

    def check_vacant(self) -> None:
        """Raise HomeExists when a node was initialised here."""
        if self.exists():
            raise HomeExists(f"{self.root} is a node's home already; choose another --home")

    def config(self) -> EffectiveConfig:
        """What config.toml says now; ConfigInvalid when it cannot be read."""
        return read_config(self.config_file)

    def node_key(self) -> NodeKey:
        """Who the node is to its peers."""
        return node_keys.read_key(self.node_key_file)

    def validator_key(self) -> NodeKey:
        """The consensus key."""
        return node_keys.read_key(self.validator_key_file)

    def initialise(self, config: NodeConfig) -> None:
        """Make the directories, keys and config.toml. Keys that are there are kept; a config.toml is HomeExists."""
        self.check_vacant()
        for folder in (self.config_file.parent, self.data_folder, self.app_folder, self.log_folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._ensure_keys()
        write_once(self.config_file, config.to_toml().encode(), mode=0o644)

    def _ensure_keys(self) -> None:
        for path, write in (
            (self.node_key_file, node_keys.write_node_key),
            (self.validator_key_file, node_keys.write_validator_key),
        ):
            if path.exists():
                node_keys.read_key(path)
            else:
                write(path, node_keys.generate())
        if not self.sign_state_file.exists():
            self._write_first_sign_state()

    def _write_first_sign_state(self) -> None:
        write_once(self.sign_state_file, json.dumps(FIRST_SIGN_STATE, indent=2).encode())

    def rewrite_config(self, config: NodeConfig) -> None:
        """Replace config.toml, for homes that a localnet owns."""
        write_atomically(self.config_file, config.to_toml().encode())

    def write_genesis(self, document: bytes) -> None:
        """Store the genesis document; FileExists when another one is there (the same bytes are fine)."""
        try:
            write_once(self.genesis_file, document, mode=0o644)
        except FileExists:
            if self.genesis_file.read_bytes() != document:
                raise

    def genesis(self) -> dict[str, Any]:
        """The genesis document; HomeIncomplete when it is missing or not JSON."""
        try:
            document = json.loads(self.genesis_file.read_bytes())
        except FileNotFoundError as error:
            raise HomeIncomplete(f"{self.genesis_file} is missing: every node of a chain needs the same one") from error
        except (OSError, ValueError) as error:
            raise HomeIncomplete(f"cannot read {self.genesis_file}: {error}") from error
        if not isinstance(document, dict) or not document.get("chain_id"):
            raise HomeIncomplete(f"{self.genesis_file} is not a genesis document: it has no chain_id")
        return document

    def check_startable(self) -> EffectiveConfig:
        """Everything that must be there before processes are started; the config, or the error that tells."""
        if not self.exists():
            raise HomeIncomplete(f"{self.root} is not a node's home; make one with: headwater node init")
        config = self.config()
        self.genesis()
        self.node_key()
        self.validator_key()
        return config

    def erase_chain(self, new_chain: bool = False, erase_keys: bool = False) -> None:
        """Remove the chain's data of both processes, so that the node syncs again; call it with the lock held.

        `new_chain` also forgets what the validator key signed last: right when the genesis is another chain's, a
        double signature waiting to happen when it is not. `erase_keys` makes new keys (and so forgets as well).
        """
        signed = None if new_chain or erase_keys else _read_if_there(self.sign_state_file)
        for folder in (self.data_folder, self.app_folder, self.log_folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
        if erase_keys:
            self.node_key_file.unlink(missing_ok=True)
            self.validator_key_file.unlink(missing_ok=True)
        if signed is not None:
            write_once(self.sign_state_file, signed)
        self._ensure_keys()

    def socket_path(self) -> Path:
        """Where the application listens: in the home if that path is short enough for the kernel, else in /tmp."""
        inside = self.root.resolve() / "app.sock"
        if len(os.fsencode(inside)) <= LONGEST_SOCKET_PATH_BYTES:
            return inside
        name = hashlib.sha256(os.fsencode(self.root.resolve())).hexdigest()[:16]
        return _private_folder() / f"{name}.sock"


def _read_if_there(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _private_folder() -> Path:
    """A directory of ours under the temp dir that nobody else can put sockets into."""
    folder = Path(tempfile.gettempdir()) / f"headwater-{os.getuid()}"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_PATH_BYTES - 24:
        folder = Path(f"/tmp/headwater-{os.getuid()}")  # noqa: S108 - checked for owner and mode below
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    if state.st_uid != os.getuid() or state.st_mode & 0o077 or not folder.is_dir() or folder.is_symlink():
        raise HomeIncomplete(f"{folder} is not a private directory of yours; use a --home with a shorter path")
    return folder
