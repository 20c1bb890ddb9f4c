"""Making a localnet, giving it other ports when its own are taken, and taking its chain away again."""

import base64
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chain.cometbft.config import NodeConfig
from chain.cometbft.home import NodeHome
from chain.cometbft.node_keys import PUBLIC_KEY_TYPE
from chain.failures import UsageFailure
from chain.localnet.layout import LOOPBACK, Localnet, LocalnetNode, LocalnetSettings, record_file
from chain.node.lock import holder
from chain.node.ports import choose_free_ports, is_free

FIRST_PORT = 26656
PORTS_PER_NODE = 10
MOST_VALIDATORS = 64


@dataclass(frozen=True, slots=True)
class LocalnetValidator:
    """A validator to be: the node's name and its 32-byte ed25519 consensus key."""

    name: str
    public_key: bytes
    address: bytes


GenesisWriter = Callable[[Path, Sequence[LocalnetValidator]], dict[str, Any]]
"""Given the localnet's directory (to put account keys into, say) and its validators: the genesis document."""


def plain_genesis(root: Path, validators: Sequence[LocalnetValidator]) -> dict[str, Any]:
    """A genesis document without application state, for applications that need none, such as kvstore."""
    return {
        "genesis_time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "chain_id": f"headwater-{root.name}"[:50],
        "initial_height": "1",
        "validators": [
            {
                "address": item.address.hex().upper(),
                "pub_key": {"type": PUBLIC_KEY_TYPE, "value": base64.b64encode(item.public_key).decode()},
                "power": "10",
                "name": item.name,
            }
            for item in validators
        ],
        "app_hash": "",
    }


def create(
    root: Path,
    validators: int,
    write_genesis: GenesisWriter,
    settings: LocalnetSettings,
    usual_ports: bool = True,
) -> Localnet:
    """Make the homes of `validators` nodes with keys, free ports and one genesis document for all.

    Ports are CometBFT's usual ones as far as they are free, or with `usual_ports` off any that are free, so that
    localnets that are made at the same time do not choose the same.

    Raises UsageFailure when something is there already. Nothing is left behind when it fails.
    """
    if not 1 <= validators <= MOST_VALIDATORS:
        raise UsageFailure(f"a localnet has 1 to {MOST_VALIDATORS} validators, not {validators}")
    homes = [NodeHome(root / f"node{number}") for number in range(validators)]
    taken = [home.root for home in homes if home.root.exists()]
    if taken or record_file(root).exists():
        raise UsageFailure(f"{taken[0] if taken else root} exists already; remove it or choose another --home")
    root.mkdir(parents=True, exist_ok=True)
    try:
        return _create(root, homes, write_genesis, settings, _free_port_pairs(len(homes), usual_ports))
    except BaseException:
        for home in homes:
            shutil.rmtree(home.root, ignore_errors=True)
        raise


def _create(
    root: Path,
    homes: Sequence[NodeHome],
    write_genesis: GenesisWriter,
    settings: LocalnetSettings,
    ports: Sequence[tuple[int, int]],
) -> Localnet:
    nodes = []
    for home, (rpc_port, p2p_port) in zip(homes, ports, strict=True):
        home.initialise(NodeConfig(moniker=home.root.name, proxy_app="noop"))
        nodes.append(LocalnetNode(home.root.name, home, rpc_port, p2p_port))
    genesis = write_genesis(root, [_validator(node) for node in nodes])
    localnet = Localnet(root, str(genesis["chain_id"]), tuple(nodes), settings)
    document = (json.dumps(genesis, indent=2) + "\n").encode()
    for node in nodes:
        node.home.write_genesis(document)
        node.home.rewrite_config(localnet.node_config(node))
    localnet.save()
    return localnet


def _validator(node: LocalnetNode) -> LocalnetValidator:
    key = node.home.validator_key()
    return LocalnetValidator(node.name, key.public_key, key.address)


def _free_port_pairs(count: int, usual: bool) -> list[tuple[int, int]]:
    """Usual are 26657 for the first node's RPC and 26656 for its peers, then by tens."""
    preferred = [FIRST_PORT + PORTS_PER_NODE * number + offset for number in range(count) for offset in (1, 0)]
    ports = choose_free_ports(2 * count, preferred if usual else ())
    return [(ports[2 * number], ports[2 * number + 1]) for number in range(count)]


def with_free_ports(localnet: Localnet) -> tuple[Localnet, list[str]]:
    """The localnet with other ports in place of those that are taken now (written down), and the changes in words."""
    changes: list[str] = []
    nodes = tuple(_moved_if_taken(node, changes) for node in localnet.nodes)
    if not changes:
        return localnet, []
    moved = replace(localnet, nodes=nodes)
    for node in moved.nodes:
        node.home.rewrite_config(moved.node_config(node))
    moved.save()
    return moved, changes


def _moved_if_taken(node: LocalnetNode, changes: list[str]) -> LocalnetNode:
    runs_elsewhere = holder(node.home.lock_file) is not None
    if runs_elsewhere or (is_free(LOOPBACK, node.rpc_port) and is_free(LOOPBACK, node.p2p_port)):
        return node
    rpc_port, p2p_port = choose_free_ports(2)
    changes.append(f"{node.name}: a port of it was taken, its RPC is now at http://{LOOPBACK}:{rpc_port}")
    return replace(node, rpc_port=rpc_port, p2p_port=p2p_port)


def erase_chain(localnet: Localnet) -> None:
    """Back to the genesis: keys, ports and the document stay, blocks and state go. Call it with the lock held."""
    for node in localnet.nodes:
        node.home.erase_chain(new_chain=True)


def erase_all(localnet: Localnet) -> None:
    """Remove the nodes and the record; what else lies in the directory stays. Call it with the lock held."""
    localnet.record_file.unlink(missing_ok=True)
    for node in localnet.nodes:
        shutil.rmtree(node.home.root, ignore_errors=True)
    localnet.log_file.unlink(missing_ok=True)
