"""Leaving the candidates: by one's own wish, for want of own stake; and what becomes of round, set, jobs and stake."""

from dataclasses import replace

import pytest

from app.messages.bodies import (
    Bond,
    Deposit,
    DistributeFees,
    EndJob,
    InitializeRound,
    Job,
    ResignAsTranscoder,
    Reward,
    TranscodeAvailability,
    Unbond,
)
from app.messages.events import JobAssigned, TranscoderLeft, ValidatorChanged
from app.messages.genesis_state import GenesisProfile
from app.messages.records import ClaimStatus, JobStatus, LeaveReason, SlashReason
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.primitives.amounts import Height
from app.primitives.fractions import ONE, Fraction
from app.protocol.slashing import slash
from app.state.tables import ACTIVE, CANDIDATES_BY_PRICE, CANDIDATES_BY_STAKE, CLAIMS, JOBS, TRANSCODERS, VALIDATORS
from genesis.presets.test import TEST
from tests.support.chain_driver import (
    ALICE,
    BOB,
    CAROL,
    ETH,
    LPT,
    VERA,
    VIKTOR,
    enact,
    events_of,
    rates_of,
    register,
    start,
)
from tests.support.work_world import PROFILE_ID, ladder, make_work

PATIENT = replace(TEST, missed_reward_threshold=100)


def test_who_resigns_is_out_of_candidates_round_and_consensus_at_once():
    chain = start(PATIENT, [VERA, VIKTOR])
    result = chain.block(chain.sign(VERA, ResignAsTranscoder()))
    assert events_of(result, TranscoderLeft) == [TranscoderLeft(VERA.address, LeaveReason.RESIGNED)]
    assert result.validator_updates == [(VERA.consensus_key, 0)]
    assert [address for _, address in CANDIDATES_BY_STAKE.keys(chain.state)] == [VIKTOR.address]
    assert [address for _, address in CANDIDATES_BY_PRICE.keys(chain.state)] == [VIKTOR.address]
    chain.refused(VERA, Reward(), reason=Reason.NOT_ACTIVE)
    chain.refused(VERA, TranscodeAvailability(3), reason=Reason.NOT_REGISTERED)
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address)


@pytest.mark.parametrize("party", [ALICE, VERA], ids=["never registered", "resigned already"])
def test_only_who_is_registered_can_resign(party):
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(VERA, ResignAsTranscoder())
    text = chain.refused(party, ResignAsTranscoder(), reason=Reason.NOT_REGISTERED)
    assert text == "only a registered transcoder can resign"


def test_the_last_validator_stays_in_consensus_when_it_resigns():
    chain = start(PATIENT)
    result = chain.block(chain.sign(VERA, ResignAsTranscoder()))
    assert result.validator_updates == []
    assert list(VALIDATORS.keys(chain.state)) == [(VERA.consensus_key,)]
    register(chain, ALICE)
    updates = chain.next_round().validator_updates
    assert updates == sorted([(VERA.consensus_key, 0), (ALICE.consensus_key, 10)])


def test_a_validator_that_comes_and_goes_within_one_block_is_never_told():
    """CometBFT ends a node that removes a validator which its set does not hold."""
    chain = start(replace(PATIENT, auto_initialize_round=False), [VERA, VIKTOR])
    register(chain, ALICE)
    chain.until(11)
    both = chain.block(chain.sign(BOB, InitializeRound()), chain.sign(ALICE, ResignAsTranscoder()))
    assert [tx.code for tx in both.tx_results] == [0, 0]
    assert [e.power for e in events_of(both, ValidatorChanged) if e.operator == ALICE.address] == [10, 0]
    assert ALICE.consensus_key not in dict(both.validator_updates)


def test_nobody_gains_of_the_round_when_another_one_leaves():
    rewards = []
    for leaves in (False, True):
        chain = start(PATIENT, [VERA, VIKTOR])
        if leaves:
            chain.must(VIKTOR, ResignAsTranscoder())
        else:
            chain.block()
        rewards.append(chain.must(VERA, Reward()).events[-1].amount)
    assert rewards[0] == rewards[1]


def test_delegators_of_who_has_resigned_can_move_and_unbond_at_once():
    chain = start(PATIENT, [VERA, VIKTOR])
    for party in (ALICE, BOB):
        chain.must(party, Bond(5 * LPT, VERA.address))
    chain.must(VERA, ResignAsTranscoder())
    chain.must(ALICE, Bond(0, VIKTOR.address))
    chain.must(BOB, Unbond(5 * LPT))
    chain.refused(CAROL, Bond(LPT, VERA.address), reason=Reason.NOT_A_CANDIDATE)
    assert (chain.total_stake(VERA), chain.total_stake(VIKTOR)) == (1000 * LPT, 1005 * LPT)


def test_its_own_stake_moves_to_another_candidate_only_after_the_unbonding_period():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(VERA, ResignAsTranscoder())
    free = chain.engine.height + TEST.unbonding_period
    text = chain.refused(VERA, Bond(0, VIKTOR.address), reason=Reason.TRANSCODER_CANNOT_DELEGATE)
    assert text == f"your own stake answers for what you did as a transcoder until height {free}; it can be unbonded"
    chain.until(free)
    chain.must(VERA, Bond(0, VIKTOR.address))
    assert chain.total_stake(VIKTOR) == 2000 * LPT


def test_who_registers_again_keeps_its_record_and_waits_for_the_next_election():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.next_round()
    chain.must(VIKTOR, Reward())
    before = TRANSCODERS.read(chain.state, VERA.address)
    chain.must(VERA, ResignAsTranscoder())
    chain.must(VERA, rates_of(VERA))
    after = TRANSCODERS.read(chain.state, VERA.address)
    assert (after.missed_rewards, after.resigned_height) == (before.missed_rewards, 0)
    assert before.missed_rewards == 1
    assert ACTIVE.read(chain.state, VERA.address).left
    chain.refused(VERA, Reward(), reason=Reason.NOT_ACTIVE)
    assert (VERA.consensus_key, 1000) in chain.next_round().validator_updates
    assert not ACTIVE.read(chain.state, VERA.address).left


def test_nobody_registers_again_inside_the_lock():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.until(9)
    chain.refused(VERA, ResignAsTranscoder(), rates_of(VERA), reason=Reason.ROUND_LOCKED)


@pytest.mark.parametrize("all_of_it", [False, True])
def test_unbonding_below_the_least_own_stake_is_leaving(all_of_it):
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    amount = 1000 * LPT if all_of_it else 999 * LPT + 1
    result = chain.must(VERA, Unbond(amount))
    assert events_of(result, TranscoderLeft) == [TranscoderLeft(VERA.address, LeaveReason.SELF_BOND_TOO_LOW)]
    text = chain.refused(VERA, rates_of(VERA), reason=Reason.NOT_BONDED if all_of_it else Reason.SELF_BOND_TOO_LOW)
    assert "bonded to itself" in text or "min_self_bond is 1LPT" in text
    chain.must(VERA, Bond(LPT, VERA.address), rates_of(VERA))


# --- during a job


def working(params=PATIENT):
    chain = start(params, [VERA, VIKTOR], profiles=(profile(),))
    chain.must(VERA, TranscodeAvailability(3))
    chain.must(CAROL, Deposit(ETH), Job(make_stream_id(CAROL.address, "s"), ladder(), 10**6, 12))
    assert [e.transcoder for e in events_of(chain.block(), JobAssigned)] == [VERA.address]
    return chain


def profile():
    return GenesisProfile(PROFILE_ID, "h264", 1000, "parameters")


def test_a_job_goes_on_when_its_transcoder_resigns_and_what_was_done_can_be_claimed():
    chain = working()
    chain.must(VERA, ResignAsTranscoder())
    assert JOBS.read(chain.state, 1).status is JobStatus.ASSIGNED
    chain.must(VERA, make_work(1, CAROL, VERA, (0, 2)).claim)
    chain.must(CAROL, EndJob(1))
    chain.must(VERA, make_work(1, CAROL, VERA, (3, 4)).claim)
    record = TRANSCODERS.read(chain.state, VERA.address)
    assert (record.slots, record.segments_claimed) == (0, 5)


def test_who_has_resigned_is_drawn_for_no_job():
    chain = working()
    chain.must(VERA, ResignAsTranscoder())
    chain.must(CAROL, Job(make_stream_id(CAROL.address, "t"), ladder(), 10**6, 12))
    chain.blocks(2)
    assert JOBS.read(chain.state, 2).status is JobStatus.WAITING


def test_who_is_slashed_to_nothing_in_a_job_is_paid_for_what_it_did_and_can_begin_anew():
    chain = working(replace(PATIENT, verification_rate=10**9))
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    offence = SlashReason.DOUBLE_CLAIM, Height(chain.engine.height)
    enact(chain, lambda state, env: slash(state, env, VERA.address, Fraction(ONE), *offence))
    assert (chain.total_stake(VERA), JOBS.read(chain.state, 1).status) == (0, JobStatus.ASSIGNED)
    chain.must(VERA, make_work(1, CAROL, VERA, (0, 2)).claim)
    chain.blocks(2)
    chain.must(BOB, DistributeFees(1, 1))
    claim = CLAIMS.read(chain.state, 1, 1)
    assert (claim.status, chain.fees(VERA) > 0, chain.fees(ALICE)) == (ClaimStatus.PAID, True, 0)
    chain.refused(VERA, TranscodeAvailability(1), reason=Reason.NOT_REGISTERED)
    chain.refused(VERA, Reward(), reason=Reason.NOT_ACTIVE)
    chain.next_round()
    assert [address for (address,) in ACTIVE.keys(chain.state)] == [VIKTOR.address]
    chain.must(VERA, Bond(20 * LPT, VERA.address), rates_of(VERA))
    chain.next_round()
    assert ACTIVE.read(chain.state, VERA.address).stake == 20 * LPT
    assert (chain.stake(VERA), chain.stake(ALICE)) == (20 * LPT, 0)
