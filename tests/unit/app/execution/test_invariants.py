"""Each invariant holds on a real state, and is broken by what it is there to notice."""

from dataclasses import replace

import pytest

from app.execution.invariants import (
    INVARIANTS,
    InvariantBroken,
    find_broken,
    find_unconserved,
    require_sound,
)
from app.messages.bodies import Bond, ProposalKind, Propose, Unbond, Vote, VoteOption
from app.messages.records import AllocationBits, Allocations, Claim, ClaimStatus, Empty, JoinedBucket, RangeEnd
from app.state import tables
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, start, tamper


@pytest.fixture(scope="module")
def chain():
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.next_round()
    chain.must(BOB, Bond(5 * LPT, VERA.address))
    chain.must(ALICE, Unbond(LPT), Propose(ProposalKind.TEXT, "title", ""), Vote(1, VoteOption.YES))
    return chain


def change(table, *key, **fields):
    """A record with other fields than it has."""
    return lambda state: table.put(state, replace(table.read(state, *key), **fields), *key)


def drop_from_order(state):
    key = next(iter(tables.CANDIDATES_BY_STAKE.keys(state)))
    tables.CANDIDATES_BY_STAKE.drop(state, *key)


def claim_overlapping(state):
    tables.CLAIMED_RANGES.put(state, RangeEnd(10, 1), 1, 5)
    tables.CLAIMED_RANGES.put(state, RangeEnd(12, 2), 1, 10)


def claim(status, fee=0, open_challenges=0):
    return Claim(VERA.address, 1, (), bytes(32), 1, fee, 0, status, (), open_challenges, 0, 9, 12)


BREAKAGES = {
    "LPT supply": change(tables.ACCOUNTS, ALICE.address, lpt=1),
    "ETH total": change(tables.ACCOUNTS, ALICE.address, wei=1),
    "allocations": lambda state: tables.CLAIMED_ALLOCATIONS.put(state, AllocationBits(1), 0),
    "bonded total": change(tables.TOTALS, bonded=1),
    "unbonding total": change(tables.TOTALS, unbonding=1),
    "locks": change(tables.LOCKS, ALICE.address, 1, principal=2 * LPT),
    "verifier bonds": change(tables.TOTALS, verifier_bonds=1),
    "proposal deposits": change(tables.TOTALS, proposal_deposits=1),
    "open votings": change(tables.PROPOSALS, 1, end_height=7),
    "electorates": change(tables.HOLDINGS, ALICE.address, 1, shares=1),
    "ballots": change(tables.BALLOTS, 1, VERA.address, yes=1),
    "delegator stakes": change(tables.DELEGATORS, VERA.address, shares=1),
    "shares": change(tables.POOLS, VERA.address, shares=10**60),
    "uncollected fees": change(tables.POOLS, VERA.address, fee_factor=10**70),
    "candidate order": drop_from_order,
    "price order": lambda state: tables.CANDIDATES_BY_PRICE.put(state, Empty(), 3, ALICE.address),
    "self bonds": change(tables.PARAMS, min_self_bond=2000 * LPT),
    "active stake": change(tables.ROUND, active_stake=1),
    "election": change(tables.ACTIVE, VERA.address, from_waitlist=True),
    "validator power": change(tables.VALIDATORS, VERA.consensus_key, power=1),
    "claimed once": claim_overlapping,
    "open jobs": lambda state: tables.OPEN_JOBS.put(state, Empty(), ALICE.address, 7),
    "escrows": lambda state: tables.CLAIMS.put(state, claim(ClaimStatus.PAID, fee=1), 1, 1),
    "open challenges": lambda state: tables.CLAIMS.put(state, claim(ClaimStatus.CHALLENGED, 1, 1), 1, 1),
    "open disputes": lambda state: tables.OPEN_DISPUTES.put(state, Empty(), 1),
}


def test_a_real_state_breaks_none(chain):
    assert find_broken(chain.state) == []
    require_sound(chain.state)


def test_every_invariant_is_broken_by_something_here():
    assert set(BREAKAGES) == set(INVARIANTS)


@pytest.mark.parametrize("name", BREAKAGES)
def test_an_invariant_notices_what_it_is_there_for(chain, name):
    broken = find_broken(tamper(chain.state, BREAKAGES[name]))
    assert name in [text.split(":")[0] for text in broken]
    with pytest.raises(InvariantBroken, match=name):
        require_sound(tamper(chain.state, BREAKAGES[name]))


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (change(tables.DELEGATORS, VERA.address, shares=0), "delegator stakes"),
        (change(tables.DELEGATORS, BOB.address, joining_shares=5 * LPT - 1), "shares"),
        (lambda state: tables.JOINED.put(state, JoinedBucket(1, 1, 0, 1), VERA.address, 0), "shares"),
        (change(tables.POOLS, VERA.address, stake=0), "shares"),
        (lambda state: tables.VALIDATORS.drop(state, VERA.consensus_key), "validator power"),
    ],
    ids=["no shares", "a joining unit less", "an ownerless bucket", "shares without stake", "one validator of two"],
)
def test_finer_contradictions_of_stake_are_noticed(chain, what, name):
    broken = [text.split(":")[0] for text in find_broken(tamper(chain.state, what))]
    assert name in broken


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (change(tables.VOTING_ROUNDS, 1, open_proposals=2), "open votings"),
        (change(tables.PROPOSALS, 1, voting_round=0), "open votings"),
        (change(tables.ACTIVE, VERA.address, era=1), "electorates"),
        (change(tables.ACTIVE, VERA.address, stake=LPT), "ballots"),
        (change(tables.VOTES, 1, ALICE.address, stake=7 * LPT), "ballots"),
        (change(tables.VOTES, 1, ALICE.address, option=VoteOption.NO), "ballots"),
    ],
)
def test_finer_contradictions_of_governance_are_noticed(chain, what, name):
    assert name in [text.split(":")[0] for text in find_broken(tamper(chain.state, what))]


@pytest.mark.parametrize(
    ("record", "bits"),
    [
        (Allocations(3, 6, bytes(32), 1, 5, 1), 0b11),
        (Allocations(3, 6, bytes(32), 1, 5, 1), 0b1000),
        (Allocations(3, 6, bytes(32), 1, 5, 1, 40), 0b1),
        (Allocations(3, 6, bytes(32), 1, 7, 1), 0b1),
    ],
    ids=["more bits than claims", "a bit beyond the count", "unclaimed after the expiry", "more left than there was"],
)
def test_contradictions_of_allocations_are_noticed(chain, record, bits):
    def write(state):
        tables.ALLOCATIONS.put(state, record)
        tables.CLAIMED_ALLOCATIONS.put(state, AllocationBits(bits), 0)

    broken = [text.split(":")[0] for text in find_broken(tamper(chain.state, write))]
    assert broken == ["LPT supply", "allocations"][not record.unclaimed :]


def test_a_chain_without_a_validator_is_noticed(chain):
    def drop_all(state):
        for (key,), _ in list(tables.VALIDATORS.items(state)):
            tables.VALIDATORS.drop(state, key)

    assert find_broken(tamper(chain.state, drop_all)) == ["validator power: there is no validator"]


@pytest.mark.parametrize(
    "changes", [{"lpt": 1}, {"minted": 1}, {"burned": 1}, {"wei": 1}, {"minted": -1, "lpt": -1}], ids=str
)
def test_money_that_comes_or_goes_unexplained_is_noticed(chain, changes):
    last = tables.SUPPLY.read(chain.state)
    supply = replace(last, **{name: getattr(last, name) + by for name, by in changes.items()})
    assert find_unconserved(last, supply) != ""
    assert find_unconserved(last, last) == ""
    minted_and_burned = replace(last, lpt=last.lpt + 2, minted=last.minted + 5, burned=last.burned + 3)
    assert find_unconserved(last, minted_and_burned) == ""


def test_the_text_of_a_broken_invariant_has_the_numbers(chain):
    (text,) = find_broken(tamper(chain.state, change(tables.ROUND, active_stake=1)))
    assert text == f"active stake: 1 is recorded, the sum of all locked stakes give {chain.round.active_stake}"
