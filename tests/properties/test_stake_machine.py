"""Whatever people do with their stake, in whatever order: all invariants after each block, and nobody loses any."""

from dataclasses import replace
from fractions import Fraction as Exact

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

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
from app.messages.events import (
    Bonded,
    BondMoved,
    Rebonded,
    RewardMissed,
    RewardPaid,
    RoundInitialized,
    StakeSlashed,
    Unbonded,
)
from app.primitives.fractions import ONE
from app.primitives.hashing import sha256
from app.protocol.environment import Evidence
from app.protocol.locks import get_lock_value
from app.protocol.rounds import get_candidates_in_order
from app.protocol.stake import get_candidate
from app.protocol.transcoders import consensus_address
from app.state.tables import (
    ACTIVE,
    COMMON_POOL,
    DELEGATORS,
    JOINED,
    LOCKS,
    POOLS,
    TRANSCODERS,
    VALIDATORS,
)
from genesis.presets.test import TEST
from tests.support.chain_driver import LPT, Chain, Party, events_of, make_genesis

VALIDATORS_AT_GENESIS = [Party(f"validator {i}") for i in range(2)]
ACCOUNTS = [Party(f"account {i}") for i in range(5)]
PARTIES = [*VALIDATORS_AT_GENESIS, *ACCOUNTS]
BY_ADDRESS = {party.address: party for party in PARTIES}
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
    if delegator.era != pool.era:
        return Exact(0)
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

    @initialize(
        initializes=st.booleans(),
        rewards=st.booleans(),
        cut=st.sampled_from([0, 1, 10**8, ONE]),
        slash=st.sampled_from([1, 3 * 10**7, ONE // 2, ONE - 1, ONE]),
        min_self_bond=st.sampled_from([1, LPT, 5 * LPT]),
    )
    def start(self, initializes, rewards, cut, slash, min_self_bond):
        params = replace(
            SMALL,
            auto_initialize_round=initializes,
            auto_reward=rewards,
            double_sign_slash_amount=slash,
            missed_reward_slash_amount=slash,
            min_self_bond=min_self_bond,
        )
        self.chain = Chain(make_genesis(params, ACCOUNTS, VALIDATORS_AT_GENESIS, stake=7 * LPT + 3, cut=cut))
        self.pending = []
        self.senders = []
        self.proposer = bytes(20)
        self.news = {}
        self.chain.block()

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

    @rule(party=ANYBODY, amount=AMOUNTS)
    def unbond(self, party, amount):
        self.add(party, Unbond(amount))

    @rule(party=ANYBODY)
    def unbond_all(self, party):
        self.add(party, Unbond(self.chain.stake(party)))

    @rule(party=ANYBODY, to=st.sampled_from(VALIDATORS_AT_GENESIS), amount=st.integers(1, 50 * LPT), some=st.booleans())
    def bond_and_unbond(self, party, to, amount, some):
        """In one block, so that locks are not rare."""
        self.add(party, Bond(amount, to.address))
        self.add(party, Unbond(amount // 2 + 1 if some else amount))

    @precondition(lambda self: getattr(self, "chain", None) and self.locks())
    @rule(pick=st.integers(0, 9), to=ANYBODY, home=st.booleans())
    def rebond(self, pick, to, home):
        owner, lock_id, lock = self.locks()[pick % len(self.locks())]
        candidate = get_candidate(self.chain.state, owner) or lock.candidate
        self.add(BY_ADDRESS[owner], Rebond(lock_id, candidate if home else to.address))

    @precondition(lambda self: getattr(self, "chain", None) and self.locks())
    @rule(pick=st.integers(0, 9), wait=st.booleans(), several=st.booleans())
    def withdraw(self, pick, wait, several):
        owner, lock_id, lock = self.locks()[pick % len(self.locks())]
        while wait and self.chain.next_height < lock.release_height:
            self.make_block()
        height = self.chain.next_height
        theirs = [i for o, i, each in self.locks() if o == owner and each.release_height <= height]
        party = BY_ADDRESS[owner]
        self.add(party, Withdraw(0, self.chain.fees(party), tuple(theirs if several else [lock_id])))

    def locks(self):
        return [(owner, lock_id, lock) for (owner, lock_id), lock in LOCKS.items(self.chain.state)]

    @rule(party=ANYBODY)
    def withdraw_fees(self, party):
        self.add(party, Withdraw(0, self.chain.fees(party)))

    @rule(party=ANYBODY)
    def resign(self, party):
        self.add(party, ResignAsTranscoder())

    @rule(party=ANYBODY, about=ANYBODY)
    def update(self, party, about):
        self.add(party, UpdateDelegatorStake(about.address))

    @rule(party=ANYBODY, number=st.integers(0, 2))
    def rotate(self, party, number):
        key = sha256(b"%d" % number + party.address) if number else party.consensus_key
        self.add(party, RotateConsensusKey(key))

    @rule(party=ANYBODY)
    def return_from_jail(self, party):
        self.add(party, Unjail())

    @rule(party=st.sampled_from([*VALIDATORS_AT_GENESIS, ACCOUNTS[0]]), back=st.integers(0, 12))
    def sign_twice(self, party, back):
        height = max(1, self.chain.engine.height - back)
        self.news["evidence"] = [Evidence(consensus_address(party.consensus_key), height)]

    @rule(party=ANYBODY, blocks=st.integers(1, 7))
    def be_absent(self, party, blocks):
        for _ in range(blocks):
            self.news["absent"] = [consensus_address(party.consensus_key)]
            self.make_block()

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
        fees = {p.address: chain.fees(p) + chain.account(p).wei for p in PARTIES}
        pool = COMMON_POOL.read(chain.state).lpt
        txs, senders, self.pending, self.senders = self.pending, self.senders, [], []
        news, self.news = self.news, {}
        result = chain.block(*txs, proposer=self.proposer, **news)
        slashes = events_of(result, StakeSlashed)
        taken = sum(event.bonded + event.unbonding for event in slashes)
        assert COMMON_POOL.read(chain.state).lpt == pool + taken
        if not slashes:
            self.check_nobody_loses(stakes, fees, zip(result.tx_results, senders, strict=True))
        if any(isinstance(event, RoundInitialized) for event in result.events):
            self.check_election(result)

    def check_nobody_loses(self, stakes, fees, sent):
        """Without a slash a stake is what it was, and what its owner did to it, less a unit for each rounding."""
        done = dict.fromkeys(stakes, 0)
        steps = dict.fromkeys(stakes, 0)
        paid = dict.fromkeys(stakes, 0)
        for tx, sender in sent:
            for event in tx.events:
                if isinstance(event, Bonded | Rebonded):
                    done[sender.address] += event.amount
                if isinstance(event, Unbonded):
                    done[sender.address] -= event.amount
                steps[sender.address] += isinstance(event, BondMoved | Unbonded)
                paid[sender.address] += 10**16 * (type(event).__name__ == "FeePaid")
        for party in PARTIES:
            after, before, address = exact_stake(self.chain, party), stakes[party.address], party.address
            least = before + done[address] - steps[address] - Exact(1, 10**6)
            assert after >= least, f"{party.name} had {before}, bonded {done[address]} and has {after}"
            wealth = self.chain.fees(party) + self.chain.account(party).wei
            assert wealth >= fees[address] - paid[address] - len(PARTIES) * 4

    def check_election(self, result):
        chain, n = self.chain, self.chain.params.n
        if any(tx.events for tx in result.tx_results):
            return  # the order has gone on since
        ranked = get_candidates_in_order(chain.state)
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
    def a_lock_is_worth_at_most_what_was_unbonded(self):
        for _, lock in LOCKS.items(self.chain.state):
            assert 0 <= get_lock_value(self.chain.state, lock) <= lock.principal

    @invariant()
    @precondition(lambda self: getattr(self, "chain", None) and self.chain.results)
    def who_has_no_place_has_no_power_unless_it_is_the_last(self):
        validators = [v.operator for _, v in VALIDATORS.items(self.chain.state)]
        gone = [a for a in validators if (r := ACTIVE.get(self.chain.state, a)) is None or r.left]
        assert not gone or gone == validators
        for address in validators:
            assert TRANSCODERS.has(self.chain.state, address)

    @invariant()
    @precondition(lambda self: getattr(self, "chain", None) and self.chain.results)
    def a_round_pays_or_counts_each_transcoder_once(self):
        for result in self.chain.results[-1:]:
            paid = [(e.transcoder, e.round) for kind in (RewardPaid, RewardMissed) for e in events_of(result, kind)]
            assert len(set(paid)) == len(paid)


StakeMachine.TestCase.settings = settings(
    max_examples=400, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStakeMachine = StakeMachine.TestCase
