"""Ways out for stake that has something to answer for, and ways to lose stake that should not (livepeer.md, b11)."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Rebond, ResignAsTranscoder, RotateConsensusKey, Unbond, UpdateDelegatorStake
from app.messages.events import StakeSlashed, ValidatorChanged
from app.messages.records import SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol.environment import Evidence
from app.protocol.locks import slash_locks
from app.protocol.slashing import slash
from app.protocol.stake import slash_pool
from app.protocol.transcoders import consensus_address
from app.state.tables import LOCK_BATCHES, TOTALS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, enact, events_of, rates_of, start

PATIENT = replace(TEST, missed_reward_threshold=100)
SIGNED_TWICE = consensus_address(VERA.consensus_key)


def two():
    return start(PATIENT, [VERA, VIKTOR])


@pytest.mark.parametrize(
    "way_out",
    [
        (ResignAsTranscoder(),),
        (Unbond(1000 * LPT),),
        (ResignAsTranscoder(), Unbond(1000 * LPT)),
        (ResignAsTranscoder(), rates_of(VERA)),
        (Unbond(1000 * LPT), Rebond(1, VERA.address)),
        (RotateConsensusKey(b"\x01" * 32),),
        (Unbond(400 * LPT), Unbond(599 * LPT), Rebond(2, VERA.address)),
    ],
    ids=lambda messages: " ".join(type(message).__name__ for message in messages),
)
def test_nothing_a_double_signer_does_between_offence_and_evidence_saves_its_stake(way_out):
    """January 2018: who had resigned could not be slashed any more."""
    chain = two()
    offence = chain.engine.height
    chain.must(VERA, *way_out)
    (event,) = events_of(chain.block(evidence=[Evidence(SIGNED_TWICE, offence)]), StakeSlashed)
    assert event.bonded + event.unbonding == 1000 * LPT * PATIENT.double_sign_slash_amount // ONE


@pytest.mark.parametrize(
    "way_out",
    [
        (Bond(0, VIKTOR.address),),
        (ResignAsTranscoder(), Bond(0, VIKTOR.address)),
        (Unbond(1000 * LPT), Rebond(1, VIKTOR.address)),
        (Unbond(1000 * LPT), Bond(1, VIKTOR.address), Rebond(1, VIKTOR.address)),
    ],
    ids=lambda messages: " ".join(type(message).__name__ for message in messages),
)
def test_its_own_stake_does_not_hide_behind_another_transcoder(way_out):
    two().refused(VERA, *way_out, reason=Reason.TRANSCODER_CANNOT_DELEGATE)


def test_unbond_and_rebond_lose_no_token_and_make_none():
    """January 2018: unbonding and rebonding lost tokens, or stuck."""
    chain = two()
    chain.must(ALICE, Bond(7 * LPT, VERA.address))
    chain.next_round()
    supply = TOTALS.read(chain.state).bonded
    for number in range(1, 12):
        chain.must(ALICE, Unbond(LPT // 3 + number), Rebond(number, VERA.address))
    assert 7 * LPT - 12 <= chain.stake(ALICE) <= 7 * LPT
    assert TOTALS.read(chain.state).bonded == supply


def test_a_rebond_from_nothing_is_worth_what_was_unbonded_however_far_the_pool_has_grown():
    """2023: rebonding from unbonded met unset factors and inflated stakes."""
    chain = start(replace(PATIENT, auto_reward=True), [VERA, VIKTOR], cut=0)
    chain.must(ALICE, Bond(7 * LPT, VERA.address), Unbond(7 * LPT))
    for _ in range(5):
        chain.next_round()
    chain.must(ALICE, Rebond(1, VIKTOR.address))
    assert chain.stake(ALICE) == 7 * LPT


def test_a_transcoder_at_nothing_has_no_vote_and_no_shares_in_what_comes_later():
    """2023, M-625 and M-627 of the treasury audit: a fully slashed transcoder voted and bonded again."""
    chain = two()
    enact(chain, lambda state, env: slash(state, env, VERA.address, ONE, SlashReason.FAILED_VERIFICATION, 1))
    chain.next_round()
    told = {e.pubkey: e.power for r in chain.results for e in events_of(r, ValidatorChanged)}
    chain.must(VERA, Bond(LPT, VERA.address), rates_of(VERA))
    assert (chain.stake(VERA), told.get(VERA.consensus_key, 0)) == (LPT, 0)


@pytest.mark.parametrize("party", [BOB, CAROL])
def test_bringing_anothers_record_up_to_date_changes_nothing_for_it(party):
    """2022: a claim that a third party forced cost its owner a round."""
    outcomes = []
    for forced in (False, True):
        chain = start(replace(TEST, auto_reward=True), [VERA, VIKTOR], cut=0)
        chain.must(ALICE, Bond(100 * LPT, VERA.address))
        for _ in range(3):
            chain.next_round()
            chain.must(party, *[UpdateDelegatorStake(ALICE.address)] * forced, Bond(1, VIKTOR.address))
        outcomes.append((chain.stake(ALICE), chain.fees(ALICE)))
    assert outcomes[0] == outcomes[1]


class Counted:
    """A state that counts what is written to it."""

    def __init__(self, state):
        self.state, self.writes = state, 0

    def __getattr__(self, name):
        return getattr(self.state, name)

    def set(self, key, value):
        self.writes += 1
        self.state.set(key, value)


def test_many_small_locks_and_delegators_do_not_make_a_slash_dearer():
    """October 2017: loops over delegators did not fit into a block."""
    writes = []
    for count in (1, 40):
        chain = two()
        for party in (ALICE, BOB, CAROL):
            chain.must(party, Bond(LPT, VERA.address))
            for _ in range(count // 10 + 1):
                chain.must(party, *[Unbond(1)] * min(count, 10))

        def measure(state, env):
            counted = Counted(state)
            slash_pool(counted, VERA.address, ONE // 2)
            slash_locks(counted, env, VERA.address, ONE // 2, 1)
            writes.append(counted.writes - len(list(LOCK_BATCHES.keys(state))))
            state.clear()

        enact(chain, measure)
    assert writes[0] == writes[1]
