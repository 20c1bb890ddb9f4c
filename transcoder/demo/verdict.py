"""Whether everything really happened: each phase by what the chain and the playlist show, never by what we meant."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.messages import events
from app.messages.records import ClaimStatus, CourtOutcome, SlashReason
from app.primitives.amounts import Lpt, Wei, format_lpt, format_wei
from app.primitives.hashing import Hash32
from chain.rpc.client import RpcClient
from transcoder.demo.ledger import Ledger
from transcoder.demo.stage import Stage
from transcoder.media.playlist_check import check_playlist

BY_THE_CHAIN = "by the chain itself"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to happen, and what was found."""

    claim: str
    holds: bool
    found: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Earning:
    """Something that somebody was paid or lost, with the hash of the transaction that did it."""

    who: str
    what: str
    amount: str
    transaction: str

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


async def judge_honest(stage: Stage, node_urls: Sequence[str], playlist: Path) -> list[Check]:
    """The checks of a demonstration in which everybody works honestly."""
    ledger = stage.ledger
    return [
        _count("work was claimed", ledger.all_events(events.WorkClaimed), _claim_text),
        _count("a committee verified a challenge", ledger.all_events(events.SegmentVerified), _segments_text),
        Check(
            "no segment is disputed",
            not ledger.all_events(events.SegmentDisputed),
            stage.count_by_status(stage.challenges),
        ),
        Check("every claim is paid", _all_paid(stage), stage.count_by_status(stage.claims)),
        _count("fees were distributed", ledger.all_events(events.ClaimPaid), _paid_text),
        _count("a reward was paid", ledger.all_events(events.RewardPaid), _reward_text),
        *await _common_checks(stage, node_urls, playlist),
    ]


async def judge_cheating(stage: Stage, node_urls: Sequence[str], playlist: Path) -> list[Check]:
    """The checks of a demonstration in which the drawn transcoder cheats."""
    ledger = stage.ledger
    saw = [v for v in ledger.all_events(events.VerdictRevealed) if not v.agrees]
    found_wrong = [d for d in ledger.all_events(events.CourtDecided) if d.outcome is CourtOutcome.OVERTURNED]
    slashes = [s for s in ledger.all_events(events.StakeSlashed) if s.reason is SlashReason.FAILED_VERIFICATION]
    failed = [c for c in stage.claims if c["status"] == ClaimStatus.FAILED.name.lower()]
    return [
        _count("work was claimed", ledger.all_events(events.WorkClaimed), _claim_text),
        _count("verifiers saw that it is wrong", saw, lambda found: f"{len(found)} verdicts"),
        _count("a segment is disputed", ledger.all_events(events.SegmentDisputed), _segments_text),
        _count("the court of validators found it wrong", found_wrong, _court_text),
        _count("the transcoder's stake is slashed", slashes, _slash_text),
        _count("who found it earned the finder's fee", [s for s in slashes if s.finder_fee], _finder_text),
        _count("the broadcaster has its money back", ledger.all_events(events.ClaimRefunded), _refund_text),
        Check("the claims end failed", bool(failed), stage.count_by_status(stage.claims)),
        Check(
            "no failed claim is paid",
            not {(c["job_id"], c["claim_id"]) for c in failed} & _paid_claims(ledger),
            f"{len(failed)} unpaid",
        ),
        *await _common_checks(stage, node_urls, playlist),
    ]


def list_earnings(stage: Stage) -> list[Earning]:
    """Who was paid what, and who lost what, each kind in the order in which it happened."""
    ledger, name = stage.ledger, stage.name_of
    found: list[Earning] = []
    for reward, tx in ledger.with_hashes(events.RewardPaid):
        found.append(Earning(name(reward.transcoder), "reward", format_lpt(reward.amount), _hash(tx)))
    for claim, tx in ledger.with_hashes(events.ClaimPaid):
        what = f"fees of claim {claim.claim_id}"
        found.append(Earning(name(claim.transcoder), what, format_wei(claim.amount), _hash(tx)))
    for paid, tx in ledger.with_hashes(events.VerifierPaid):
        found.append(Earning(name(paid.verifier), "verification fee", format_wei(paid.amount), _hash(tx)))
    return found + _list_losses(stage)


def _list_losses(stage: Stage) -> list[Earning]:
    """What somebody lost, and who got it: slashes, finder's fees, refunds."""
    ledger, name = stage.ledger, stage.name_of
    found: list[Earning] = []
    for slash, tx in ledger.with_hashes(events.StakeSlashed):
        lost = format_lpt(Lpt(slash.bonded + slash.unbonding))
        found.append(Earning(name(slash.transcoder), f"slashed: {_words(slash.reason)}", f"-{lost}", _hash(tx)))
        if slash.finder_fee and not ledger.all_events(events.FinderPaid):
            found.append(Earning(name(slash.finder), "finder's fee", format_lpt(slash.finder_fee), _hash(tx)))
    for paid, tx in ledger.with_hashes(events.FinderPaid):
        found.append(Earning(name(paid.finder), "finder's fee", format_lpt(paid.amount), _hash(tx)))
    for refund, tx in ledger.with_hashes(events.ClaimRefunded):
        what = f"refund of claim {refund.claim_id}"
        found.append(Earning(name(refund.broadcaster), what, format_wei(refund.amount), _hash(tx)))
    return found


async def _common_checks(stage: Stage, node_urls: Sequence[str], playlist: Path) -> list[Check]:
    return [
        await asyncio.to_thread(_playlist_check, playlist),
        await _invariants_check(stage),
        await _agreement_check(node_urls),
    ]


def _playlist_check(playlist: Path) -> Check:
    claim = "every rendition decodes from first to last frame with continuous timestamps"
    if not playlist.exists():
        return Check(claim, False, f"{playlist} is not there")
    report = check_playlist(playlist)
    return Check(claim, report.is_ok, report.describe())


async def _invariants_check(stage: Stage) -> Check:
    answer = await stage.reader.ask("/invariants")
    return Check("all invariants hold", answer["holds"], "; ".join(answer["broken"]) or f"at height {answer['height']}")


async def _agreement_check(node_urls: Sequence[str]) -> Check:
    """Compare what each validator's own application answered to one block; its header is the same on all anyway."""
    heights, hashes = [], []
    for url in node_urls:
        async with RpcClient(url) as rpc:
            heights.append((await rpc.abci_info()).height)
    for url in node_urls:
        async with RpcClient(url) as rpc:
            hashes.append((await rpc.block_results(min(heights))).app_hash.hex())
    text = f"{len(node_urls)} validators, height {min(heights)}, {hashes[0][:16]}…"
    return Check("all validators have the same app hash", len(dict.fromkeys(hashes)) == 1, text)


def _count(claim: str, found: list[Any], describe: Callable[[list[Any]], str]) -> Check:
    return Check(claim, bool(found), describe(found) if found else "none")


def _all_paid(stage: Stage) -> bool:
    return bool(stage.claims) and all(c["status"] == ClaimStatus.PAID.name.lower() for c in stage.claims)


def _paid_claims(ledger: Ledger) -> set[tuple[int, int]]:
    return {(event.job_id, event.claim_id) for event in ledger.all_events(events.ClaimPaid)}


def _claim_text(found: list[events.WorkClaimed]) -> str:
    return f"{len(found)} claims, {sum(event.segments for event in found)} segments"


def _segments_text(found: list[Any]) -> str:
    return "segments " + ", ".join(str(event.segment) for event in found)


def _court_text(found: list[events.CourtDecided]) -> str:
    powers = ", ".join(f"{each.power} of {each.total_power}" for each in found)
    return f"{_segments_text(found)}, by a power of {powers}"


def _slash_text(found: list[events.StakeSlashed]) -> str:
    return f"{len(found)} slashes, {format_lpt(Lpt(sum(each.bonded + each.unbonding for each in found)))}"


def _finder_text(found: list[events.StakeSlashed]) -> str:
    return format_lpt(Lpt(sum(each.finder_fee for each in found)))


def _refund_text(found: list[events.ClaimRefunded]) -> str:
    return f"{len(found)} claims, {format_wei(Wei(sum(each.amount for each in found)))}"


def _words(reason: SlashReason) -> str:
    return reason.name.lower().replace("_", " ")


def _paid_text(found: list[events.ClaimPaid]) -> str:
    return f"{len(found)} claims, {format_wei(sum(event.amount for event in found))}"


def _reward_text(found: list[events.RewardPaid]) -> str:
    return f"{len(found)} rewards, {format_lpt(sum(event.amount for event in found))}"


def _hash(tx: Hash32 | None) -> str:
    return BY_THE_CHAIN if tx is None else tx.hex().upper()
