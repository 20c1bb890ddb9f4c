"""Runs all nodes of a localnet in one process: a NodeSupervisor each, one stop for all.

A node that fails is reported and stays down while the others go on, as on a real network; its home is free then, so
`headwater node start --home DIR/node2` brings it back. When the last one is down the localnet has failed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chain.failures import Failure
from chain.localnet.create import with_free_ports
from chain.localnet.layout import Localnet, LocalnetNode
from chain.node.health import Health
from chain.node.lock import hold
from chain.node.supervisor import NodePlan, NodeReport, NodeSupervisor, SupervisorLimits

Report = Callable[[str], None]
LOCALNET_LIMITS = SupervisorLimits(probe_seconds=2.0)


class LocalnetFailed(Failure):
    """No node of the localnet runs any more."""


@dataclass(frozen=True, slots=True)
class LocalnetPlan:
    """What to run and with which program; `app_command` as in NodePlan."""

    cometbft: Path
    app_command: tuple[str, ...] | None = None
    limits: SupervisorLimits = field(default_factory=lambda: LOCALNET_LIMITS)


class LocalnetSupervisor:
    """One run of a localnet. `report` is given a line whenever there is something to tell."""

    def __init__(self, localnet: Localnet, plan: LocalnetPlan, report: Report) -> None:
        self.localnet = localnet
        self._plan = plan
        self._report = report
        self._waiting_for_first_block = {node.name for node in localnet.nodes}
        self._health: dict[str, Health] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then end every process. LocalnetFailed when no node is left, HomeInUse at once."""
        with hold(self.localnet.lock_file):
            self.localnet, changes = with_free_ports(self.localnet)
            for line in changes:
                self._report(line)
            for node in self.localnet.nodes:
                self._report(f"{node.name}: RPC {node.rpc_url}, home {node.home.root}")
            results = await asyncio.gather(*(self._run_node(node, stop) for node in self.localnet.nodes))
        if not any(results):
            raise LocalnetFailed(f"every node of {self.localnet.root} has failed")

    async def _run_node(self, node: LocalnetNode, stop: asyncio.Event) -> bool:
        """Whether it ran until it was told to stop."""
        plan = NodePlan(node.home, self._plan.cometbft, self._plan.app_command, self._plan.limits)
        try:
            await NodeSupervisor(plan, lambda seen: self._observe(node, seen)).run(stop)
        except Failure as failure:
            self._report(f"{node.name} FAILED: {failure}")
            return False
        return True

    def _observe(self, node: LocalnetNode, seen: NodeReport) -> None:
        before = self._health.get(node.name, Health.STARTING)
        self._health[node.name] = seen.health
        if seen.health is Health.WAITING and before is not Health.WAITING:
            self._report(f"{node.name}: waits for the other validators at height {seen.height}")
        if before is Health.WAITING and seen.health is Health.ADVANCING:
            self._report(f"{node.name}: goes on at height {seen.height}")
        if seen.height and node.name in self._waiting_for_first_block:
            self._waiting_for_first_block.discard(node.name)
            if not self._waiting_for_first_block:
                self._report(f"the localnet is up: {len(self.localnet.nodes)} validators at height {seen.height}")
