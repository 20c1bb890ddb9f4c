"""Worlds on the way to a verdict: everything before the step that a test is about."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.messages import bodies
from app.messages.attestation import Attested
from app.messages.records import Challenge, ChallengeStatus
from app.params import Params
from app.primitives.amounts import Lpt
from app.primitives.hashing import Hash32, sha256
from app.primitives.merkle import merkle_path
from tests.support.work_world import EVERY_SEGMENT, LPT, Party, Verdict, Work, World, make_work

WRONG = bytes(32)
"""A transcoded hash that no honest verifier gets: what a verifier reveals who could not fetch or execute."""

TRUTH = sha256(b"what the encoder really gives")
"""The transcoded hash that honest re-execution gives where the receipt is wrong."""


class Case:
    """Job 1 with claim 1 over some segments, all challenged, and three verifiers besides."""

    def __init__(self, params: Params = EVERY_SEGMENT, segments: int = 1, verifiers: int = 3) -> None:
        self.world = World(params)
        self.transcoder = self.world.transcoder()
        self.broadcaster = self.world.broadcaster()
        self.validators: list[Party] = []
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

    def dispute(self, results: Sequence[Hash32] | None = None, power: tuple[int, ...] = (10, 10, 10, 10)) -> None:
        """Validators with this power, and dispute 1 over segment 0: by default all of the committee see the truth."""
        self.validators = [self.world.validator(f"validator{n}", each) for n, each in enumerate(power)]
        committee = self.draw()
        self.world.judge((1, 1, 0), results or [TRUTH] * len(committee))
        assert self.challenge().status is ChallengeStatus.DISPUTED

    def challenge_message(self, segment: int = 0, bond: int = LPT, **changes: Any) -> bodies.Challenge:
        """What somebody with the receipt of a segment sends."""
        index = [receipt.sequence_number for receipt in self.work.receipts].index(segment)
        path = merkle_path(self.work.leaves, index)
        receipt = self.work.receipts[index]
        return replace(bodies.Challenge(1, 1, segment, receipt, path, "http://127.0.0.1:9", Lpt(bond)), **changes)

    def attest(self, *words: Hash32 | Attested | None, dispute_id: int = 1) -> list[Any]:
        """Bring one word of each validator, in their order; none abstains. Returns all events."""
        said = zip(self.validators, words, strict=False)
        return [
            event
            for validator, word in said
            if word is not None
            for event in self.world.attest(validator, dispute_id, word)
        ]
