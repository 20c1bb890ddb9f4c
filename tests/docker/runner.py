"""Runs a manifest: builds the network, drives load, does what it says, waits, judges."""

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from chain.rpc.client import RpcClient
from tests.docker.judge import judge
from tests.docker.load import Load, steady_load
from tests.docker.manifest import Kind, Manifest
from tests.docker.network import Network, running
from tests.docker.perturb import perturb

KILLS = {Kind.KILL, Kind.KILL_APPLICATION}


@dataclass
class Report:
    """What was measured."""

    manifest: Manifest
    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lines: list[str] = field(default_factory=list)

    def describe(self) -> list[str]:
        """Lines for the summary: recovery per perturbation as min/median/max."""
        times = [f"{what}: {_describe_times(found)}" for what, found in self.recoveries.items()]
        return [f"{self.manifest.name}: {line}" for line in (*times, *self.lines)]


def _describe_times(found: list[float]) -> str:
    least, middle, most = min(found), median(found), max(found)
    return f"back after {least:.1f}/{middle:.1f}/{most:.1f} s (min/median/max of {len(found)})"


async def run(manifest: Manifest) -> Report:
    """The report of a network that passed; AssertionError, with the folder of its logs, of one that did not."""
    report = Report(manifest)
    async with running(manifest) as network:
        began = time.monotonic()
        first = max(await network.heights())
        async with steady_load(network, manifest.transfers_per_second) as load:
            await asyncio.sleep(manifest.settle_seconds)
            for what in manifest.perturbations:
                seconds = await perturb(network, what, manifest.recovery_limit_seconds)
                report.recoveries[what.kind.value].append(seconds)
                await asyncio.sleep(manifest.settle_seconds)
        await _measure(network, load, first, time.monotonic() - began, report)
        killed = any(what.kind in KILLS for what in manifest.perturbations)
        report.lines.append(await judge(network, load, killed=killed))
    return report


async def _measure(network: Network, load: Load, first: int, seconds: float, report: Report) -> None:
    async with RpcClient(network.nodes[0].url) as client:
        blocks = (await client.status()).height - first
    report.lines.append(
        f"{blocks} blocks in {seconds:.0f} s, one per {seconds / max(1, blocks):.2f} s; {load.describe()}"
    )
