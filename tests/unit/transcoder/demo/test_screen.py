"""The terminal view shows what a newcomer was promised to see."""

import io
from typing import Any, cast

from rich.console import Console

from app.messages.events import VerdictRevealed
from app.messages.verdict import Finding
from app.primitives.address import Address, to_checksum
from chain.rpc.client import RpcClient
from transcoder.demo.screen import Streamed, render
from transcoder.demo.stage import Stage

WORKER, JUDGE = Address(b"\1" * 20), Address(b"\2" * 20)


def stage_in_full_swing() -> Stage:
    nobody = cast(RpcClient, None)
    stage = Stage(nobody, {WORKER: "transcoder0", JUDGE: "verifier0"}, phase="streaming", height=321, round_number=5)
    worker = to_checksum(WORKER)
    stage.active = {worker: "500"}
    stage.job = {"job_id": 1, "status": "assigned", "transcoder": worker, "fee_per_segment": "300"}
    stage.claims = [{"transcoder": worker, "segments": 10, "status": "challenged"}]
    stage.challenges = [{"status": "revealing"}]
    stage.segments = {"transcoder0": (17, 16)}
    stage.balances = {"verifier0": ("9990.000000", "10.000000", "99.500000")}
    seen: dict[str, Any] = dict.fromkeys(VerdictRevealed.__dataclass_fields__, 0)
    seen |= {"verifier": JUDGE, "segment": 8, "rendition": 2, "finding": int(Finding.PICTURES_DIFFER), "agrees": False}
    stage.ledger.block_events.append((320, VerdictRevealed(**seen)))
    return stage


def test_the_screen_shows_height_round_job_segments_claims_challenges_verdicts_and_balances():
    console = Console(width=100, height=30, file=io.StringIO(), force_terminal=False)
    console.print(render(stage_in_full_swing(), Streamed(wanted=30)))
    shown = " ".join(cast(io.StringIO, console.file).getvalue().split())
    for part in (
        "height 321 round 5",
        "job 1: assigned, transcoder0",
        "claims: 1 challenged",
        "challenges: 1 revealing",
        "transcoder0 yes 17 16 10 1 challenged",
        "8 verifier0 rendition 2: pictures differ",
        "verifier0 9990.000000 10.000000 99.500000",
    ):
        assert part in shown, shown
