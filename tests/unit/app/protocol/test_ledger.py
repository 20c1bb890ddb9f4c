"""Balances: what goes out of one comes into another, or nothing happens."""

import pytest

from app.messages.bodies import Denom, Transfer
from app.messages.events import TransferEvent
from app.messages.rejections import Reason
from app.primitives.amounts import MAX_AMOUNT
from app.state.tables import COMMON_POOL, SUPPLY
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, ETH, LPT, Party, start

FEE = 10**16


@pytest.mark.parametrize("denom", Denom)
def test_a_transfer_moves_exactly_its_amount(denom):
    chain = start(TEST)
    result = chain.must(ALICE, Transfer(BOB.address, denom, 7))
    moved = 7 if denom is Denom.LPT else 0, 7 if denom is Denom.ETH else 0
    alice, bob = chain.account(ALICE), chain.account(BOB)
    assert (alice.lpt, alice.wei) == (10_000 * LPT - moved[0], 100 * ETH - moved[1] - FEE)
    assert (bob.lpt, bob.wei) == (10_000 * LPT + moved[0], 100 * ETH + moved[1])
    assert result.events[-1] == TransferEvent(ALICE.address, BOB.address, denom, 7)


def test_a_transfer_to_oneself_changes_nothing_but_fee_and_nonce():
    chain = start(TEST)
    chain.must(ALICE, Transfer(ALICE.address, Denom.LPT, 10_000 * LPT))
    assert chain.account(ALICE).lpt == 10_000 * LPT
    assert chain.account(ALICE).nonce == 1


def test_everything_can_be_sent_and_not_a_unit_more():
    chain = start(TEST)
    assert chain.refused(
        ALICE, Transfer(BOB.address, Denom.LPT, 10_000 * LPT + 1), reason=Reason.INSUFFICIENT_FUNDS
    ).endswith("has 10000LPT and needs 10000.000000000000000001LPT")
    chain.must(ALICE, Transfer(BOB.address, Denom.LPT, 10_000 * LPT))
    assert chain.account(ALICE).lpt == 0
    chain.refused(ALICE, Transfer(BOB.address, Denom.LPT, 1), reason=Reason.INSUFFICIENT_FUNDS)


def test_the_fee_is_no_longer_there_to_be_sent():
    chain = start(TEST)
    text = chain.refused(ALICE, Transfer(BOB.address, Denom.ETH, 100 * ETH), reason=Reason.INSUFFICIENT_FUNDS)
    assert text.endswith("has 99.99ETH and needs 100ETH")


@pytest.mark.parametrize(
    ("message", "reason", "text"),
    [
        (Transfer(BOB.address, Denom.LPT, 0), Reason.ZERO_AMOUNT, "a transfer of nothing"),
        (
            Transfer(bytes(20), Denom.LPT, 1),
            Reason.INVALID_FIELD,
            "the zero address is nobody's; what is sent there is lost",
        ),
    ],
)
def test_a_transfer_of_nothing_or_to_nobody_is_refused(message, reason, text):
    assert start(TEST).refused(ALICE, message, reason=reason) == text


def test_the_largest_amount_is_refused_like_any_other_that_is_not_there():
    start(TEST).refused(ALICE, Transfer(BOB.address, Denom.ETH, MAX_AMOUNT), reason=Reason.INSUFFICIENT_FUNDS)


def test_a_transfer_opens_an_account():
    chain, newcomer = start(TEST), Party("newcomer")
    assert chain.account(newcomer) == type(chain.account(newcomer))(0, 0, 0)
    chain.must(ALICE, Transfer(newcomer.address, Denom.ETH, ETH))
    chain.must(newcomer, Transfer(ALICE.address, Denom.ETH, 1))


def test_transfers_and_fees_leave_both_supplies_as_they_are():
    chain = start(TEST)
    before = SUPPLY.read(chain.state)
    chain.must(ALICE, Transfer(BOB.address, Denom.LPT, LPT), Transfer(BOB.address, Denom.ETH, ETH))
    assert SUPPLY.read(chain.state) == before
    assert COMMON_POOL.read(chain.state).wei == FEE
