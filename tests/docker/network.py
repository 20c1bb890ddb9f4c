"""A network of containers: each validator with its own address, its own home and a port published on 127.0.0.1."""

import asyncio
import os
import random
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from chain.cometbft.config import ConsensusTimeouts
from chain.keys.keyring import Keyring
from chain.network.create import NetworkPlan, create
from chain.node.ports import choose_free_ports
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.rpc.transport import RpcLimits
from chain.rpc.types import NodeStatus
from tests.docker.engine import GUARD_SECONDS, IMAGE, EngineFailed, docker, keep_logs, remove_labelled
from tests.docker.manifest import Manifest
from tests.support.transfers import Sender
from tests.support.waiting import until

HOME = "/var/lib/headwater"
IMAGE_USER = 10001
INSIDE = Path(__file__).with_name("inside.py")
ONE_TRY = RpcLimits(timeout_seconds=3, attempts=1)
SUBNET_ATTEMPTS = 3
PORTS = range(20_000, 32_000)
"""Below those that systems take for outgoing connections."""


@dataclass(frozen=True)
class Node:
    """One validator: its name, its address among containers, and its RPC from here."""

    name: str
    container: str
    address: str
    url: str
    home: Path

    async def status(self) -> NodeStatus | None:
        """How it is; None when it does not answer."""
        async with RpcClient(self.url, ONE_TRY) as client:
            try:
                return await client.status()
            except RpcFailure:
                return None

    async def height(self) -> int:
        """Its height; 0 when it does not answer."""
        status = await self.status()
        return status.height if status else 0

    async def inside(self, *arguments: object) -> str:
        """Run inside.py in the running container."""
        return await docker("exec", self.container, "python", "/inside.py", *arguments)


@dataclass
class Network:
    """What runs."""

    label: str
    chain_id: str
    root: Path
    subnet: str = ""
    nodes: list[Node] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    async def heights(self, numbers: Sequence[int] | None = None) -> list[int]:
        """The heights of some validators, or of all."""
        chosen = [self.nodes[number] for number in (range(len(self.nodes)) if numbers is None else numbers)]
        return list(await asyncio.gather(*(node.height() for node in chosen)))

    async def reach(self, height: int, limit_seconds: float, numbers: Sequence[int] | None = None) -> None:
        """Wait until validators are at a height; AssertionError, with the heights, when they do not get there."""

        async def is_there() -> bool:
            return min(await self.heights(numbers)) >= height

        try:
            await until(is_there, f"height {height}", limit_seconds)
        except AssertionError as late:
            late.add_note(f"heights are {await self.heights()}")
            raise

    async def start_container(self, name: str, arguments: Sequence[object], options: Sequence[object] = ()) -> None:
        """Start a container of the image in this network."""
        common = ("--detach", "--name", f"{self.label}-{name}", "--hostname", name, "--label", self.label)
        placed = ("--network", self.label, "--network-alias", name, "--volume", f"{INSIDE}:/inside.py:ro")
        kept = ("--no-healthcheck", "--restart", "unless-stopped", *_user())
        await docker("run", *common, *placed, *kept, *options, IMAGE, *arguments)

    async def run_once(self, home: Path, *arguments: object) -> str:
        """Run a command of the image on a home to its end."""
        named = ("--network", self.label, "--label", self.label, "--no-healthcheck", *_user())
        return await docker("run", "--rm", *named, "--volume", f"{home}:{HOME}", IMAGE, *arguments)

    async def in_namespace(self, node: Node, *arguments: object) -> None:
        """Run inside.py in a container's network namespace with the right to change it."""
        rights = ("--cap-add", "NET_ADMIN", "--user", "0", "--label", self.label)
        entry = ("--entrypoint", "python", "--volume", f"{INSIDE}:/inside.py:ro", "--no-healthcheck")
        await docker(
            "run", "--rm", "--network", f"container:{node.container}", *rights, *entry, IMAGE, "/inside.py", *arguments
        )


@asynccontextmanager
async def running(manifest: Manifest) -> AsyncIterator[Network]:
    """A started network in which every validator has a block; gone afterwards, whatever happens.

    When something fails, logs and homes stay in a folder that the error names.
    """
    root = Path(tempfile.mkdtemp(prefix="headwater-docker-"))
    label = f"headwater-{secrets.token_hex(3)}"
    network = Network(label, label, root)
    try:
        await _start(network, manifest)
        yield network
    except BaseException as error:
        await keep_logs(label, root)
        error.add_note(f"logs and homes are kept in {root}")
        raise
    else:
        await remove_labelled(label)
        shutil.rmtree(root, ignore_errors=True)
    finally:
        await remove_labelled(label)


async def _start(network: Network, manifest: Manifest) -> None:
    names = tuple(f"validator{number}" for number in range(manifest.validators))
    network.senders = [Sender(number, network.chain_id) for number in range(manifest.validators)]
    senders = tuple(f"sender{number}" for number in range(len(network.senders)))
    for name, sender in zip(senders, network.senders, strict=True):
        Keyring(network.root / name).add(name, sender.key, None)
    create(network.root, _plan(network, manifest, names, senders))
    _hand_over(network.root)
    await _make_bridge(network)
    ports = choose_ports(len(names))
    network.nodes = [
        Node(
            name,
            f"{network.label}-{name}",
            f"{network.subnet}.{10 + number}",
            f"http://127.0.0.1:{port}",
            network.root / name,
        )
        for number, (name, port) in enumerate(zip(names, ports, strict=True))
    ]
    await asyncio.gather(*(start_node(network, node) for node in network.nodes))
    await network.reach(2, GUARD_SECONDS)


def _plan(network: Network, manifest: Manifest, names: tuple[str, ...], senders: tuple[str, ...]) -> NetworkPlan:
    return NetworkPlan(
        chain_id=network.chain_id,
        genesis_time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        validators=names,
        transcoders=manifest.transcoders,
        accounts=senders + manifest.accounts,
        verification_rate=manifest.verification_rate,
        timeouts=ConsensusTimeouts(commit_ms=manifest.commit_ms),
    )


async def start_node(network: Network, node: Node, home: str = "") -> None:
    """Start the container of a node whose home is made; `home` names a volume to use in its place."""
    port = node.url.rpartition(":")[2]
    placed = ("--ip", node.address, "--publish", f"127.0.0.1:{port}:26657")
    await network.start_container(node.name, ("node", "start"), (*placed, "--volume", f"{home or node.home}:{HOME}"))


def _user() -> tuple[str, ...]:
    """Who a container is to run as, so that it owns its home."""
    return () if os.geteuid() == 0 else ("--user", f"{os.getuid()}:{os.getgid()}")


def _hand_over(root: Path) -> None:
    """Give the homes to the image's user; without the right to, the containers run as us."""
    root.chmod(0o755)
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, IMAGE_USER, IMAGE_USER)


async def _make_bridge(network: Network) -> None:
    """A bridge with a subnet that nobody has: another network may be starting at the same time."""
    for left in reversed(range(SUBNET_ATTEMPTS)):
        network.subnet = choose_subnet()
        placed = ("--subnet", f"{network.subnet}.0/24", "--label", network.label)
        try:
            await docker("network", "create", *placed, network.label)
            return
        except EngineFailed:
            if not left:
                raise


def choose_subnet() -> str:
    """The first three numbers of addresses that hardly anybody else has."""
    return f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(256)}"


def choose_ports(count: int) -> list[int]:
    """Free ports on 127.0.0.1 that stay free while a container is down: no outgoing connection is given one of them."""
    return choose_free_ports(count, preferred=random.sample(PORTS, 10 * count))
