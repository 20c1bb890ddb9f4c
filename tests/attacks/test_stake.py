"""What went wrong with stake on the real network, and does not here (livepeer.md, b11)."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Denom, Reward, Transfer
from app.messages.rejections import Reason
from app.messages.transaction import decode_tx, seal
from app.primitives.fractions import ONE
from app.state.tables import ACTIVE, DELEGATORS, POOLS, TOTALS
from genesis.presets.test import TEST
from tests.support.chain_driver import (
    ALICE,
    BOB,
    CAROL,
    LPT,
    VERA,
    VIKTOR,
    Chain,
    make_genesis,
    rates_of,
    register,
    start,
)

MANUAL = replace(TEST, auto_reward=False, missed_reward_threshold=10)


def test_a_registered_transcoder_cannot_delegate_its_stake_away():
    """May 2018: the protocol was paused over this."""
    chain = start(TEST, [VERA, VIKTOR])
    for message in (Bond(0, VIKTOR.address), Bond(LPT, VIKTOR.address)):
        chain.refused(VERA, message, reason=Reason.TRANSCODER_CANNOT_DELEGATE)
    chain.refused(VERA, Bond(0, ALICE.address), reason=Reason.NOT_A_CANDIDATE)
    assert chain.total_stake(VERA) == chain.stake(VERA) == 1000 * LPT


def test_it_cannot_do_so_in_the_transaction_that_registers_it_either():
    chain = start(TEST)
    for messages in (
        (Bond(5 * LPT, ALICE.address), rates_of(ALICE), Bond(0, VERA.address)),
        (Bond(5 * LPT, ALICE.address), Bond(0, VERA.address), rates_of(ALICE)),
    ):
        reason = Reason.TRANSCODER_CANNOT_DELEGATE if messages[-1].__class__ is Bond else Reason.NOT_BONDED
        chain.refused(ALICE, *messages, reason=reason)
    assert chain.stake(ALICE) == 0


@pytest.mark.parametrize("amount", [1, LPT])
def test_a_bond_just_before_the_reward_costs_nobody_its_reward(amount):
    """March 2024: a third party bonded 1 wei and the transcoder's own claim lost that round's reward."""
    rewards = []
    for griefed in (False, True):
        chain = start(MANUAL, cut=10**8)
        chain.must(ALICE, Bond(500 * LPT, VERA.address))
        chain.next_round()
        if griefed:
            chain.must(BOB, Bond(amount, VERA.address))
            chain.must(ALICE, Bond(amount, VERA.address))
            chain.must(VERA, Bond(amount, VERA.address))
        bonded = amount * griefed
        chain.must(VERA, Reward())
        rewards.append((chain.stake(VERA) - bonded, chain.stake(ALICE) - bonded))
    assert rewards[0] == rewards[1]
    assert rewards[0][0] > 1000 * LPT


def test_a_bond_just_before_the_reward_has_no_part_in_it():
    chain = start(MANUAL, cut=0)
    chain.next_round()
    before = chain.stake(VERA)
    chain.must(ALICE, Bond(10_000 * LPT, VERA.address))
    amount = chain.must(VERA, Reward()).events[-1].amount
    assert chain.stake(VERA) == before + amount
    assert chain.stake(ALICE) == 10_000 * LPT


def test_hopping_from_reward_to_reward_earns_none_of_them_twice():
    chain = start(MANUAL, [VERA, VIKTOR], cut=0)
    chain.must(ALICE, Bond(5000 * LPT, VERA.address))
    chain.next_round()
    before = chain.stake(ALICE)
    chain.must(VERA, Reward())
    gained = chain.stake(ALICE) - before
    chain.must(ALICE, Bond(0, VIKTOR.address))
    chain.must(VIKTOR, Reward())
    assert chain.stake(ALICE) - before in (gained - 1, gained)


def test_nobody_can_bond_in_anothers_name():
    """February and March 2022: bonding for others changed their delegate or forced a claim."""
    chain = start(TEST, [VERA, VIKTOR])
    chain.must(ALICE, Bond(LPT, VERA.address))
    raw = chain.sign(ALICE, Bond(0, VIKTOR.address))
    tx = decode_tx(raw)
    by_bob = seal(tx.body_bytes, decode_tx(chain.sign(BOB, Bond(0, VIKTOR.address), nonce=0)).signature)
    before = DELEGATORS.read(chain.state, ALICE.address)
    assert chain.block(by_bob).tx_results[0].code != 0
    assert DELEGATORS.read(chain.state, ALICE.address) == before


@pytest.mark.parametrize("address", [bytes(20), b"\x00" * 19 + b"\x01"], ids=["zero", "nearly zero"])
def test_the_zero_address_is_neither_bonded_to_nor_paid(address):
    """August 2022: a transfer from the zero address froze delegated stake."""
    chain = start(TEST)
    chain.refused(ALICE, Bond(LPT, address), reason=Reason.NOT_A_CANDIDATE)
    if address == bytes(20):
        chain.refused(ALICE, Transfer(address, Denom.LPT, LPT), reason=Reason.INVALID_FIELD)
    assert list(POOLS.items(chain.state)) != []
    assert not POOLS.has(chain.state, address)


def test_no_start_factor_is_ever_unset():
    """2021 and 2023: a start factor of zero inflated stakes; here a bond at any moment is worth what was bonded."""
    chain = start(replace(TEST, auto_reward=True), [VERA, VIKTOR], cut=0)
    for _ in range(5):
        chain.next_round()  # the pool has grown many times before anybody joins
    chain.must(ALICE, Bond(10 * LPT, VERA.address))
    assert chain.stake(ALICE) == 10 * LPT
    chain.next_round()
    assert chain.stake(ALICE) in (10 * LPT - 1, 10 * LPT)
    chain.must(ALICE, Bond(0, VIKTOR.address))
    assert chain.stake(ALICE) in (10 * LPT - 1, 10 * LPT)
    chain.must(ALICE, Bond(0, VERA.address))
    chain.next_round()
    assert 10 * LPT - 3 <= chain.stake(ALICE) <= 10 * LPT


def test_a_round_without_a_reward_leaves_every_stake_as_it_is():
    """2021: factors had to be carried forward over rounds without a pool."""
    chain = start(MANUAL)
    chain.must(ALICE, Bond(10 * LPT, VERA.address))
    chain.next_round()
    stakes = chain.stake(ALICE), chain.stake(VERA)
    for _ in range(3):
        chain.next_round()
    assert (chain.stake(ALICE), chain.stake(VERA)) == stakes


def test_all_bonded_stake_is_counted_wherever_it_moves():
    """October 2018: the total was miscounted when stake moved between registered and unregistered delegates."""
    chain = start(TEST, [VERA])
    bonded = TOTALS.read(chain.state).bonded
    chain.must(ALICE, Bond(10 * LPT, ALICE.address))
    assert TOTALS.read(chain.state).bonded == bonded + 10 * LPT
    chain.must(ALICE, Bond(0, VERA.address))
    register(chain, BOB)
    chain.must(ALICE, Bond(LPT, BOB.address))
    assert TOTALS.read(chain.state).bonded == bonded + 10 * LPT + LPT + 10 * LPT


def test_the_order_of_transactions_does_not_change_who_gets_what_of_a_reward():
    """August 2018: the cut was taken of what the claims before had left."""
    outcomes = []
    for order in ((0, 1), (1, 0)):
        chain = start(MANUAL, cut=3 * 10**8)
        for party, amount in ((ALICE, 700), (BOB, 300)):
            chain.must(party, Bond(amount * LPT, VERA.address))
        chain.next_round()
        chain.must(VERA, Reward())
        settling = [chain.sign(party, Bond(1, VERA.address)) for party in (ALICE, BOB)]
        chain.block(*[settling[i] for i in order])
        outcomes.append([chain.stake(party) for party in (VERA, ALICE, BOB)])
    assert outcomes[0] == outcomes[1]


def test_the_sender_cannot_choose_its_place_among_equals():
    """Hints of the sender once chose who was evicted."""
    elected = []
    for order in ((ALICE, BOB, CAROL), (CAROL, BOB, ALICE)):
        chain = start(replace(TEST, n=2))
        for party in order:
            register(chain, party, stake=1000 * LPT)
        chain.next_round()
        elected.append([address for (address,), record in ACTIVE.items(chain.state) if not record.from_waitlist])
    assert elected[0] == elected[1] == sorted([p.address for p in (ALICE, BOB, CAROL, VERA)])[:2]


def test_a_cut_cannot_be_raised_just_before_the_reward():
    chain = start(MANUAL, cut=0)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    chain.must(VERA, rates_of(VERA, cut=ONE))
    paid = chain.must(VERA, Reward()).events[-1]
    assert paid.transcoder_cut == 0
    assert chain.stake(ALICE) > 1000 * LPT


def test_a_price_cannot_be_raised_in_the_lock_nor_by_registering_anew_in_it():
    chain = start(TEST, [VERA, VIKTOR])
    chain.until(9)
    chain.refused(VERA, Bond(LPT, VERA.address), rates_of(VERA, price=1001), reason=Reason.PRICE_RULE)
    chain.refused(ALICE, Bond(LPT, ALICE.address), rates_of(ALICE), reason=Reason.ROUND_LOCKED)


def test_the_second_form_of_a_signature_does_not_pay_twice():
    """February 2022: a 64-byte form of a signature that had been used paid a ticket again."""
    chain = start(TEST)
    raw = chain.sign(ALICE, Transfer(BOB.address, Denom.LPT, LPT))
    tx = decode_tx(raw)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    r, s, v = tx.signature[:32], int.from_bytes(tx.signature[32:64], "big"), tx.signature[64]
    high = r + (order - s).to_bytes(32, "big") + bytes([v ^ 1])
    short = r + (s | v << 255).to_bytes(32, "big")
    with_27 = tx.signature[:64] + bytes([v + 27])
    assert chain.block(raw).tx_results[0].code == 0
    for other in (high, short, with_27):
        chain.ignored(seal(tx.body_bytes, other), Reason.INVALID_SIGNATURE)
    chain.ignored(raw, Reason.NONCE_TOO_LOW)
    assert chain.account(BOB).lpt == 10_001 * LPT


def test_dust_thrown_into_a_pool_costs_its_members_nothing():
    """Someone bonds a unit at a time to make roundings add up; each of them is his own loss."""
    chain = Chain(make_genesis(replace(TEST, auto_reward=True), [ALICE, BOB], [VERA, VIKTOR], cut=0))
    chain.block()
    chain.must(ALICE, Bond(10 * LPT, VERA.address))
    chain.next_round()
    before = chain.stake(ALICE)
    for number in range(12):
        to = (VERA, VIKTOR)[number % 2]
        chain.must(BOB, Bond(1, to.address))
        assert chain.stake(ALICE) >= before
    assert chain.stake(BOB) <= 12
