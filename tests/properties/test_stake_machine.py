"""Whatever people do with their stake, in whatever order: all invariants after each block, and nobody loses any."""

from dataclasses import replace
from fractions import Fraction as Exact

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.messages.bodies import Bond, Denom, InitializeRound, Reward, Transcoder, Transfer
from app.messages.events import BondMoved, RewardMissed, RewardPaid, RoundInitialized
from app.primitives.fractions import ONE
from app.protocol.rounds import get_candidates_in_order
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, DELEGATORS, JOINED, POOLS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import LPT, Chain, Party, events_of, make_genesis

VALIDATORS_AT_GENESIS = [Party(f"validator {i}") for i in range(2)]
ACCOUNTS = [Party(f"account {i}") for i in range(5)]
PARTIES = [*VALIDATORS_AT_GENESIS, *ACCOUNTS]
ANYBODY = st.sampled_from(PARTIES)
AMOUNTS = st.one_of(
    st.just(0), st.integers(1, 3), st.integers(1, 10**6), st.integers(1, 500 * LPT), st.just(20_000 * LPT)
)
SMALL = replace(TEST, n=2, round_length=4, round_lock_amount=250_000_000)


def exact_stake(chain, party):
    """A party's claim on its pool without rounding."""
    delegator = DELEGATORS.get(chain.state, party.address)
    if delegator is None:
        return Exact(0)
    pool = POOLS.read(chain.state, delegator.candidate)
    shares, joining = delegator.shares, delegator.joining_shares
    bucket = JOINED.get(chain.state, delegator.candidate, delegator.joining_round) if joining else None
    if bucket is not None:
        shares, joining = shares + Exact(joining * bucket.shares, bucket.joining_shares), 0
    value = Exact(0)
    if shares:
        value += shares * Exact(pool.stake, pool.shares)
    if joining:
        value += joining * Exact(pool.joining_stake, pool.joining_shares)
    return value


class StakeMachine(RuleBasedStateMachine):
    """One chain; rules fill a block, and one of them makes it."""

    @initialize(initializes=st.booleans(), rewards=st.booleans(), cut=st.sampled_from([0, 1, 10**8, ONE]))
    def start(self, initializes, rewards, cut):
        params = replace(SMALL, auto_initialize_round=initializes, auto_reward=rewards)
        self.chain = Chain(make_genesis(params, ACCOUNTS, VALIDATORS_AT_GENESIS, stake=7 * LPT + 3, cut=cut))
        self.pending = []
        self.senders = []
        self.proposer = bytes(20)

    def add(self, party, *messages):
        self.pending.append(self.chain.sign(party, *messages))
        self.senders.append(party)

    @rule(party=ANYBODY, to=ANYBODY, amount=AMOUNTS)
    def bond(self, party, to, amount):
        self.add(party, Bond(amount, to.address))

    @rule(party=ANYBODY, to=ANYBODY)
    def move(self, party, to):
        self.add(party, Bond(0, to.address))

    @rule(party=ANYBODY, first=ANYBODY, then=ANYBODY, amount=AMOUNTS)
    def bond_twice_or_not_at_all(self, party, first, then, amount):
        self.add(party, Bond(amount, first.address), Bond(0, then.address))

    @rule(
        party=ANYBODY,
        cut=st.sampled_from([0, 1, 3 * 10**8, ONE]),
        share=st.integers(0, ONE),
        price=st.integers(0, 5),
        key=st.booleans(),
    )
    def register(self, party, cut, share, price, key):
        pubkey = party.consensus_key if key else b""
        self.add(party, Transcoder(price, cut, share, "http://127.0.0.1:1", pubkey))

    @rule(party=ANYBODY)
    def call_reward(self, party):
        self.add(party, Reward())

    @rule(party=ANYBODY)
    def initialize_the_round(self, party):
        self.add(party, InitializeRound())

    @rule(party=ANYBODY, to=ANYBODY, amount=AMOUNTS)
    def transfer(self, party, to, amount):
        self.add(party, Transfer(to.address, Denom.LPT, amount))

    @rule(party=ANYBODY)
    def let_propose(self, party):
        self.proposer = consensus_address(party.consensus_key)

    @rule(empty=st.integers(0, 6))
    def make_blocks(self, empty):
        self.make_block()
        for _ in range(empty):
            self.make_block()

    def make_block(self):
        chain, stakes = self.chain, {p.address: exact_stake(self.chain, p) for p in PARTIES}
        fees = {p.address: chain.fees(p) for p in PARTIES}
        txs, senders, self.pending, self.senders = self.pending, self.senders, [], []
        result = chain.block(*txs, proposer=self.proposer)
        bonded = dict.fromkeys(stakes, 0)
        moved = dict.fromkeys(stakes, 0)
        for tx, sender in zip(result.tx_results, senders, strict=True):
            for event in tx.events:
                if type(event).__name__ == "Bonded":
                    bonded[sender.address] += event.amount
                moved[sender.address] += isinstance(event, BondMoved)
        for party in PARTIES:
            after, before = exact_stake(chain, party), stakes[party.address]
            least = before + bonded[party.address] - moved[party.address] - Exact(1, 10**6)
            assert after >= least, f"{party.name} had {before}, bonded {bonded[party.address]} and has {after}"
            collected = moved[party.address] + bool(bonded[party.address])
            assert chain.fees(party) >= fees[party.address] - collected
        if any(isinstance(event, RoundInitialized) for event in result.events):
            self.check_election(result)

    def check_election(self, result):
        chain, n = self.chain, self.chain.params.n
        if events_of(result, BondMoved) or any(tx.events for tx in result.tx_results):
            return  # the order has gone on since
        ranked = get_candidates_in_order(chain.state, chain.engine.height)
        active = {address: record for (address,), record in ACTIVE.items(chain.state)}
        assert {a for a, record in active.items() if not record.from_waitlist} == set(ranked[:n])
        assert len(active) == min(len(ranked), n + 1)
        assert sum(record.from_waitlist for record in active.values()) == (len(ranked) > n)

    @invariant()
    @precondition(lambda self: getattr(self, "chain", None) and self.chain.results)
    def no_more_is_minted_than_the_round_allows(self):
        assert self.chain.round.minted <= self.chain.round.mintable

    @invariant()
    @precondition(lambda self: getattr(self, "chain", None) and self.chain.results)
    def cometbft_was_told_the_set_that_is_recorded(self):
        told = {}
        for key, power in self.chain.genesis_result.validator_updates:
            told[key] = power
        for result in self.chain.results:
            assert result.validator_updates == sorted(set(result.validator_updates))
            for key, power in result.validator_updates:
                assert told.get(key) != power, "an update that changes nothing"
                told[key] = power
        recorded = {key: v.power for (key,), v in VALIDATORS.items(self.chain.state)}
        assert {key: power for key, power in told.items() if power} == recorded != {}

    @invariant()
    @precondition(lambda self: getattr(self, "chain", None) and self.chain.results)
    def a_round_pays_or_counts_each_transcoder_once(self):
        for result in self.chain.results[-1:]:
            paid = [(e.transcoder, e.round) for kind in (RewardPaid, RewardMissed) for e in events_of(result, kind)]
            assert len(set(paid)) == len(paid)


StakeMachine.TestCase.settings = settings(
    max_examples=250, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStakeMachine = StakeMachine.TestCase
