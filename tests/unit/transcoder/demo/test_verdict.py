"""What the demonstration takes for proven."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from app.messages import events
from app.messages.records import DisputeReason
from app.messages.verdict import Finding
from app.primitives.address import Address
from transcoder.demo import verdict
from transcoder.demo.ledger import Ledger
from transcoder.demo.stage import Stage

WORKER, JUDGE = Address(b"\1" * 20), Address(b"\2" * 20)
CLAIMED = events.WorkClaimed(1, 0, WORKER, 5, 500, 500, 0)
VERIFIED = events.SegmentVerified(1, 0, 3)
PAID = events.ClaimPaid(1, 0, WORKER, 350)
REWARDED = events.RewardPaid(WORKER, 4, 10**18, 10**17)
DISPUTED = events.SegmentDisputed(1, 0, 3, 1, DisputeReason.VERDICTS_DIFFER)
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


def test_a_cheat_has_to_be_seen_disputed_and_unpaid(monkeypatch):
    everything = [CLAIMED, SEEN, DISPUTED]
    judge = verdict.judge_cheating
    assert failed(monkeypatch, judge, "disputed", *everything) == []
    assert failed(monkeypatch, judge, "disputed", CLAIMED, DISPUTED) == ["verifiers saw that it is wrong"]
    assert failed(monkeypatch, judge, "disputed", CLAIMED, SEEN) == ["a segment is disputed"]
    assert failed(monkeypatch, judge, "paid", *everything) == ["the claims end disputed"]
    assert failed(monkeypatch, judge, "disputed", *everything, PAID) == ["no disputed claim is paid"]
