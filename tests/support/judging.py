"""Worlds on the way to a verdict: everything before the step that a test is about."""

from app.messages.records import Challenge
from app.params import Params
from tests.support.work_world import EVERY_SEGMENT, Party, Verdict, Work, World, make_work

WRONG = bytes(32)
"""A transcoded hash that no honest verifier gets."""


class Case:
    """Job 1 with claim 1 over some segments, all challenged, and three verifiers besides."""

    def __init__(self, params: Params = EVERY_SEGMENT, segments: int = 1, verifiers: int = 3) -> None:
        self.world = World(params)
        self.transcoder = self.world.transcoder()
        self.broadcaster = self.world.broadcaster()
        self.verifiers = [self.world.verifier(f"verifier{number}") for number in range(verifiers)]
        self.world.assigned_job(self.broadcaster, escrow_segments=segments)
        self.work: Work = make_work(1, self.broadcaster, self.transcoder, (0, segments - 1))
        self.world.claim_work(self.transcoder, self.work)

    def draw(self, segment: int = 0) -> list[Party]:
        """Show the receipt of a segment; returns the committee of the next block."""
        self.world.show_receipt(self.transcoder, self.work, 1, segment)
        return self.world.committee((1, 1, segment))

    def verdict(self, verifier: Party, result: bytes | None = None, segment: int = 0, **finding: int) -> Verdict:
        """A verifier's verdict; it agrees with the receipt unless a result is given."""
        honest = self.work.receipts[segment].transcoded_hash
        return Verdict(verifier, (1, 1, segment), result or honest, **finding)

    def commit_all(self, segment: int = 0) -> list[Party]:
        """Draw a committee whose members all commit to the honest verdict."""
        committee = self.draw(segment)
        for verifier in committee:
            self.world.send(verifier, self.verdict(verifier, segment=segment).commit)
        return committee

    def challenge(self, segment: int = 0) -> Challenge:
        return self.world.challenge((1, 1, segment))
