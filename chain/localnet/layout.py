"""A localnet on disk: one directory with a node's home per validator and `localnet.json`, which records their ports.

DIR/localnet.json   names, ports and settings; written last, so that a directory with it is complete
DIR/node0 … nodeN   homes of nodes, each usable with `headwater node` as well
DIR/lock            held by the supervisor that runs the localnet; its text is the process id
DIR/supervisor.log  output of a detached supervisor
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from chain.cometbft.config import DEFAULT_MEMPOOL, FLOOD, LOCALNET_TIMEOUTS, ConsensusTimeouts, NodeConfig
from chain.cometbft.home import NodeHome
from chain.failures import Failure, UsageFailure
from chain.files import write_atomically

LOOPBACK = "127.0.0.1"
FORMAT_VERSION = 1


class LocalnetMissing(UsageFailure):
    """There is no localnet in this directory."""


class LocalnetDamaged(Failure):
    """localnet.json cannot be understood."""


@dataclass(frozen=True, slots=True)
class LocalnetSettings:
    """What all nodes share. `built_in_application` names one inside CometBFT (kvstore) instead of Headwater's."""

    built_in_application: str = ""
    timeouts: ConsensusTimeouts = field(default_factory=lambda: LOCALNET_TIMEOUTS)
    log_level: str = "info"
    mempool: str = DEFAULT_MEMPOOL


@dataclass(frozen=True, slots=True)
class LocalnetNode:
    """One validator: its name (and directory), its home, and its ports on the loopback."""

    name: str
    home: NodeHome
    rpc_port: int
    p2p_port: int

    @property
    def rpc_url(self) -> str:
        """Where its RPC listens."""
        return f"http://{LOOPBACK}:{self.rpc_port}"


@dataclass(frozen=True, slots=True)
class Localnet:
    """A localnet as recorded."""

    root: Path
    chain_id: str
    nodes: tuple[LocalnetNode, ...]
    settings: LocalnetSettings

    @property
    def record_file(self) -> Path:
        """What makes the directory a localnet."""
        return record_file(self.root)

    @property
    def lock_file(self) -> Path:
        """Held while it runs."""
        return self.root / "lock"

    @property
    def log_file(self) -> Path:
        """The output of a detached supervisor."""
        return self.root / "supervisor.log"

    def node_config(self, node: LocalnetNode) -> NodeConfig:
        """What `node`'s config.toml has to say: every other node is a persistent peer."""
        return NodeConfig(
            moniker=node.name,
            proxy_app=self.settings.built_in_application or f"unix://{node.home.socket_path()}",
            rpc_address=f"tcp://{LOOPBACK}:{node.rpc_port}",
            p2p_address=f"tcp://{LOOPBACK}:{node.p2p_port}",
            persistent_peers=tuple(
                f"{other.home.node_key().node_id}@{LOOPBACK}:{other.p2p_port}" for other in self.nodes if other != node
            ),
            peer_exchange=False,
            loopback=True,
            timeouts=self.settings.timeouts,
            mempool=FLOOD if self.settings.built_in_application else self.settings.mempool,
            relays=False,  # every node is a peer of every other
            log_level=self.settings.log_level,
        )

    def to_json(self) -> dict[str, Any]:
        """The record, as localnet.json holds it."""
        return {
            "version": FORMAT_VERSION,
            "chain_id": self.chain_id,
            "settings": asdict(self.settings),
            "nodes": [
                {"name": node.name, "rpc": node.rpc_url, "rpc_port": node.rpc_port, "p2p_port": node.p2p_port}
                for node in self.nodes
            ],
        }

    def save(self) -> None:
        """Write localnet.json."""
        write_atomically(self.record_file, (json.dumps(self.to_json(), indent=2) + "\n").encode())


def record_file(root: Path) -> Path:
    """Where a localnet's record lies."""
    return root / "localnet.json"


def load(root: Path) -> Localnet:
    """The localnet in this directory. Raises LocalnetMissing or LocalnetDamaged."""
    path = record_file(root)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LocalnetMissing(f"there is no localnet in {root}; make one with: headwater localnet start") from error
    except (OSError, ValueError) as error:
        raise LocalnetDamaged(f"cannot read {path}: {error}") from error
    try:
        return _parse(root, document)
    except (KeyError, TypeError, ValueError) as error:
        raise LocalnetDamaged(f"{path} is not a localnet's record: {error!r}") from error


def _parse(root: Path, document: dict[str, Any]) -> Localnet:
    if document["version"] != FORMAT_VERSION:
        raise ValueError(f"version {document['version']}, not {FORMAT_VERSION}")
    settings = dict(document["settings"])
    settings["timeouts"] = ConsensusTimeouts(**settings["timeouts"])
    nodes = tuple(
        LocalnetNode(item["name"], NodeHome(root / item["name"]), int(item["rpc_port"]), int(item["p2p_port"]))
        for item in document["nodes"]
    )
    return Localnet(root, str(document["chain_id"]), nodes, LocalnetSettings(**settings))
