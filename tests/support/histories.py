"""Random histories of a whole chain, a pure function of a seed: every message type, good, bad and garbled.

Run as a program it plays one and prints a line per block, so that a test can compare processes:
`python -m tests.support.histories SEED BLOCKS MODE FOLDER`, with a MODE of `memory`, `leveldb` or `restarts`.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from app.execution.result import BlockResult
from app.messages.bodies import (
    Body,
    Bond,
    Challenge,
    CommitVerdict,
    Denom,
    Deposit,
    DistributeFees,
    DropReason,
    EndJob,
    InitializeRound,
    Job,
    ParameterChange,
    ProposalKind,
    Propose,
    ReassignJob,
    Rebond,
    RegisterVerifier,
    ResignAsTranscoder,
    RevealVerdict,
    Reward,
    RotateConsensusKey,
    SlashDoubleClaim,
    SlashMissedVerification,
    TranscodeAvailability,
    Transcoder,
    Transfer,
    Unbond,
    Unjail,
    UpdateDelegatorStake,
    Vote,
    VoteOption,
    Withdraw,
)
from app.messages.events import event_attributes, event_name
from app.messages.genesis_state import GenesisProfile
from app.messages.records import ChallengeStatus, ClaimStatus, JobStatus
from app.messages.records import Job as JobRecord
from app.messages.segment import make_stream_id
from app.messages.verdict import verdict_commitment
from app.primitives.amounts import Height, Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import sha256
from app.protocol.environment import Evidence
from app.protocol.stake import get_candidate
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, CHALLENGES, CLAIMS, DELEGATORS, JOBS, LOCKS, PROPOSALS, TRANSCODERS
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.allocations import allot, with_allocations
from tests.support.chain_driver import ETH, LPT, Chain, Party, make_genesis
from tests.support.garbage import make_garbage
from tests.support.work_world import PROFILE_ID, Work, ladder, make_work, output_of, signed_again

VALIDATORS = [Party(f"validator {i}") for i in range(3)]
ACCOUNTS = [Party(f"account {i}") for i in range(5)]
VERIFIERS = [Party(f"verifier {i}") for i in range(3)]
PARTIES = [*VALIDATORS, *ACCOUNTS, *VERIFIERS]
BY_ADDRESS = {party.address: party for party in PARTIES}
PARAMS = replace(
    TEST,
    n=3,
    round_length=7,
    missed_reward_threshold=3,
    verification_rate=2,
    commit_period=4,
    reveal_period=4,
    quorum=Fraction(10**8),
)
SETUP: list[tuple[Party, list[Body]]] = [
    *[(party, [TranscodeAvailability(5)]) for party in VALIDATORS],
    *[(party, [RegisterVerifier(5 * LPT, "")]) for party in VERIFIERS],
    *[(party, [Deposit(ETH)]) for party in ACCOUNTS],
]
ALLOTMENT = allot(*PARTIES)
ADJUSTABLE: dict[str, tuple[int, ...]] = {
    "n": (0, 1, 2, 4),
    "round_length": (5, 7, 9),
    "min_self_bond": (LPT, 6 * LPT, 999 * LPT),
    "auto_reward": (0, 1, 2),
    "missed_reward_threshold": (1, 2, 4),
    "inflation_rate": (0, 10**6),
    "evidence_max_age": (10, 20, 22),
    "unbonding_period": (20, 22),
    "signed_blocks_window": (5, 20),
    "voting_period": (5, 10),
    "base_fee_wei": (1, 200),
}
"""Parameters that proposals change, with values of which not all are allowed."""
ADDRESSES = [party.address for party in PARTIES]
LATEST = 12
"""Of so many jobs, claims and challenges the next step may come; a history can be long."""
AMOUNTS = (0, 1, 3, 10**6, LPT // 3, 7 * LPT, 400 * LPT, 10**6 * LPT)


DEEPEST = 5
"""So many heights are undone at most by one restart."""

Step = tuple[Party, Callable[[], Body]]
Played = tuple[list[bytes], dict[str, Any], str]


class History:
    """One chain and the dice that decide what happens on it."""

    sizes: tuple[int, ...] = (0, 1, 4, 8, 16)
    """How many transactions a block can have."""

    def __init__(self, seed: int, backend: MemoryBackend | LevelDbBackend | None = None) -> None:
        self.dice = Random(seed)
        fraction = Fraction((5 * 10**7, ONE // 2, ONE)[seed % 3])
        flags = {
            "auto_initialize_round": bool(seed % 2),
            "auto_reward": bool(seed % 3),
            "double_sign_slash_amount": fraction,
            "missed_reward_slash_amount": fraction,
        }
        profiles = (GenesisProfile(PROFILE_ID, "h264", 1000, "parameters"),)
        genesis = make_genesis(replace(PARAMS, **flags), [*ACCOUNTS, *VERIFIERS], VALIDATORS, profiles=profiles)
        self.genesis = with_allocations(genesis, ALLOTMENT)
        self.chain = Chain(self.genesis, backend)
        self.works: dict[tuple[int, int], Work] = {}
        self.steps: dict[str, list[Step]] = {}

    def block(self) -> tuple[list[bytes], dict[str, Any]]:
        """The next block's transactions, and what CometBFT says with them: proposer, absent validators, evidence."""
        self.steps = {}
        setup = (
            [self.chain.sign(party, *messages) for party, messages in SETUP] if self.chain.engine.height == 0 else []
        )
        txs = setup or [self._tx() for _ in range(self.dice.choice(self.sizes))]
        dice, keys = self.dice, [consensus_address(party.consensus_key) for party in PARTIES[:4]]
        said: dict[str, Any] = {"proposer": dice.choice([bytes(20), *keys])}
        if dice.random() < 0.4:
            said["absent"] = [keys[0], *dice.choices(keys, k=dice.randrange(3))]
        if dice.random() < 0.02:
            height = Height(max(1, self.chain.engine.height - dice.randrange(25)))
            said["evidence"] = [Evidence(dice.choice(keys[1:]), height)]
        return txs, said

    def _tx(self) -> bytes:
        dice, kind = self.dice, self.dice.random()
        sender, messages = self._next_step() if kind < 0.5 else (dice.choice(PARTIES), [])
        if not messages and dice.random() < 0.15:
            messages = [Bond(5 * LPT, sender.address), self._rates(sender)]
        messages = messages or [self._message(sender) for _ in range(dice.choice((1, 1, 1, 2, 3)))]
        if kind > 0.97:
            return dice.randbytes(dice.randrange(60))
        if kind > 0.94:
            return self.chain.sign(sender, *messages, fee=dice.choice((0, 10**30)), nonce=dice.randrange(9))
        if kind > 0.92:
            return self.chain.sign(sender, *messages, nonce=0, valid_until=dice.randrange(1, 9))
        return self.chain.sign(sender, *messages)

    def _message(self, sender: Party) -> Body:
        dice = self.dice
        someone, amount = dice.choice(PARTIES), dice.choice(AMOUNTS)
        return dice.choice(
            [
                self._rates(sender),
                Transfer(someone.address, dice.choice((Denom.LPT, Denom.ETH)), amount),
                Bond(amount, someone.address),
                Bond(amount, sender.address),
                Bond(0, someone.address),
                TranscodeAvailability(dice.choice((0, 1, 3))),
                Reward(),
                InitializeRound(),
                Deposit(dice.choice((0, 1, ETH))),
                Withdraw(dice.choice((0, 1, ETH)), dice.choice((0, 1, 10**15))),
                Withdraw(0, 0, (dice.randrange(1, 4),)),
                Unbond(dice.choice((amount, amount, self.chain.stake(sender)))),
                Rebond(dice.randrange(1, 4), someone.address),
                dice.choice((ResignAsTranscoder(), Unjail(), RotateConsensusKey(sha256(sender.address)))),
                UpdateDelegatorStake(someone.address),
                self._proposal(someone),
                Vote(max(1, dice.randrange(4) + self._proposals() - 3), dice.choice(list(VoteOption))),
                make_garbage(dice, ADDRESSES),
                RegisterVerifier(dice.choice((0, 2 * LPT)), ""),
                Job(make_stream_id(sender.address, "s"), ladder(), dice.choice((0, 1000, 10**6)), dice.randrange(12)),
                dice.choice((EndJob(dice.randrange(6)), ReassignJob(dice.randrange(6), DropReason.SLOW))),
                DistributeFees(dice.randrange(6), dice.randrange(3)),
                SlashMissedVerification(dice.randrange(6), dice.randrange(3), dice.randrange(40)),
                dice.choice((ALLOTMENT.claim(PARTIES.index(sender)), ALLOTMENT.claim(dice.randrange(len(PARTIES))))),
            ]
        )

    def _proposals(self) -> int:
        return next((number for (number,), _ in PROPOSALS.items(self.chain.state, reverse=True)), 0)

    def _proposal(self, someone: Party) -> Propose:
        kind = self.dice.choice((*ProposalKind, ProposalKind.PARAMETERS, ProposalKind.PARAMETERS))
        content: dict[str, Any] = {}
        if kind is ProposalKind.PARAMETERS:
            names = self.dice.sample(sorted(ADJUSTABLE), self.dice.choice((1, 1, 2)))
            content["changes"] = tuple(ParameterChange(name, self.dice.choice(ADJUSTABLE[name])) for name in names)
        if kind is ProposalKind.SPEND:
            content = {"recipient": someone.address, "lpt": self.dice.choice(AMOUNTS), "wei": self.dice.choice((0, 1))}
        if kind is ProposalKind.BURN:
            content["lpt"] = self.dice.choice(AMOUNTS)
        if kind is ProposalKind.UPGRADE:  # far enough away that nobody has to change the build
            content = {"upgrade_height": 10**6 + self.dice.randrange(9), "app_version": self.dice.choice((1, 2, 3))}
        return Propose(kind, self.dice.choice(("title", "title", "")), "", **content)

    def _rates(self, sender: Party) -> Transcoder:
        dice = self.dice
        key = sender.consensus_key if dice.random() < 0.8 else dice.choice((b"", VALIDATORS[0].consensus_key, b"short"))
        uri = "http://127.0.0.1:1" if dice.random() < 0.95 else ""
        return Transcoder(
            dice.choice((0, 5, 1000)), dice.choice((0, 10**8, ONE)), dice.choice((0, 5 * 10**8, ONE)), uri, key
        )

    # --- the next step of something that is under way, picked at random

    def _next_step(self) -> tuple[Party, list[Body]]:
        kinds = [
            self._of_rounds,
            self._of_stakes,
            self._of_jobs,
            self._claims,
            self._reports,
            self._verifications,
            self._verifications,
        ]
        kind = self.dice.choice(kinds)
        steps = self.steps.get(kind.__name__) or list(kind())  # the state they are read from is that before the block
        self.steps[kind.__name__] = steps
        if not steps:
            return self.dice.choice(PARTIES), []
        party, make = self.dice.choice(steps)  # made only now: signatures of receipts cost more than all else here
        return party, [make()]

    def _of_rounds(self) -> Iterator[Step]:
        for (address,), active in ACTIVE.items(self.chain.state):
            yield BY_ADDRESS[address], partial(Vote, self._proposals(), VoteOption.YES)
            if not active.rewarded:
                yield BY_ADDRESS[address], Reward
        for (address,), transcoder in TRANSCODERS.items(self.chain.state):
            if 0 < transcoder.jailed_until <= self.chain.next_height:
                yield BY_ADDRESS[address], Unjail

    def _of_stakes(self) -> Iterator[Step]:
        chain, dice = self.chain, self.dice
        for (owner, lock_id), lock in LOCKS.items(chain.state):
            if lock.release_height <= chain.next_height:
                yield BY_ADDRESS[owner], partial(Withdraw, Wei(0), Wei(0), (lock_id,))
            yield BY_ADDRESS[owner], partial(Rebond, lock_id, get_candidate(chain.state, owner) or lock.candidate)
        for (address,), delegator in DELEGATORS.items(chain.state):
            party = BY_ADDRESS[address]
            yield party, partial(Unbond, Lpt(1 + chain.stake(party) // dice.choice((1, 2, 9))))
            yield party, partial(Bond, Lpt(dice.choice((1, LPT, 90 * LPT))), delegator.candidate)
            yield party, partial(Withdraw, Wei(0), Wei(chain.fees(party)))

    def _of_jobs(self) -> Iterator[Step]:
        for party in ACCOUNTS:
            yield party, partial(Job, make_stream_id(party.address, "s"), ladder(), Wei(1000), 6)
        for (job_id,), job in islice(JOBS.items(self.chain.state, reverse=True), LATEST):
            if job.status is JobStatus.ASSIGNED and self.dice.random() < 0.3:
                yield BY_ADDRESS[self.dice.choice((job.transcoder, job.broadcaster))], partial(EndJob, job_id)

    def _claims(self) -> Iterator[Step]:
        state = self.chain.state
        for (job_id,), job in islice(JOBS.items(state, reverse=True), LATEST):
            if job.status is JobStatus.ASSIGNED:
                yield BY_ADDRESS[job.transcoder], partial(self._claim, job_id, job)
        for place, claim in islice(CLAIMS.items(state, reverse=True), LATEST):
            if claim.status is ClaimStatus.VERIFIED or self.dice.random() < 0.1:
                yield VALIDATORS[0], partial(DistributeFees, *place)

    def _reports(self) -> Iterator[Step]:
        for place, challenge in islice(CHALLENGES.items(self.chain.state, reverse=True), LATEST):
            if challenge.status is ChallengeStatus.MISSED:
                yield ACCOUNTS[0], partial(SlashMissedVerification, *place)
            if challenge.status is ChallengeStatus.VERIFIED and place[:2] in self.works:
                yield ACCOUNTS[1], partial(self._double_claim, place)
        for place, claim in islice(CLAIMS.items(self.chain.state, reverse=True), LATEST):
            if place in self.works and claim.slashing_end >= self.chain.next_height:
                yield ACCOUNTS[2], partial(self._challenge, place)

    def _claim(self, job_id: int, job: JobRecord) -> Body:
        first = 10 * job.next_claim_id
        parties = BY_ADDRESS[job.broadcaster], BY_ADDRESS[job.transcoder]
        work = make_work(job_id, *parties, (first, first + 2))
        self.works[job_id, job.next_claim_id] = work
        return work.claim

    def _double_claim(self, place: tuple[int, int, int]) -> Body:
        work, transcoder = self.works[place[:2]], CLAIMS.read(self.chain.state, *place[:2]).transcoder
        first = next(receipt for receipt in work.receipts if receipt.sequence_number == place[2])
        return SlashDoubleClaim(
            first, signed_again(first, BY_ADDRESS[transcoder], transcoded_hash=sha256(b"another output"))
        )

    def _challenge(self, place: tuple[int, int]) -> Body:
        shown = self.works[place].verify(place[1], self.dice.choice(self.works[place].receipts).sequence_number)
        uri, bond = "http://127.0.0.1:1", self.chain.params.challenge_bond
        return Challenge(*place, shown.segment, shown.receipt, shown.proof, uri, bond)

    def _verifications(self) -> Iterator[Step]:
        for place, challenge in islice(CHALLENGES.items(self.chain.state, reverse=True), LATEST):
            work = self.works.get(place[:2])
            if challenge.status is ChallengeStatus.AWAITING_RECEIPT and work is not None:
                transcoder = BY_ADDRESS[CLAIMS.read(self.chain.state, *place[:2]).transcoder]
                yield transcoder, partial(work.verify, place[1], place[2])
            for seat in challenge.committee:
                steps = {ChallengeStatus.COMMITTING: seat.commitment, ChallengeStatus.REVEALING: seat.result}
                if steps.get(challenge.status, seat) is None or self.dice.random() < 0.02:
                    verifier = BY_ADDRESS[seat.verifier]
                    yield verifier, partial(self._verdict, verifier, place, challenge.status)

    def _verdict(self, verifier: Party, place: tuple[int, int, int], status: ChallengeStatus) -> Body:
        result = sha256(b"another") if self.dice.random() < 0.05 else output_of(place[2])
        digest = salt = sha256(verifier.address)
        if status is ChallengeStatus.REVEALING:
            return RevealVerdict(*place, result, digest, salt, 0, 0)
        return CommitVerdict(*place, verdict_commitment(verifier.address, place, result, digest, (0, 0), salt))


def describe(result: BlockResult) -> str:
    """All that a block has told, as one line."""
    events = [[event_name(e), event_attributes(e)] for e in result.events]
    txs = [
        [tx.code, tx.log, tx.gas, [[event_name(e), event_attributes(e)] for e in tx.events]] for tx in result.tx_results
    ]
    updates = [[key.hex(), power] for key, power in result.validator_updates]
    return json.dumps([result.app_hash.hex(), txs, events, updates])


def play(seed: int, blocks: int, mode: str, folder: Path) -> Iterator[str]:
    """Play a history in one of the ways that must not make a difference; a line for each block."""
    backend = MemoryBackend() if mode == "memory" else LevelDbBackend(folder / "state")
    history = History(seed, backend)
    played: list[Played] = []
    for number in range(blocks):
        txs, said = history.block()
        if mode == "leveldb":
            pass_through_proposals(history.chain, txs)
        line = describe(history.chain.block(*txs, **said))
        played.append((txs, said, line))
        yield line
        if mode == "restarts" and number % 3 == 2:
            restart(history.chain, folder, played[-1 - number % DEEPEST :])


def pass_through_proposals(chain: Chain, txs: list[bytes]) -> None:
    """What a node in good health does before it finalizes, and one that replays does not."""
    for raw in txs:
        chain.engine.check_tx(raw)
    chain.engine.process_proposal(chain.engine.prepare_proposal(chain.next_height, txs, 10**6))


def restart(chain: Chain, folder: Path, played: list[Played]) -> None:
    """Finalize a block that is never committed, stop, start, undo the last heights, replay them from their bytes."""
    txs, said, _ = played[-1]
    chain.finalize(*txs, **said)
    chain.engine.close()
    before = chain.app_hashes[-1]
    chain.engine = type(chain.engine)(StateStore(LevelDbBackend(folder / "state")))
    assert chain.engine.app_hash == before
    if chain.engine.height - len(played) < chain.initial_height:
        return
    chain.engine.close()
    store = StateStore(LevelDbBackend(folder / "state"))
    for _ in played:
        store.rollback()
    chain.engine = type(chain.engine)(store)
    for txs, said, line in played:
        assert describe(chain.finalize(*txs, **said)) == line, "a replayed block tells something else"
        chain.engine.commit()
    assert chain.engine.app_hash == before, "replayed blocks lead to another app hash"


def main() -> None:
    """Play what the command line says."""
    seed, blocks, mode, folder = sys.argv[1:]
    for line in play(int(seed), int(blocks), mode, Path(folder)):
        print(line)


if __name__ == "__main__":
    main()
