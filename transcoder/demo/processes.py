"""The processes of the off-chain parties: started with the commands a user would type, ended without orphans."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chain.failures import Failure
from chain.node.process import Child, ChildSpec
from transcoder.demo.script import DEPOSIT, OFFER, VERIFIER_BOND, Script, price_of

GRACE_SECONDS = 12.0


class ProcessEnded(Failure):
    """A process of the demonstration ended that should have gone on."""


@dataclass
class Processes:
    """All processes that were started, by name."""

    script: Script
    node_url: str
    children: dict[str, Child] = field(default_factory=dict)

    async def start_transcoder(self, number: int) -> None:
        """Start a transcoder; where one cheats, it is the first."""
        name = self.script.names.transcoders[number]
        command = ["transcoder", "start", "--price", str(price_of(self.script, number)), "--slots", "2"]
        if self.script.cheat is not None and number == 0:
            command += ["--cheat", self.script.cheat.value]
        await self._start(name, command)

    async def start_verifier(self, number: int) -> None:
        """Start a verifier."""
        command = ["verifier", "start", "--bond", str(VERIFIER_BOND)]
        await self._start(self.script.names.verifiers[number], command)

    async def start_broadcaster(self) -> Child:
        """Start the broadcaster, which ends by itself when everything it sent has its receipt."""
        command = ["broadcaster", "start", "--input", str(self.script.clip), "--loop"]
        command += ["--duration", str(self.script.duration_seconds), "--stream", "demo"]
        command += ["--deposit", str(DEPOSIT), "--price", str(OFFER)]
        return await self._start(self.script.names.broadcaster, command)

    def require_running(self, *except_for: str) -> None:
        """Raise ProcessEnded with the end of its log when a process is gone."""
        for name, child in self.children.items():
            if not child.running and name not in except_for:
                raise ProcessEnded(f"{name} {child.ending()}:\n{child.last_lines()}")

    async def stop(self) -> None:
        """End all of them, last started first."""
        for child in reversed(self.children.values()):
            if child.running:
                await child.stop(GRACE_SECONDS)

    async def _start(self, name: str, command: Sequence[str]) -> Child:
        home = self.script.root / name
        full = [sys.executable, "-m", "chain.cli.main", *command]
        full += ["--from", name, "--home", str(home), "--node", self.node_url, "--listen", "127.0.0.1:0"]
        child = await Child.start(ChildSpec(name, full, home / "logs" / "console.log", {"PYTHONUNBUFFERED": "1"}))
        self.children[name] = child
        return child


def broadcaster_home(script: Script) -> Path:
    """Where the broadcaster keeps its stream."""
    return script.root / script.names.broadcaster
