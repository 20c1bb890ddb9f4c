"""Random histories of a whole chain, a pure function of a seed: every message type, good, bad and garbled.

Run as a program it plays one and prints a line per block, so that a test can compare processes:
`python -m tests.support.histories SEED BLOCKS MODE FOLDER`, with a MODE of `memory`, `leveldb` or `restarts`.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from app.execution.result import BlockResult
from app.messages.bodies import (
    Body,
    Bond,
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
from app.messages.records import ChallengeStatus, JobStatus, ProposalStatus
from app.messages.segment import make_stream_id
from app.messages.verdict import verdict_commitment
from app.primitives.amounts import Height
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import sha256
from app.protocol.environment import Evidence
from app.protocol.transcoders import consensus_address
from app.state.tables import CHALLENGES, CLAIMS, JOBS, PROPOSALS
from app.store.leveldb import LevelDbBackend
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.allocations import allot, with_allocations
from tests.support.chain_driver import ETH, LPT, Chain, Party, make_genesis
from tests.support.work_world import PROFILE_ID, Work, ladder, make_work, output_of

VALIDATORS = [Party(f"validator {i}") for i in range(3)]
ACCOUNTS = [Party(f"account {i}") for i in range(5)]
VERIFIERS = [Party(f"verifier {i}") for i in range(3)]
PARTIES = [*VALIDATORS, *ACCOUNTS, *VERIFIERS]
BY_ADDRESS = {party.address: party for party in PARTIES}
PARAMS = replace(TEST, n=3, round_length=7, missed_reward_threshold=3, verification_rate=2, quorum=Fraction(10**8))
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
AMOUNTS = (0, 1, 3, 10**6, LPT // 3, 7 * LPT, 400 * LPT, 10**6 * LPT)


class History:
    """One chain and the dice that decide what happens on it."""

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

    def block(self) -> tuple[list[bytes], dict[str, Any]]:
        """The next block's transactions, and what CometBFT says with them: proposer, absent validators, evidence."""
        setup = (
            [self.chain.sign(party, *messages) for party, messages in SETUP] if self.chain.engine.height == 0 else []
        )
        txs = setup or [self._tx() for _ in range(self.dice.choice((0, 1, 2, 4, 8)))]
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
        sender, messages = self._work() if kind < 0.3 else (dice.choice(PARTIES), [])
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
                RegisterVerifier(dice.choice((0, 2 * LPT)), ""),
                Job(make_stream_id(sender.address, "s"), ladder(), dice.choice((0, 1000, 10**6)), dice.randrange(12)),
                dice.choice((EndJob(dice.randrange(6)), ReassignJob(dice.randrange(6), DropReason.SLOW))),
                DistributeFees(dice.randrange(6), dice.randrange(3)),
                self._proposal(someone),
                self._proposal(someone),
                Vote(dice.randrange(1, 12), dice.choice((VoteOption.YES, VoteOption.YES, *VoteOption))),
                SlashMissedVerification(dice.randrange(6), dice.randrange(3), dice.randrange(40)),
                dice.choice((ALLOTMENT.claim(PARTIES.index(sender)), ALLOTMENT.claim(dice.randrange(len(PARTIES))))),
            ]
        )

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

    # --- the next step of a job, a claim or a challenge, picked at random

    def _work(self) -> tuple[Party, list[Body]]:
        steps = [*self._claims(), *self._verifications(), *self._votes()]
        return self.dice.choice(steps) if steps else (self.dice.choice(PARTIES), [])

    def _votes(self) -> Iterator[tuple[Party, list[Body]]]:
        for (proposal_id,), proposal in PROPOSALS.items(self.chain.state):
            if proposal.status is ProposalStatus.VOTING:
                yield from ((party, [Vote(proposal_id, VoteOption.YES)]) for party in VALIDATORS)

    def _claims(self) -> Iterator[tuple[Party, list[Body]]]:
        state = self.chain.state
        for (job_id,), job in JOBS.items(state):
            if job.status is not JobStatus.ASSIGNED:
                continue
            first = 10 * job.next_claim_id
            parties = BY_ADDRESS[job.broadcaster], BY_ADDRESS[job.transcoder]
            work = make_work(job_id, *parties, (first, first + 2))
            self.works[job_id, job.next_claim_id] = work
            yield parties[1], [work.claim]
        for (job_id, claim_id), _ in CLAIMS.items(state):
            yield VALIDATORS[0], [DistributeFees(job_id, claim_id)]
        for place, challenge in CHALLENGES.items(state):
            if challenge.status is ChallengeStatus.MISSED:
                yield ACCOUNTS[0], [SlashMissedVerification(*place)]

    def _verifications(self) -> Iterator[tuple[Party, list[Body]]]:
        for place, challenge in CHALLENGES.items(self.chain.state):
            work = self.works.get(place[:2])
            if challenge.status is ChallengeStatus.AWAITING_RECEIPT and work is not None:
                transcoder = BY_ADDRESS[CLAIMS.read(self.chain.state, *place[:2]).transcoder]
                yield transcoder, [work.verify(place[1], place[2])]
            for seat in challenge.committee:
                yield self._verdict(BY_ADDRESS[seat.verifier], place, challenge.status)

    def _verdict(
        self, verifier: Party, place: tuple[int, int, int], status: ChallengeStatus
    ) -> tuple[Party, list[Body]]:
        result = sha256(b"another") if self.dice.random() < 0.05 else output_of(place[2])
        digest = salt = sha256(verifier.address)
        if status is ChallengeStatus.REVEALING:
            return verifier, [RevealVerdict(*place, result, digest, salt, 0, 0)]
        return verifier, [
            CommitVerdict(*place, verdict_commitment(verifier.address, place, result, digest, (0, 0), salt))
        ]


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
    for number in range(blocks):
        txs, said = history.block()
        if mode == "leveldb":
            pass_through_proposals(history.chain, txs)
        result = history.chain.block(*txs, **said)
        yield describe(result)
        if mode == "restarts" and number % 3 == 2:
            restart(history.chain, folder, txs, said)


def pass_through_proposals(chain: Chain, txs: list[bytes]) -> None:
    """What a node in good health does before it finalizes, and one that replays does not."""
    for raw in txs:
        chain.engine.check_tx(raw)
    chain.engine.process_proposal(chain.engine.prepare_proposal(chain.next_height, txs, 10**6))


def restart(chain: Chain, folder: Path, txs: list[bytes], said: dict[str, Any]) -> None:
    """Finalize a block that is never committed, stop, start, undo the last height, and replay it from its bytes."""
    chain.finalize(*txs, **said)
    chain.engine.close()
    before = chain.app_hashes[-1]
    chain.engine = type(chain.engine)(StateStore(LevelDbBackend(folder / "state")))
    assert chain.engine.app_hash == before
    if chain.engine.height == chain.initial_height:
        return
    chain.engine.close()
    store = StateStore(LevelDbBackend(folder / "state"))
    store.rollback()
    chain.engine = type(chain.engine)(store)
    assert chain.finalize(*txs, **said).app_hash == before, "a replayed block gives another app hash"
    chain.engine.commit()


def main() -> None:
    """Play what the command line says."""
    seed, blocks, mode, folder = sys.argv[1:]
    for line in play(int(seed), int(blocks), mode, Path(folder)):
        print(line)


if __name__ == "__main__":
    main()
