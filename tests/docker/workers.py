"""The off-chain parties in containers: transcoders, verifiers and a broadcaster around four validators."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.messages import events
from app.messages.records import ClaimStatus
from app.primitives.address import to_checksum
from chain.keys.keyring import Keyring
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from tests.docker.engine import docker
from tests.docker.manifest import Manifest
from tests.docker.network import HOME, Network
from tests.support.waiting import until
from transcoder.demo.stage import Stage
from transcoder.services.chain_reader import QueryRefused

TRANSCODERS = ("transcoder0", "transcoder1", "transcoder2")
VERIFIERS = ("verifier0", "verifier1", "verifier2")
BROADCASTER = "broadcaster"
CLIP = "/usr/share/headwater/bigbuckbunny.mp4"
OWN_CLIP = "/clip.mp4"
EXTINF = re.compile(r"#EXTINF:([0-9.]+)")
OVER = {status.name.lower() for status in (ClaimStatus.PAID, ClaimStatus.FAILED, ClaimStatus.MISSED)}


def manifest(name: str, verification_rate: int = 2) -> Manifest:
    """Four validators with the money for everybody; on average one segment in `verification_rate` is challenged."""
    accounts = (*VERIFIERS, BROADCASTER)
    return Manifest(name, transcoders=TRANSCODERS, accounts=accounts, verification_rate=verification_rate)


@dataclass
class Company:
    """The parties of a running network, and what the chain says of them."""

    network: Network
    stage: Stage

    def container(self, name: str) -> str:
        """The name of a party's container."""
        return f"{self.network.label}-{name}"

    async def start_workers(self) -> None:
        """Start transcoders and verifiers, each with another validator's RPC."""
        for number, name in enumerate(TRANSCODERS):
            listen = ("--listen", "0.0.0.0:8935", "--url", f"http://{name}:8935", "--slots", "2", "--claim-every", "5")
            await self._start(name, ("transcoder", "start", *listen), number)
        for number, name in enumerate(VERIFIERS):
            await self._start(name, ("verifier", "start"), number + 1)

    async def start_broadcaster(self, seconds: int, clip: Path | None = None) -> None:
        """Start a stream of so many seconds, of the image's clip or of one that lies here."""
        place = ("--volume", f"{clip}:{OWN_CLIP}:ro") if clip else ()
        wanted = (
            "--input",
            OWN_CLIP if clip else CLIP,
            "--loop",
            "--duration",
            seconds,
            "--drop-after",
            600,  # whoever is killed may take a busy machine's time to be back, and nothing is lost meanwhile
            "--stream",
            "test",
            "--ladder",
            "240p",
        )
        await self._start(BROADCASTER, ("broadcaster", "start", *wanted), 0, "--restart", "no", *place)

    async def _start(self, name: str, command: tuple[object, ...], validator: int, *options: object) -> None:
        who = ("--from", name, "--node", f"http://validator{validator}:26657")
        volume = ("--volume", f"{self.network.root / name}:{HOME}")
        await self.network.start_container(name, (*command, *who), (*volume, *options))

    async def kill_and_restart(self, name: str, seconds: float = 3.0) -> None:
        """SIGKILL for everything in a container, which is started again after a while."""
        await docker("kill", "--signal", "KILL", self.container(name))
        await asyncio.sleep(seconds)
        await docker("start", self.container(name))

    async def reaches(self, is_so: Callable[[Stage], bool], what: str, limit_seconds: float) -> None:
        """Wait until the chain's state is so."""

        async def look() -> bool:
            try:
                await self.stage.look()
            except (RpcFailure, QueryRefused):
                return False
            return is_so(self.stage)

        await until(look, what, limit_seconds)

    async def is_ready(self) -> bool:
        """Whether all transcoders are elected with slots, and all verifiers registered."""
        reader = self.stage.reader
        slots = {item["address"] for item in await reader.items("/transcoders") if item["slots"]}
        active = {item["address"] for item in await reader.items("/active")}
        wanted = {to_checksum(address) for address, name in self.stage.names.items() if name in TRANSCODERS}
        return wanted <= slots & active and len(await reader.items("/verifiers")) >= len(VERIFIERS)

    @property
    def playlist(self) -> Path:
        """The stream's master playlist, in the broadcaster's home."""
        return self.network.root / BROADCASTER / "hls" / "test" / "index.m3u8"

    def segments(self) -> int:
        """How many segments every rendition has by now."""
        texts = [path.read_text() for path in sorted(self.playlist.parent.glob("*/index.m3u8"))]
        return min((text.count("#EXTINF") for text in texts), default=0)

    def seconds(self) -> float:
        """How much video the shortest rendition's playlist has."""
        texts = [path.read_text() for path in sorted(self.playlist.parent.glob("*/index.m3u8"))]
        return min((sum(map(float, EXTINF.findall(text))) for text in texts), default=0.0)

    async def has_ended(self, name: str) -> bool:
        """Whether a container has ended by itself, which it must do well."""
        state = await docker("inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", self.container(name))
        assert state in {"true 0", "false 0"}, f"{name} has ended with an error: {state}"
        return state.startswith("false")


def is_settled(segments: int) -> Callable[[Stage], bool]:
    """Whether so many segments are claimed, and every claim is over."""

    def look(stage: Stage) -> bool:
        claimed = sum(claim["segments"] for claim in stage.claims)
        return claimed >= segments and all(claim["status"] in OVER for claim in stage.claims)

    return look


def has_committed(stage: Stage, verifier: str) -> bool:
    """Whether a verifier has committed to a verdict that it has not revealed."""

    def places(kind: type[events.VerdictCommitted] | type[events.VerdictRevealed]) -> set[tuple[int, int, int]]:
        own = [event for event in stage.ledger.all_events(kind) if stage.name_of(event.verifier) == verifier]
        return {(event.job_id, event.claim_id, event.segment) for event in own}

    return bool(places(events.VerdictCommitted) - places(events.VerdictRevealed))


def make_company(network: Network, rpc: RpcClient) -> Company:
    """The parties of a network, by the names of their keys."""
    names = (*TRANSCODERS, *VERIFIERS, BROADCASTER)
    return Company(network, Stage(rpc, {Keyring(network.root / name).show(name).address: name for name in names}))
