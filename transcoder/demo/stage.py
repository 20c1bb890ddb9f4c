"""What the audience sees: the state of the demonstration as numbers, read from the chain and the ledger."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from app.messages import events
from app.messages.verdict import Finding
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import UNITS_PER_TOKEN
from chain.rpc.client import RpcClient
from transcoder.demo.ledger import Ledger
from transcoder.net.http import HttpFailure, HttpPolicy, get, open_session
from transcoder.services.chain_reader import ChainReader, QueryRefused

METRICS_POLICY = HttpPolicy(attempts=1, timeout_seconds=1.0)


@dataclass
class Stage:
    """Everything shown, brought up to date by `look`.

    Attributes:
        phase: one line on what is going on.
        names: who is behind an address.
        segments: how many segments each transcoder took in and gave out, as its own metrics say.
    """

    rpc: RpcClient
    names: dict[Address, str]
    ledger: Ledger = field(default_factory=Ledger)
    phase: str = "starting"
    height: int = 0
    round_number: int = 0
    round_left: int = 0
    active: dict[str, str] = field(default_factory=dict)
    job: dict[str, Any] | None = None
    claims: list[dict[str, Any]] = field(default_factory=list)
    challenges: list[dict[str, Any]] = field(default_factory=list)
    balances: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    segments: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def reader(self) -> ChainReader:
        """Queries to the same node."""
        return ChainReader(self.rpc)

    async def look(self) -> None:
        """Read everything anew."""
        await self.ledger.follow(self.rpc)
        moment = await self.reader.moment()
        self.height, self.round_number = moment.height, moment.round.number
        self.round_left = moment.round.start_height + moment.round.length - moment.height
        self.active = {i["address"]: i["stake"] for i in await self.reader.items("/active")}
        jobs = await self.reader.items("/jobs")
        self.job = jobs[0] if jobs else None
        if self.job is not None:
            self.claims = await self.reader.items(f"/claims/{self.job['job_id']}")
            self.challenges = await self.reader.items("/challenges", job=str(self.job["job_id"]))
        self.balances = {name: await self._balance(address) for address, name in self.names.items()}
        await self._look_at_transcoders()

    async def _look_at_transcoders(self) -> None:
        for record in await self.reader.items("/transcoders"):
            name = self.name_of(record["address"])
            if name != record["address"] and record["slots"] + record["jobs_accepted"]:
                self.segments[name] = await _read_segment_counts(record["service_uri"])

    async def _balance(self, address: Address) -> tuple[str, str, str]:
        text = to_checksum(address)
        account = await self.reader.ask(f"/account/{text}")
        try:
            bond = await self.reader.ask(f"/delegator/{text}")
        except QueryRefused:
            bond = {"stake": "0", "pending_fees": "0"}
        wei = int(account["wei"]) + int(bond["pending_fees"])
        return shorten(int(account["lpt"])), shorten(int(bond["stake"])), shorten(wei)

    def name_of(self, address: bytes | str) -> str:
        """A name, or the address of a stranger."""
        text = address if isinstance(address, str) else to_checksum(address)
        known = {to_checksum(known): name for known, name in self.names.items()}
        return known.get(text, text)

    def verdict_lines(self) -> list[tuple[int, str, str]]:
        """Segment, verifier and what it saw, of every revealed verdict."""
        found = self.ledger.all_events(events.VerdictRevealed)
        return [(v.segment, self.name_of(v.verifier), describe(v)) for v in found]

    def count_by_status(self, items: list[dict[str, Any]]) -> str:
        """How many items are in which status."""
        counts = Counter(item["status"] for item in items)
        return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none yet"


def shorten(amount: int) -> str:
    """Base units of 10^-18 as a decimal number with six places, for a screen."""
    whole, part = divmod(amount, UNITS_PER_TOKEN)
    return f"{whole}.{part * 10**6 // UNITS_PER_TOKEN:06d}"


async def _read_segment_counts(service_uri: str) -> tuple[int, int]:
    """Segments in and out by a transcoder's metrics; nothing where it does not answer."""
    async with open_session() as session:
        try:
            answer = await get(session, f"{service_uri}/metrics", policy=METRICS_POLICY)
        except HttpFailure:
            return 0, 0
    samples = [
        sample
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
        if sample.name == "headwater_segments_total"
    ]
    done = sum(sample.value for sample in samples if sample.labels["outcome"] == "done")
    return int(sum(sample.value for sample in samples)), int(done)


def describe(verdict: events.VerdictRevealed) -> str:
    """What a verifier saw, in words."""
    finding = Finding(verdict.finding).name.lower().replace("_", " ")
    return "agrees" if verdict.agrees else f"rendition {verdict.rendition}: {finding}"
