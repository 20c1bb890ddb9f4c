"""A chain in this process with everybody who works on it, and their services over real sockets and real journals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from app.messages.bodies import Deposit, Job
from app.messages.options import Rendition, TranscodingOptions
from app.messages.segment import Segment, make_stream_id, sign_segment
from app.primitives.address import to_checksum
from app.primitives.amounts import Lpt, Wei
from app.primitives.hashing import sha256
from chain.keys.keyring import Signer
from chain.tx.client import TxClient
from chain.tx.queries import Queries
from genesis.check import require_valid
from genesis.document import Document
from genesis.localnet import build_localnet_genesis
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import CHAIN_ID, TIME, consensus_key, private_key
from tests.support.videos import draw_video, segments_of
from transcoder.content.client import ContentClient
from transcoder.content.store import ContentStore, StoreLimits
from transcoder.journal.transcoder import TranscoderJournal
from transcoder.journal.verifier import VerifierJournal
from transcoder.media.sandbox import SandboxLimits
from transcoder.net.http import HttpPolicy, open_session
from transcoder.net.shell import ServiceShell
from transcoder.roles.transcoder import ClaimPolicy
from transcoder.services.chain_reader import ChainReader
from transcoder.services.judge import Judge
from transcoder.services.outbox import PASSING_REASONS, OutboxSender
from transcoder.services.transcoder import StandingTerms, TranscoderService
from transcoder.services.verifier import VerifierService
from transcoder.services.workshop import Tamper, Workshop

ETH = LPT = 10**18
PRICE_WEI = 200 * 10**9
OPTIONS = TranscodingOptions(
    "h264-verified-1", (Rendition("144p", 256, 144, 25, 1, 30), Rendition("72p", 128, 72, 25, 1, 30))
)
VERIFIERS = ("vera", "viktor", "vivian")
ACCOUNTS = ("alice", "mallory", *VERIFIERS)
SEGMENTS = 6


def signer(name: str) -> Signer:
    """Whoever has this name."""
    return Signer.of(private_key(name))


def work_document(**params: int) -> Document:
    """A genesis with one transcoder (`node0`), a broadcaster (`alice`), verifiers, and every segment challenged."""
    funded = [(signer(name).address, Lpt(500 * LPT), Wei(2 * ETH)) for name in ACCOUNTS]
    node0 = (signer("node0").address, consensus_key("node0"), "node0")
    document = build_localnet_genesis(CHAIN_ID, [node0], funded, "test", TIME)
    wanted = {"verification_rate": 1, "verification_period": 12, "commit_period": 9, "reveal_period": 6}
    wanted |= {"round_length": 40, "unbonding_period": 80, "claim_period": 30, "verifier_committee_size": 3}
    document["app_state"]["params"] |= wanted | params
    require_valid(document)
    return document


@cache
def media() -> tuple[bytes, ...]:
    """A few real segments of half a second."""
    with TemporaryDirectory() as folder:
        clip = draw_video(Path(folder) / "clip.mp4", "-g", "12", size="320x180", seconds=SEGMENTS / 2)
        return tuple(segment.data for segment in segments_of(clip, SEGMENTS, seconds=Fraction(1, 2)))


class WorkNode(EngineNode):
    """The chain; blocks are made by `block`, by sending, and whenever somebody looks for a transaction."""

    def __init__(self, **params: int) -> None:
        super().__init__(work_document(**params))

    async def send(self, name: str, *messages: Any) -> Any:
        """Have somebody's transaction in a block, accepted."""
        return await TxClient(self, signer(name), CHAIN_ID).send(messages)

    async def ask(self, path: str, **filters: Any) -> Any:
        """A query's answer."""
        return await Queries(self).ask(path, **filters)

    async def order(self, escrow_segments: int = 50, deposit_wei: int = ETH // 10) -> int:
        """A job of alice, drawn; its id."""
        stream_id = make_stream_id(signer("alice").address, "s")
        if deposit_wei:
            await self.send("alice", Deposit(Wei(deposit_wei)))
        result = await self.send("alice", Job(stream_id, OPTIONS, Wei(PRICE_WEI), escrow_segments))
        job_id: int = result.events[-1].job_id
        self.make_block()
        assert (await self.ask(f"/job/{job_id}"))["status"] == "assigned"
        return job_id


@dataclass
class Trade:
    """Everybody's services on one node; `open_*` starts one, with the same home after an end as before."""

    node: WorkNode
    home: Path
    session: aiohttp.ClientSession
    stack: contextlib.AsyncExitStack
    beats: list[Any] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def transcoder(self, tamper: Tamper | None = None, **options: Any) -> AsyncIterator[TranscoderService]:
        """Node0's transcoder, running."""
        limits = StoreLimits(total_bytes=options.pop("content_bytes", 1 << 28))
        shop = {name: options.pop(name) for name in ("parallel", "queue_limit") if name in options}
        policy = ClaimPolicy(options.pop("claim_every", 3), options.pop("idle_seconds", 3600.0))
        home, key = self.home / "node0", signer("node0")
        journal = TranscoderJournal(home / "journal.sqlite", to_checksum(key.address))
        content = ContentStore(home / "content", limits)
        service = TranscoderService(
            Workshop(key, journal, content, tamper=tamper, **shop),
            ChainReader(self.node),
            OutboxSender(journal, self.node, key, CHAIN_ID, PASSING_REASONS),
            ServiceShell("headwater-transcoder"),
            policy=policy,
            terms=StandingTerms(slots=4),
            **options,
        )
        async with _served(service.shell):
            try:
                yield service
            finally:
                await asyncio.to_thread(journal.close)
                content.close()

    @contextlib.asynccontextmanager
    async def verifier(self, name: str, **limits: Any) -> AsyncIterator[VerifierService]:
        """Somebody's verifier; its judging task runs."""
        key = signer(name)
        journal = VerifierJournal(self.home / name / "journal.sqlite", to_checksum(key.address))
        policy = HttpPolicy(attempts=1, timeout_seconds=5.0, stall_seconds=1.0)
        service = VerifierService(
            key.address,
            journal,
            ChainReader(self.node),
            OutboxSender(journal, self.node, key, CHAIN_ID, PASSING_REASONS),
            Judge(key.address, ContentClient(self.session, policy), SandboxLimits(**limits)),
            ServiceShell("headwater-verifier"),
            Lpt(10 * LPT),
        )
        judging = asyncio.create_task(service.work())
        try:
            yield service
        finally:
            judging.cancel()
            await asyncio.gather(judging, return_exceptions=True)
            await asyncio.to_thread(journal.close)

    async def block(self, *services: Any) -> int:
        """Make a block, and have these services work on it."""
        self.node.make_block()
        height = int(self.node.engine.height)
        for service in services:
            await service.beat(height)
        return height

    async def blocks_until(self, is_reached: Any, *services: Any, limit: int = 60) -> None:
        """Make blocks until something is so; verifiers' judgements are waited for in between."""
        for _ in range(limit):
            if await is_reached():
                return
            await self.block(*services)
            await settle(*services)
        raise AssertionError(f"not within {limit} blocks: {is_reached}")

    async def post(self, service: TranscoderService, job_id: int, number: int, **changes: Any) -> tuple[int, Any]:
        """Send a segment as alice's broadcaster would, with these things changed; status and answer."""
        data = changes.get("data", media()[number % SEGMENTS])
        stream_id = changes.get("stream_id", make_stream_id(signer("alice").address, "s"))
        key = private_key(changes.get("signed_by", "alice"))
        signature = sign_segment(Segment(stream_id, number, sha256(data)), key).hex()
        headers = {"Headwater-Stream": stream_id, "Headwater-Signature": changes.get("signature", signature)}
        url = f"{service.shell.url}/jobs/{job_id}/segments/{changes.get('path', number)}"
        async with self.session.post(url, data=changes.get("body", data), headers=headers) as answer:
            return answer.status, await answer.json()


async def until(is_so: Callable[[], Any]) -> None:
    """Wait until something is so."""
    for _ in range(10_000):
        if is_so():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it did not come about")


async def settle(*services: Any) -> None:
    """Wait until no verifier judges anything."""
    async with asyncio.timeout(120):
        for service in services:
            if isinstance(service, VerifierService):
                await service.idle()


@contextlib.asynccontextmanager
async def _served(shell: ServiceShell) -> AsyncIterator[None]:
    serving = asyncio.create_task(shell.run())
    await shell.ready.wait()
    try:
        yield
    finally:
        shell.stop()
        await serving


@contextlib.asynccontextmanager
async def trade(home: Path, **params: int) -> AsyncIterator[Trade]:
    """A chain and a session to everybody on it."""
    async with open_session() as session, contextlib.AsyncExitStack() as stack:
        yield Trade(WorkNode(**params), home, session, stack)
