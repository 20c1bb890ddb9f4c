"""What the demonstration takes for proven."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from app.messages import events
from app.messages.records import CourtOutcome, DisputeReason, SlashReason
from app.messages.verdict import Finding
from app.primitives.address import Address
from app.primitives.amounts import Lpt
from transcoder.demo import verdict
from transcoder.demo.ledger import Ledger
from transcoder.demo.stage import Stage

WORKER, JUDGE = Address(b"\1" * 20), Address(b"\2" * 20)
CLAIMED = events.WorkClaimed(1, 0, WORKER, 5, 500, 500, 0)
VERIFIED = events.SegmentVerified(1, 0, 3)
PAID = events.ClaimPaid(1, 0, WORKER, 350)
REWARDED = events.RewardPaid(WORKER, 4, 10**18, 10**17)
DISPUTED = events.SegmentDisputed(1, 0, 3, 1, DisputeReason.VERDICTS_DIFFER)
DECIDED = events.CourtDecided(1, 1, 0, 3, CourtOutcome.OVERTURNED, 30, 40)
SLASHED = events.StakeSlashed(WORKER, SlashReason.FAILED_VERIFICATION, 7, 5 * 10**7, 5 * 10**18, 0, JUDGE, 25 * 10**16)
REFUNDED = events.ClaimRefunded(1, 0, JUDGE, 350)
SEEN = events.VerdictRevealed(1, 0, 3, JUDGE, False, int(Finding.PICTURES_DIFFER), 2)


@dataclass
class Node:
    """A validator whose application has come to a height, and what it answered to each block."""

    height: int
    answers: dict[int, bytes]

    async def __aenter__(self) -> "Node":
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to close."""

    async def abci_info(self) -> Any:
        return SimpleNamespace(height=self.height)

    async def block_results(self, height: int) -> Any:
        return SimpleNamespace(app_hash=self.answers[height])


def agreement(monkeypatch: pytest.MonkeyPatch, **nodes: Node) -> verdict.Check:
    monkeypatch.setattr(verdict, "RpcClient", nodes.__getitem__)
    return asyncio.run(verdict._agreement_check(list(nodes)))


def test_validators_agree_by_what_their_own_applications_answered_at_the_lowest_height(monkeypatch):
    check = agreement(monkeypatch, first=Node(7, {6: b"a", 7: b"b"}), second=Node(6, {6: b"a"}))
    assert check.holds
    assert "2 validators, height 6" in check.found


def test_one_application_with_another_answer_is_seen(monkeypatch):
    assert not agreement(monkeypatch, first=Node(6, {6: b"a"}), second=Node(6, {6: b"x"})).holds


def failed(monkeypatch: pytest.MonkeyPatch, judge: Any, status: str, *happened: Any) -> list[str]:
    """The checks that do not hold where these events happened and the only claim has this status."""

    async def nothing_in_common(*_: object) -> list[verdict.Check]:
        return []

    monkeypatch.setattr(verdict, "_common_checks", nothing_in_common)
    ledger = Ledger(block_events=[(9, event) for event in happened])
    stage: Any = Stage(None, {}, ledger, claims=[{"job_id": 1, "claim_id": 0, "status": status}])
    return [check.claim for check in asyncio.run(judge(stage, [], None)) if not check.holds]


@pytest.mark.parametrize(
    ("missing", "claim"),
    [
        (CLAIMED, "work was claimed"),
        (VERIFIED, "a committee verified a challenge"),
        (PAID, "fees were distributed"),
        (REWARDED, "a reward was paid"),
    ],
)
def test_an_honest_demonstration_that_lacks_a_phase_has_failed(monkeypatch, missing, claim):
    everything = [CLAIMED, VERIFIED, PAID, REWARDED]
    assert failed(monkeypatch, verdict.judge_honest, "paid", *everything) == []
    everything.remove(missing)
    assert failed(monkeypatch, verdict.judge_honest, "paid", *everything) == [claim]


def test_an_honest_demonstration_with_a_dispute_or_an_unpaid_claim_has_failed(monkeypatch):
    everything = [CLAIMED, VERIFIED, PAID, REWARDED]
    assert failed(monkeypatch, verdict.judge_honest, "paid", *everything, DISPUTED) == ["no segment is disputed"]
    assert failed(monkeypatch, verdict.judge_honest, "verified", *everything) == ["every claim is paid"]


@pytest.mark.parametrize(
    ("missing", "claims"),
    [
        (SEEN, ["verifiers saw that it is wrong"]),
        (DISPUTED, ["a segment is disputed"]),
        (DECIDED, ["the court of validators found it wrong"]),
        (SLASHED, ["the transcoder's stake is slashed", "who found it earned the finder's fee"]),
        (REFUNDED, ["the broadcaster has its money back"]),
    ],
)
def test_a_cheat_has_to_be_seen_decided_slashed_and_unpaid(monkeypatch, missing, claims):
    everything = [CLAIMED, SEEN, DISPUTED, DECIDED, SLASHED, REFUNDED]
    judge = verdict.judge_cheating
    assert failed(monkeypatch, judge, "failed", *everything) == []
    assert failed(monkeypatch, judge, "paid", *everything) == ["the claims end failed"]
    assert failed(monkeypatch, judge, "failed", *everything, PAID) == ["no failed claim is paid"]
    everything.remove(missing)
    assert failed(monkeypatch, judge, "failed", *everything) == claims


def test_what_was_lost_and_who_got_it_is_in_the_table():
    stage: Any = Stage(None, {WORKER: "worker", JUDGE: "judge"}, Ledger(block_events=[(9, SLASHED), (9, REFUNDED)]))
    shown = [(each.who, each.what, each.amount) for each in verdict.list_earnings(stage)]
    assert shown == [
        ("worker", "slashed: failed verification", "-5LPT"),
        ("judge", "finder's fee", "0.25LPT"),
        ("judge", "refund of claim 0", "350wei"),
    ]
    found = events.FinderPaid(JUDGE, Lpt(10**17))
    stage.ledger.block_events.append((9, found))
    assert ("judge", "finder's fee", "0.1LPT") in [(e.who, e.what, e.amount) for e in verdict.list_earnings(stage)]
