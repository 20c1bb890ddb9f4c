"""The staking economy against a second, exact one (`tests/support/model`): whatever people do, both say the same.

After each block: which messages are accepted and for which reason others are not, stakes, fees, locks, balances, active
set, validators, inflation, supply. Where payouts may differ, and by how much, says `tests/support/model/compare`.
"""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app.messages.bodies import (
    Bond,
    Denom,
    InitializeRound,
    Rebond,
    ResignAsTranscoder,
    Reward,
    RotateConsensusKey,
    Transcoder,
    Transfer,
    Unbond,
    Unjail,
    UpdateDelegatorStake,
    Withdraw,
)
from app.messages.records import SlashReason
from app.primitives.fractions import ONE
from app.primitives.hashing import sha256
from genesis.presets.test import TEST
from tests.support.chain_driver import LPT, Party, make_genesis
from tests.support.model.compare import Pair, Sent

VALIDATORS = [Party(f"validator {i}") for i in range(2)]
ACCOUNTS = [Party(f"account {i}") for i in range(5)]
PARTIES = [*VALIDATORS, *ACCOUNTS]
ANYBODY = st.sampled_from(PARTIES)
WITH_A_KEY = st.sampled_from(PARTIES[:3])
AMOUNTS = st.one_of(st.integers(0, 3), st.integers(1, 10**6), st.integers(1, 500 * LPT), st.just(20_000 * LPT))
FRACTIONS = st.sampled_from([0, 1, 3 * 10**7, ONE // 3, ONE // 2, ONE - 1, ONE])
REASONS = st.sampled_from([SlashReason.FAILED_VERIFICATION, SlashReason.MISSED_VERIFICATION, SlashReason.DOUBLE_CLAIM])


class AgainstModel(RuleBasedStateMachine):
    """One chain and its model; most rules are a block with one transaction."""

    @initialize(
        flags=st.tuples(st.booleans(), st.booleans()),
        cut=FRACTIONS,
        slashes=st.tuples(FRACTIONS, FRACTIONS),
        least=st.sampled_from([1, LPT, 5 * LPT]),
        tolerance=st.sampled_from([0, ONE // 2, ONE]),
        length=st.sampled_from([4, 9]),
    )
    def start(self, flags, cut, slashes, least, tolerance, length):
        params = replace(
            TEST,
            n=2,
            round_length=length,
            round_lock_amount=250_000_000,
            auto_initialize_round=flags[0],
            auto_reward=flags[1],
            double_sign_slash_amount=slashes[0],
            missed_reward_slash_amount=slashes[1],
            min_self_bond=least,
            competitiveness_tolerance=tolerance,
            inflation_change=10**6,
        )
        self.pair = Pair(make_genesis(params, ACCOUNTS, VALIDATORS, stake=7 * LPT + 3, cut=cut), PARTIES)

    def send(self, party, *messages, **news):
        self.pair.block(Sent(party, messages), **news)

    def stake(self, party):
        return self.pair.chain.stake(party)

    def locks(self):
        return sorted(self.pair.world.locks)

    # --- bonds

    @rule(party=ANYBODY, to=ANYBODY, amount=AMOUNTS)
    def bond(self, party, to, amount):
        self.send(party, Bond(amount, to.address))

    @rule(party=ANYBODY, to=ANYBODY)
    def move(self, party, to):
        self.send(party, Bond(0, to.address))

    @rule(party=ANYBODY, to=st.sampled_from(VALIDATORS), amount=st.integers(1, 400 * LPT), proposer=WITH_A_KEY)
    def delegate(self, party, to, amount, proposer):
        self.send(party, Bond(amount, to.address), proposer=proposer)

    @rule(party=ANYBODY, first=ANYBODY, then=ANYBODY, amount=AMOUNTS)
    def bond_twice_or_not_at_all(self, party, first, then, amount):
        self.send(party, Bond(amount, first.address), Bond(0, then.address))

    @rule(party=ANYBODY, amount=AMOUNTS)
    def unbond(self, party, amount):
        self.send(party, Unbond(amount))

    @rule(party=ANYBODY, left=st.integers(-1, 2))
    def unbond_nearly_all(self, party, left):
        self.send(party, Unbond(max(0, self.stake(party) - left)))

    @rule(party=ANYBODY, to=ANYBODY, number=st.integers(1, 4))
    def rebond(self, party, to, number):
        self.send(party, Rebond(number, to.address))

    @precondition(lambda self: self.locks())
    @rule(pick=st.integers(0, 9), wait=st.booleans(), several=st.booleans(), back=st.booleans())
    def end_a_lock(self, pick, wait, several, back):
        owner, number = self.locks()[pick % len(self.locks())]
        lock, party = self.pair.world.locks[owner, number], self.pair.parties[owner]
        while wait and self.pair.chain.next_height < lock.release:
            self.pair.block()
        if back:
            mine = self.pair.world.bonds.get(owner)
            self.send(party, Rebond(number, mine.candidate if mine else lock.candidate))
            return
        numbers = [n for o, n in self.locks() if o == owner] if several else [number]
        self.send(party, Withdraw(0, self.pair.chain.fees(party), tuple(numbers)))

    @rule(party=ANYBODY, more=st.sampled_from([0, 0, 10**15]))
    def withdraw_fees(self, party, more):
        self.send(party, Withdraw(0, self.pair.chain.fees(party) + more))

    @rule(party=ANYBODY, about=ANYBODY)
    def update(self, party, about):
        self.send(party, UpdateDelegatorStake(about.address))

    @rule(party=ANYBODY, to=ANYBODY, amount=AMOUNTS, denom=st.sampled_from(Denom))
    def transfer(self, party, to, amount, denom):
        self.send(party, Transfer(to.address, denom, amount))

    # --- transcoders

    @rule(party=ANYBODY, stake=AMOUNTS, cut=FRACTIONS, share=FRACTIONS, price=st.integers(0, 5), key=st.booleans())
    def register(self, party, stake, cut, share, price, key):
        rates = Transcoder(price, cut, share, "http://127.0.0.1:1", party.consensus_key if key else b"")
        self.send(party, *([Bond(stake, party.address)] if stake else []), rates)

    @rule(party=ANYBODY, cheaper=st.integers(-1, 2))
    def change_the_price(self, party, cheaper):
        known = self.pair.world.candidates.get(party.address)
        if known is not None:
            rates = known.next_rates
            self.send(party, Transcoder(max(0, rates.price - cheaper), rates.cut, rates.fee_share, known.uri, b""))

    @rule(party=ANYBODY)
    def resign(self, party):
        self.send(party, ResignAsTranscoder())

    @rule(party=ANYBODY)
    def unjail(self, party):
        self.send(party, Unjail())

    @rule(party=ANYBODY, other=ANYBODY, fresh=st.booleans())
    def rotate(self, party, other, fresh):
        self.send(party, RotateConsensusKey(sha256(other.address) if fresh else other.consensus_key))

    # --- rounds

    @rule(party=ANYBODY)
    def call_reward(self, party):
        self.send(party, Reward())

    @rule(party=ANYBODY)
    def initialize_the_round(self, party):
        self.send(party, InitializeRound())

    @rule(count=st.integers(1, 10), proposer=st.none() | WITH_A_KEY)
    def let_blocks_pass(self, count, proposer):
        for _ in range(count):
            self.pair.block(proposer=proposer)

    @rule(calls=st.lists(ANYBODY, max_size=2))
    def let_a_round_pass(self, calls):
        world = self.pair.world
        while self.pair.chain.next_height < world.end:
            self.pair.block()
        self.pair.block(*(Sent(party, (InitializeRound(), Reward())) for party in calls[:1]))

    @rule(party=ANYBODY, work=st.integers(1, 10**6))
    def work(self, party, work):
        self.pair.work(party, work)

    # --- slashes

    @rule(party=WITH_A_KEY, back=st.integers(0, 25))
    def sign_twice(self, party, back):
        self.pair.block(evidence=[(party, max(1, self.pair.chain.next_height - back))])

    @rule(party=WITH_A_KEY, blocks=st.integers(1, 7))
    def be_absent(self, party, blocks):
        for _ in range(blocks):
            self.pair.block(absent=[party])

    @rule(party=ANYBODY, fraction=FRACTIONS, back=st.integers(0, 25), finder=st.none() | ANYBODY, reason=REASONS)
    def slash(self, party, fraction, back, finder, reason):
        self.pair.slash(party, fraction, reason, max(1, self.pair.chain.next_height - back), finder)


AgainstModel.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAgainstModel = AgainstModel.TestCase
