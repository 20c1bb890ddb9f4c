"""The demonstration from beginning to end: a network, its parties, a stream, and what becomes of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from app.messages import events
from app.messages.bodies import Bond
from app.messages.records import ClaimStatus
from app.primitives.address import to_checksum
from chain.cometbft.binary import find_binary
from chain.failures import Failure
from chain.keys.keyring import Signer
from chain.localnet.layout import Localnet
from chain.localnet.supervisor import LocalnetPlan, LocalnetSupervisor
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcUnreachable
from chain.tx.client import TxClient
from transcoder.demo import network, screen, verdict
from transcoder.demo.processes import Processes, broadcaster_home
from transcoder.demo.script import Script, stake_of
from transcoder.demo.stage import Stage
from transcoder.net.shell import ServiceShell
from transcoder.services.broadcast.stream_server import stream_routes
from transcoder.services.chain_reader import QueryRefused

LOOK_SECONDS = 0.5
START_SECONDS = 60.0
SETTLE_SECONDS = 240.0
_OVER = (ClaimStatus.PAID, ClaimStatus.FAILED, ClaimStatus.MISSED)


class DemoFailed(Failure):
    """A phase of the demonstration did not come about."""


@dataclass
class Story:
    """One run; `tell` plays it and says whether everything happened."""

    script: Script
    console: Console
    as_json: bool = False

    async def tell(self, stop: asyncio.Event) -> bool:
        """Play all phases; ends early, with everything stopped, once `stop` is set."""
        signers = network.make_keys(self.script)
        localnet = network.make_localnet(self.script, signers)
        chain_stop = asyncio.Event()
        supervisor = LocalnetSupervisor(localnet, LocalnetPlan(find_binary()), self._note)
        chain = asyncio.create_task(supervisor.run(chain_stop))
        work = asyncio.create_task(self._play(localnet, signers))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([chain, work, stopping], return_when=asyncio.FIRST_COMPLETED)
            if chain.done():
                await chain
            return work.done() and await work
        finally:
            work.cancel()
            stopping.cancel()
            await asyncio.gather(work, return_exceptions=True)
            chain_stop.set()
            await asyncio.gather(chain, return_exceptions=True)

    async def _play(self, localnet: Localnet, signers: dict[str, Signer]) -> bool:
        urls = [node.rpc_url for node in localnet.nodes]
        processes = Processes(self.script, urls[0])
        async with RpcClient(urls[0]) as rpc:
            streamed = screen.Streamed(self._wanted_segments(localnet))
            stage = Stage(rpc, network.addresses(signers))
            with screen.Screen(self.console, stage, streamed) as view:
                try:
                    scene = Scene(self.script, signers, processes, stage, streamed, view, localnet.chain_id)
                    await scene.play()
                    checks = await self._judge(stage, urls)
                    self._close_curtain(stage, checks)
                    if self.script.keep:
                        await self._keep()
                finally:
                    await processes.stop()
        return all(check.holds for check in checks)

    def _wanted_segments(self, localnet: Localnet) -> int:
        genesis = json.loads((localnet.nodes[0].home.root / "config" / "genesis.json").read_text())
        milliseconds: int = genesis["app_state"]["params"]["t"]
        return self.script.duration_seconds * 1000 // milliseconds

    async def _judge(self, stage: Stage, urls: list[str]) -> list[verdict.Check]:
        playlist = playlist_of(self.script)
        if self.script.cheat is None:
            return await verdict.judge_honest(stage, urls, playlist)
        return await verdict.judge_cheating(stage, urls, playlist)

    def _close_curtain(self, stage: Stage, checks: list[verdict.Check]) -> None:
        earnings, playlist = verdict.list_earnings(stage), playlist_of(self.script)
        if self.as_json:
            print(json.dumps(screen.outcome_json(stage, checks, earnings, playlist)))
            return
        screen.print_outcome(self.console, stage, checks, earnings, playlist)

    async def _keep(self) -> None:
        shell = ServiceShell("headwater-demo")
        shell.app.add_routes(stream_routes(broadcaster_home(self.script) / "hls"))
        serving = asyncio.create_task(shell.run())  # which ends on Ctrl-C as well
        await shell.ready.wait()
        self._note(f"the stream: {shell.url}/stream/demo/index.m3u8")
        self._note(f"everything keeps running, in {self.script.root}; Ctrl-C ends it")
        await serving

    def _note(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


@dataclass
class Scene:
    """The phases, each with what it waits for."""

    script: Script
    signers: dict[str, Signer]
    processes: Processes
    stage: Stage
    streamed: screen.Streamed
    view: screen.Screen
    chain_id: str

    async def play(self) -> None:
        """All phases in order."""
        await self._until("waiting for the first block", self._has_block, START_SECONDS)
        await self._say("bonding the transcoders' stake")
        await self._bond()
        await self._start_workers()
        await self._until("waiting for transcoders and verifiers to register", self._are_registered, START_SECONDS)
        length = self.stage.round_left * 3 + 30
        await self._until("waiting for the next round to elect the transcoders", self._are_elected, length)
        broadcaster = await self.processes.start_broadcaster()
        await self._until("streaming", self._has_streamed, self._stream_seconds())
        if broadcaster.process.returncode:
            raise DemoFailed(f"the broadcaster {broadcaster.ending()}:\n{broadcaster.last_lines()}")
        await self._until("claims, challenges, verdicts, fees", self._is_settled, SETTLE_SECONDS)
        await self._say("checking what happened")

    def _stream_seconds(self) -> float:
        return 2.0 * self.script.duration_seconds + START_SECONDS

    async def _say(self, phase: str) -> None:
        self.stage.phase = phase
        self.view.show()

    async def _until(self, phase: str, is_reached: Callable[[], Awaitable[bool]], limit_seconds: float) -> None:
        await self._say(phase)
        try:
            async with asyncio.timeout(limit_seconds):
                while not await is_reached():
                    self.view.show()
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise DemoFailed(
                f"{phase}: not reached within {limit_seconds:.0f} s; logs are in {self.script.root}"
            ) from None

    async def _look(self) -> None:
        self.processes.require_running(self.script.names.broadcaster)
        await self.stage.look()

    async def _has_block(self) -> bool:
        try:
            found = (await self.stage.rpc.status()).chain_id
            if found != self.chain_id:
                raise DemoFailed(f"{self.stage.rpc.url} is a node of {found}, not of {self.chain_id}; start again")
            await self.stage.look()
        except (RpcUnreachable, QueryRefused):  # no node answers yet, or none has a state
            return False
        return self.stage.height > 0

    async def _bond(self) -> None:
        async def one(number: int, name: str) -> None:
            signer = self.signers[name]
            client = TxClient(self.stage.rpc, signer, self.chain_id)
            await client.send((Bond(stake_of(number), signer.address),))

        await asyncio.gather(*(one(number, name) for number, name in enumerate(self.script.names.transcoders)))

    async def _start_workers(self) -> None:
        for number in range(len(self.script.names.transcoders)):
            await self.processes.start_transcoder(number)
        for number in range(len(self.script.names.verifiers)):
            await self.processes.start_verifier(number)

    async def _are_registered(self) -> bool:
        await self._look()
        ready = {t["address"] for t in await self.stage.reader.items("/transcoders") if t["slots"]}
        verifiers = await self.stage.reader.items("/verifiers")
        wanted = {to_checksum(self.signers[name].address) for name in self.script.names.transcoders}
        return wanted <= ready and len(verifiers) >= len(self.script.names.verifiers)

    async def _are_elected(self) -> bool:
        await self._look()
        wanted = {to_checksum(self.signers[name].address) for name in self.script.names.transcoders}
        return wanted <= set(self.stage.active)

    async def _has_streamed(self) -> bool:
        await self._look()
        self._count_segments()
        return not self.processes.children[self.script.names.broadcaster].running

    async def _is_settled(self) -> bool:
        await self._look()
        self._count_segments()
        over = {status.name.lower() for status in _OVER}
        claimed = sum(claim["segments"] for claim in self.stage.claims)
        decided = all(c["status"] in over and not c["open_challenges"] for c in self.stage.claims)
        if claimed < self.streamed.playable or not decided:  # a lost claim's fee returns with its last challenge
            return False
        return bool(self.script.cheat or self.stage.ledger.all_events(events.RewardPaid))

    def _count_segments(self) -> None:
        folder = broadcaster_home(self.script) / "hls"
        playlists = sorted(folder.rglob("index.m3u8"))
        entries = [path.read_text().count("#EXTINF") for path in playlists if "#EXTINF" in path.read_text()]
        self.streamed.playable = min(entries, default=0)


def playlist_of(script: Script) -> Path:
    """The master playlist of the demonstration's stream."""
    return broadcaster_home(script) / "hls" / "demo" / "index.m3u8"
