"""A validator whose disk is full stops and says so; the others go on; with space again it recovers."""

import asyncio

import pytest

from tests.docker.engine import GUARD_SECONDS, IMAGE, docker, read_log
from tests.docker.judge import judge
from tests.docker.load import steady_load
from tests.docker.manifest import Manifest
from tests.docker.network import HOME, IMAGE_USER, Network, Node, running, start_node
from tests.support.waiting import until

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("image")]
DISK_MIB = 160
MANIFEST = Manifest("full disk")
CLEAR = "the disk is full"
NO_SPACE = "no space left on device"
"""What the system says to a program that was in the middle of a write."""


async def _move_to_small_disk(network: Network, node: Node) -> str:
    """Start the node again on a disk of its own; the name of a container that keeps this disk mounted."""
    volume, keeper = f"{network.label}-disk", f"{network.label}-keeper"
    options = f"o=size={DISK_MIB}m,uid={IMAGE_USER},mode=0700"
    tmpfs = ("--opt", "type=tmpfs", "--opt", "device=tmpfs", "--opt", options)
    await docker("volume", "create", "--label", network.label, *tmpfs, volume)
    await docker("rm", "--force", node.container)
    place = ("--volume", f"{volume}:{HOME}", "--volume", f"{node.home}:/from:ro")
    entry = ("--entrypoint", "sleep", "--user", "0", "--no-healthcheck", "--label", network.label)
    await docker("run", "--detach", "--name", keeper, *entry, *place, IMAGE, "infinity")
    await docker("exec", keeper, "sh", "-c", f"cp -a /from/. {HOME} && rm -f {HOME}/app.sock")
    await start_node(network, node, volume)
    return keeper


async def _restarts_with_a_reason(node: Node) -> None:
    async def told() -> bool:
        return CLEAR in await read_log(node.container)

    await until(told, f"{node.name} says that {CLEAR}", GUARD_SECONDS)


async def test_a_validator_with_a_full_disk_stops_clearly_and_recovers_with_space():
    loop = asyncio.get_running_loop()
    async with running(MANIFEST) as network:
        node, others = network.nodes[3], (0, 1, 2)
        keeper = await _move_to_small_disk(network, node)
        await network.reach(max(await network.heights()) + 2, GUARD_SECONDS)
        async with steady_load(network, MANIFEST.transfers_per_second) as load:
            fill = f"cat /dev/zero > {HOME}/ballast 2>/dev/null; sync; df {HOME}"
            await docker("exec", keeper, "sh", "-c", fill)
            began = loop.time()
            await _restarts_with_a_reason(node)
            stopped = loop.time() - began
            before = max(await network.heights(others))
            await network.reach(before + 3, GUARD_SECONDS, others)
            await docker("exec", keeper, "rm", f"{HOME}/ballast")
            began = loop.time()
            await network.reach(max(await network.heights()) + 1, GUARD_SECONDS)
            back = loop.time() - began
        told = await judge(network, load, tolerated=NO_SPACE)
    return [
        f"full disk: stopped with its reason after {stopped:.1f} s, back {back:.1f} s after there was space; {told}"
    ]
