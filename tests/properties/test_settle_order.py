"""Payouts do not depend on who settles, when, or in which order (livepeer.md, b11, 2018-08)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.messages.records import CommonPool, RoundState, Totals
from app.primitives.fractions import Fraction
from app.protocol import stake
from app.state import tables
from tests.support.environments import any_block
from tests.support.memory_state import MemoryState

CANDIDATE = b"\xcc" * 20
DELEGATORS = [bytes([number]) * 20 for number in range(1, 6)]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("bond"), st.sampled_from(DELEGATORS), st.integers(1, 10**21)),
        st.tuples(st.just("reward"), st.none(), st.integers(1, 10**20)),
        st.tuples(st.just("fees"), st.none(), st.integers(1, 10**18)),
        st.tuples(st.just("round"), st.none(), st.none()),
        st.tuples(st.just("settle"), st.sampled_from(DELEGATORS), st.none()),
    ),
    max_size=30,
)


def set_round(state, number):
    record = RoundState(number, 1, 10, True, Fraction(0), 0, 0, 0, 0, 0, 0, None)
    tables.ROUND.put(state, record)


def play(steps, settles=True):
    state = MemoryState()
    tables.TOTALS.put(state, Totals(0, 0, 1, 1))
    tables.COMMON_POOL.put(state, CommonPool(0, 0))
    set_round(state, 0)
    stake.add_to_pool(state, any_block(), CANDIDATE, CANDIDATE, 10**18 + 1)
    for kind, who, amount in steps:
        if kind == "bond":
            stake.join_pool(state, any_block(), who, CANDIDATE, amount)
        elif kind == "reward":
            stake.reward_pool(state, CANDIDATE, amount)
        elif kind == "fees":
            stake.credit_pool_fees(state, CANDIDATE, amount)
        elif kind == "round":
            set_round(state, tables.ROUND.read(state).number + 1)
        elif settles:
            stake.settle_delegator(state, any_block(), who)
    return state


def outcome(state):
    everybody = [CANDIDATE, *DELEGATORS]
    return {who: (stake.get_stake(state, who), stake.get_pending_fees(state, who)) for who in everybody}


@settings(max_examples=150, deadline=None)
@given(STEPS, st.permutations(DELEGATORS))
def test_the_order_in_which_delegators_settle_changes_nothing(steps, order):
    state = play(steps)
    expected = outcome(state)
    for who in order:
        stake.settle_delegator(state, any_block(), who)
    assert outcome(state) == expected
    stake.settle_pool(state, CANDIDATE)
    assert outcome(state) == expected


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_settling_early_changes_no_stake_and_costs_at_most_a_wei_each_time(steps):
    with_settling, without = outcome(play(steps)), outcome(play(steps, settles=False))
    changes = {who: 1 + sum(2 for kind, by, _ in steps if kind == "settle" and by == who) for who in without}
    for who, (own_stake, fees) in without.items():
        assert with_settling[who][0] == own_stake
        assert 0 <= fees - with_settling[who][1] <= changes[who]


@settings(max_examples=150, deadline=None)
@given(STEPS, st.permutations([CANDIDATE, *DELEGATORS]))
def test_whoever_leaves_first_gets_what_is_his_and_the_last_one_empties_the_pool(steps, order):
    state = play(steps)
    before = outcome(state)
    for place, who in enumerate(who for who in order if tables.DELEGATORS.has(state, who)):
        got = stake.leave_pool(state, any_block(), who)
        # What the divisions for those before have left, less than a unit each for two parts, is to those who stay.
        assert before[who][0] <= got <= before[who][0] + 2 * place
    pool = tables.POOLS.read(state, CANDIDATE)
    assert (pool.stake, pool.shares, pool.joining_stake, pool.joining_shares, pool.fees) == (0, 0, 0, 0, 0)
    assert list(tables.JOINED.items(state)) == []
    assert tables.TOTALS.read(state).bonded == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**21), st.integers(1, 10**19)), min_size=1, max_size=12))
def test_a_pool_that_is_emptied_and_refilled_again_and_again_loses_nobody_a_unit(cycles):
    state = play([])
    stake.leave_pool(state, any_block(), CANDIDATE)
    for number, (amount, reward) in enumerate(cycles, 1):
        set_round(state, 2 * number)
        for who in DELEGATORS:
            stake.join_pool(state, any_block(), who, CANDIDATE, amount)
        set_round(state, 2 * number + 1)
        stake.reward_pool(state, CANDIDATE, reward)
        each = amount + reward // len(DELEGATORS)
        stakes = [stake.get_stake(state, who) for who in DELEGATORS]
        assert stakes == [each] * len(DELEGATORS)
        assert sum(stake.leave_pool(state, any_block(), who) for who in DELEGATORS) == len(DELEGATORS) * amount + reward
