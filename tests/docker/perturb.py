"""Doing things to validators from outside, and how long each takes to be back."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from tests.docker.engine import GUARD_SECONDS, docker
from tests.docker.manifest import Kind, Perturbation
from tests.docker.network import Network, Node
from tests.support.waiting import until

HALT_GRACE_SECONDS = 4.0
STOP_SECONDS = 10
Act = Callable[[Network, list[Node]], Awaitable[object]]


async def perturb(network: Network, what: Perturbation, limit_seconds: float) -> float:
    """Do it, wait, undo it; the seconds from then until every validator has a block that is new.

    Its limit begins when all of them answer: on a busy machine, starting them takes the engine its time.
    """
    nodes = [network.nodes[number] for number in what.targets]
    do, undo = _ACTS[what.kind]
    highest = max(await network.heights())
    await do(network, nodes)
    await _last(network, what)
    goal = max(highest, *await network.heights()) + 1
    healed = time.monotonic()
    await undo(network, nodes)
    await network.reach(1, GUARD_SECONDS)
    await network.reach(goal, limit_seconds)
    await _until_no_one_syncs(network, limit_seconds)
    return time.monotonic() - healed


async def _last(network: Network, what: Perturbation) -> None:
    """Let the time pass; where the rest is too few for blocks, see that it makes none, and otherwise that it does."""
    others = [number for number in range(len(network.nodes)) if number not in what.targets]
    seen = range(len(network.nodes)) if what.kind is Kind.PARTITION else others
    await asyncio.sleep(min(HALT_GRACE_SECONDS, what.seconds / 2))
    before = await network.heights(list(seen))
    await asyncio.sleep(what.seconds - min(HALT_GRACE_SECONDS, what.seconds / 2))
    after = await network.heights(list(seen))
    if what.halts:
        assert after == before, f"{what}: blocks without two thirds of the power: {before}, then {after}"
    elif what.seconds >= 2 * HALT_GRACE_SECONDS and others and what.kind is not Kind.RESTART:
        assert max(after) > max(before), f"{what}: the others made no block: {before}, then {after}"


async def _until_no_one_syncs(network: Network, limit_seconds: float) -> None:
    async def nobody_syncs() -> bool:
        statuses = await asyncio.gather(*(node.status() for node in network.nodes))
        return all(status and not status.catching_up for status in statuses)

    await until(nobody_syncs, "every validator has caught up", limit_seconds)


def _each(*command: object) -> Act:
    """One command of the engine for all containers at once."""

    async def act(_network: Network, nodes: list[Node]) -> None:
        await docker(*command, *(node.container for node in nodes))

    return act


async def _stop_cleanly(_network: Network, nodes: list[Node]) -> None:
    """Stop, and see that nothing had to be killed."""
    began = time.monotonic()
    await asyncio.gather(*(docker("stop", "--time", STOP_SECONDS, node.container) for node in nodes))
    for node in nodes:
        code = await docker("inspect", "--format", "{{.State.ExitCode}}", node.container)
        assert code == "0", f"{node.name} ended with {code} after {time.monotonic() - began:.1f} s"


async def _disconnect(network: Network, nodes: list[Node]) -> None:
    for node in nodes:
        await docker("network", "disconnect", network.label, node.container)


async def _connect(network: Network, nodes: list[Node]) -> None:
    for node in nodes:
        await docker("network", "connect", "--ip", node.address, "--alias", node.name, network.label, node.container)


def _routes(action: str) -> Act:
    """Cut, or heal, the ways between some validators and all the others; the ways from here stay."""

    async def act(network: Network, nodes: list[Node]) -> None:
        others = [node for node in network.nodes if node not in nodes]
        sides = [(node, others) for node in nodes] + [(node, nodes) for node in others]
        await asyncio.gather(
            *(network.in_namespace(node, action, *(far.address for far in away)) for node, away in sides if away)
        )

    return act


def _kill_inside(word: str) -> Act:
    """SIGKILL for one of the two processes of a node; the engine's restart policy does the rest."""

    async def act(_network: Network, nodes: list[Node]) -> None:
        for node in nodes:
            before = await _restarts(node)
            await node.inside("kill", word)
            await until(partial(_has_restarted, node, before), f"{node.name} is restarted", GUARD_SECONDS)

    return act


async def _has_restarted(node: Node, before: int) -> bool:
    return await _restarts(node) > before


async def _restarts(node: Node) -> int:
    return int(await docker("inspect", "--format", "{{.RestartCount}}", node.container))


async def _nothing(_network: Network, _nodes: list[Node]) -> None:
    """What the engine undoes by itself."""


_ACTS: dict[Kind, tuple[Act, Act]] = {
    Kind.KILL: (_each("kill", "--signal", "KILL"), _each("start")),
    Kind.PAUSE: (_each("pause"), _each("unpause")),
    Kind.RESTART: (_stop_cleanly, _each("start")),
    Kind.DISCONNECT: (_disconnect, _connect),
    Kind.PARTITION: (_routes("cut"), _routes("heal")),
    Kind.KILL_APPLICATION: (_kill_inside("-m app.abci"), _nothing),
    Kind.KILL_COMETBFT: (_kill_inside("cometbft start"), _nothing),
}
