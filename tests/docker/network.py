"""A network of containers: each validator with its own address, its own home and a port published on 127.0.0.1."""

import asyncio
import os
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
from tests.docker.engine import IMAGE, EngineFailed, docker, list_containers, read_log, remove_labelled
from tests.docker.manifest import Manifest
from tests.support.transfers import Sender

HOME = "/var/lib/headwater"
IMAGE_USER = 10001
INSIDE = Path(__file__).with_name("inside.py")
ONE_TRY = RpcLimits(timeout_seconds=3, attempts=1)
POLL_SECONDS = 0.25
START_SECONDS = 90.0
TIMEOUTS = ConsensusTimeouts(commit_ms=800)


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
    subnet: str
    nodes: list[Node] = field(default_factory=list)
    senders: list[Sender] = field(default_factory=list)

    async def heights(self, numbers: Sequence[int] | None = None) -> list[int]:
        """The heights of some validators, or of all."""
        chosen = [self.nodes[number] for number in (range(len(self.nodes)) if numbers is None else numbers)]
        return list(await asyncio.gather(*(node.height() for node in chosen)))

    async def reach(self, height: int, limit_seconds: float, numbers: Sequence[int] | None = None) -> None:
        """Wait until validators are at a height; TimeoutError, with the heights, when they do not get there."""
        try:
            async with asyncio.timeout(limit_seconds):
                while min(await self.heights(numbers)) < height:  # noqa: ASYNC110 - another machine's state
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            found = await self.heights()
            raise AssertionError(f"not within {limit_seconds:g} s: height {height}; heights are {found}") from None

    async def start_container(self, name: str, arguments: Sequence[object], options: Sequence[object] = ()) -> None:
        """Start a container of the image in this network."""
        user = () if os.geteuid() == 0 else ("--user", f"{os.getuid()}:{os.getgid()}")
        common = ("--detach", "--name", f"{self.label}-{name}", "--hostname", name, "--label", self.label)
        placed = ("--network", self.label, "--network-alias", name, "--volume", f"{INSIDE}:/inside.py:ro")
        kept = ("--no-healthcheck", "--restart", "unless-stopped", *user)
        await docker("run", *common, *placed, *kept, *options, IMAGE, *arguments)

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
    network = Network(label, label, root, _subnet())
    try:
        await _start(network, manifest)
        yield network
    except BaseException as error:
        await _keep_logs(network)
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
    accounts = tuple(f"sender{number}" for number in range(len(network.senders)))
    for name, sender in zip(accounts, network.senders, strict=True):
        Keyring(network.root / name).add(name, sender.key, None)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    create(network.root, NetworkPlan(network.chain_id, now, names, accounts=accounts, timeouts=TIMEOUTS))
    _hand_over(network.root)
    await docker("network", "create", "--subnet", f"{network.subnet}.0/24", "--label", network.label, network.label)
    ports = choose_free_ports(len(names))
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
    await network.reach(2, START_SECONDS)


async def start_node(network: Network, node: Node, *options: object) -> None:
    """Start the container of a node whose home is made."""
    port = node.url.rpartition(":")[2]
    placed = ("--ip", node.address, "--publish", f"127.0.0.1:{port}:26657")
    volume = () if any("HOME" in str(option) for option in options) else ("--volume", f"{node.home}:{HOME}")
    await network.start_container(node.name, ("node", "start"), (*placed, *volume, *options))


def _hand_over(root: Path) -> None:
    """Give the homes to the image's user; without the right to, the containers run as us."""
    root.chmod(0o755)
    if os.geteuid() == 0:
        for path in (root, *root.rglob("*")):
            os.chown(path, IMAGE_USER, IMAGE_USER)


def _subnet() -> str:
    """A third part of an address that hardly anybody else has."""
    return f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(256)}"


async def _keep_logs(network: Network) -> None:
    try:
        for name in await list_containers(network.label):
            (network.root / f"{name}.log").write_text(await read_log(name))
    except (EngineFailed, OSError) as error:
        print(f"some logs could not be kept: {error}")
