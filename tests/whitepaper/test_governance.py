"""Whitepaper, *Governance*, and what protocol.md, section 11, makes of it: one test for each thing they say."""

from dataclasses import replace

import pytest

from app.execution.engine import Engine, UpgradeNeeded
from app.messages.bodies import Bond
from app.messages.events import ParameterChanged, StakeSlashed
from app.messages.records import ProposalStatus, SlashReason
from app.primitives.fractions import ONE
from app.protocol.slashing import slash
from app.state.tables import COMMON_POOL, PARAMS, SUPPLY
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, enact, start
from tests.support.governing import adopt, burn, cast, changes, decide, proposal_of, proposed, spend, tally_of, upgrade

PATIENT = replace(TEST, missed_reward_threshold=100)


def two(bonded=0):
    chain = start(PATIENT, [VERA, VIKTOR])
    if bonded:
        chain.must(ALICE, Bond(bonded, VERA.address))
    chain.next_round()
    return chain


def slashed(chain):
    """What a misbehaving node has lost lies in the CommonPool."""
    (event,) = enact(chain, lambda s, env: slash(s, env, VERA.address, ONE // 10, SlashReason.DOUBLE_CLAIM, 1))
    assert isinstance(event, StakeSlashed)
    return event.bonded


def test_governance_determines_the_burning_of_common_funds_which_were_slashed():
    chain = two()
    lost, before = slashed(chain), SUPPLY.read(chain.state)
    adopt(chain, CAROL, burn(lost), VERA, VIKTOR)
    after = SUPPLY.read(chain.state)
    assert (after.burned, after.lpt - after.minted) == (lost, before.lpt - before.minted - lost)
    assert COMMON_POOL.read(chain.state).lpt == 0


def test_governance_determines_the_appropriation_of_common_funds_which_were_slashed():
    chain = two()
    lost = slashed(chain)
    adopt(chain, CAROL, spend(BOB, lost), VERA, VIKTOR)
    assert (chain.account(BOB).lpt, COMMON_POOL.read(chain.state).lpt) == (10_000 * LPT + lost, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("unbonding_period", 21), ("round_length", 11), ("participation_rate", ONE // 3), ("verification_rate", 3)],
)
def test_governance_adjusts_network_parameters_automatically(name, value):
    chain = two()
    adopt(chain, CAROL, changes(**{name: value}), VERA, VIKTOR)
    chain.next_round()
    assert PARAMS.read(chain.state) == replace(PATIENT, **{name: value})


def test_parameters_change_at_one_point_only_before_anything_else_of_the_round_that_begins():
    chain = two()
    adopt(chain, CAROL, changes(n=1, inflation_change=1), VERA, VIKTOR)
    rate = chain.round.inflation_rate
    for _ in range(chain.round.start_height + chain.round.length - chain.next_height):
        assert chain.block().events == []
        assert PARAMS.read(chain.state) == PATIENT
    names = [type(event).__name__ for event in chain.block().events]
    assert names.index("ParameterChanged") > names.index("RewardMissed")
    assert names.index("ParameterChanged") < names.index("RoundInitialized")
    assert chain.round.inflation_rate == rate + 1


def test_governance_invokes_proposed_protocol_updates_in_a_decentralised_fashion():
    chain = two()
    adopt(chain, CAROL, upgrade(40), VERA, VIKTOR)
    chain.until(40)
    with pytest.raises(UpgradeNeeded, match="block 40 needs version 2"):
        chain.finalize()
    chain.engine = Engine(chain.state, version=2)
    chain.block()
    assert chain.engine.app_version == 2


def test_transcoders_vote_in_proportion_to_their_delegated_stake():
    chain = two(bonded=500 * LPT)
    proposed(chain, CAROL, changes(n=3))
    cast(chain, 1, yes=(VERA,), no=(VIKTOR,))
    assert tally_of(chain) == (1500 * LPT, 1000 * LPT, 0)
    assert decide(chain) is ProposalStatus.ADOPTED


def test_a_delegator_that_votes_itself_takes_its_share_out_of_its_transcoders_vote():
    chain = two(bonded=1500 * LPT)
    proposed(chain, CAROL, changes(n=3))
    cast(chain, 1, yes=(VERA,), no=(VIKTOR, ALICE))
    assert tally_of(chain) == (1000 * LPT, 2500 * LPT, 0)
    assert decide(chain) is ProposalStatus.REJECTED


def test_what_is_adopted_is_adopted_by_a_quorum_of_the_active_stake():
    chain = two(bonded=500 * LPT)
    proposed(chain, CAROL, changes(n=3))
    cast(chain, 1, yes=(ALICE,))
    assert decide(chain) is ProposalStatus.QUORUM_MISSED
    chain.next_round()
    assert PARAMS.read(chain.state) == PATIENT


def test_a_proposals_deposit_returns_unless_the_quorum_is_missed():
    balances = []
    for voters in ((), (VERA,)):
        chain = two()
        proposed(chain, CAROL, changes(n=3))
        cast(chain, 1, no=voters)
        decide(chain)
        balances.append(chain.account(CAROL).lpt)
    assert balances == [10_000 * LPT - PATIENT.proposal_deposit, 10_000 * LPT]


def test_the_values_of_the_real_network_are_those_of_the_preset():
    assert (WHITEPAPER.proposal_deposit, WHITEPAPER.quorum, WHITEPAPER.threshold) == (100 * LPT, 333_300_000, ONE // 2)
    assert WHITEPAPER.voting_period == 10 * WHITEPAPER.round_length


def test_adopted_it_takes_effect_by_itself_and_tells_so():
    chain = two()
    adopt(chain, CAROL, changes(n=3), VERA, VIKTOR)
    told = [event for event in chain.next_round().events if isinstance(event, ParameterChanged)]
    assert told == [ParameterChanged(1, "n", 4, 3)]
    assert proposal_of(chain).status is ProposalStatus.EXECUTED
