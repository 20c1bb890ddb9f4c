"""Deposits: what is free can be taken back, what is not there cannot."""

from app.messages.bodies import Deposit, Withdraw
from app.messages.events import Deposited, Withdrawn
from app.messages.rejections import Reason
from app.primitives.amounts import Wei
from app.protocol.earnings import credit_fees
from app.state.tables import DEPOSITS
from tests.support.work_world import ETH, World


def test_a_deposit_moves_wei_from_the_balance():
    world = World()
    alice = world.account("alice", wei=10)
    events = world.send(alice, Deposit(Wei(7)))
    assert (world.wei(alice), world.deposit(alice)) == (3, 7)
    assert events == [Deposited(alice.address, Wei(7))]


def test_deposits_add_up():
    world = World()
    alice = world.account("alice", wei=10)
    world.send(alice, Deposit(Wei(7)))
    world.send(alice, Deposit(Wei(2)))
    assert (world.wei(alice), world.deposit(alice)) == (1, 9)


def test_a_deposit_of_nothing_is_refused():
    world = World()
    world.refused(world.account("alice"), Deposit(Wei(0)), Reason.ZERO_AMOUNT)


def test_a_deposit_beyond_the_balance_is_refused():
    world = World()
    alice = world.account("alice", wei=10)
    assert "10wei" in world.refused(alice, Deposit(Wei(11)), Reason.INSUFFICIENT_FUNDS)


def test_a_free_deposit_can_be_withdrawn_in_full_and_leaves_no_record():
    world = World()
    alice = world.account("alice", wei=10)
    world.send(alice, Deposit(Wei(7)))
    events = world.send(alice, Withdraw(Wei(7), Wei(0)))
    assert (world.wei(alice), world.deposit(alice)) == (10, 0)
    assert not DEPOSITS.has(world.state, alice.address)
    assert events == [Withdrawn(alice.address, Wei(7), Wei(0))]


def test_what_a_job_holds_cannot_be_withdrawn():
    world = World()
    broadcaster = world.broadcaster(deposit=10_000)
    world.open_job(broadcaster, escrow_segments=4)
    text = world.refused(broadcaster, Withdraw(Wei(6_001), Wei(0)), Reason.INSUFFICIENT_DEPOSIT)
    assert "6000wei" in text and "1wei are missing" in text
    world.send(broadcaster, Withdraw(Wei(6_000), Wei(0)))


def test_a_withdrawal_of_nothing_is_refused():
    world = World()
    world.refused(world.account("alice"), Withdraw(Wei(0), Wei(0)), Reason.ZERO_AMOUNT)


def test_earned_fees_can_be_withdrawn_together_with_a_deposit():
    world = World()
    earner = world.transcoder()
    env = world._block_env()
    credit_fees(world.state, env, earner.address, 1000)
    world.send(earner, Deposit(Wei(50)))
    before = world.wei(earner)
    world.send(earner, Withdraw(Wei(50), Wei(1000)))
    assert world.wei(earner) == before + 1050
    assert (world.fees(earner), world.deposit(earner)) == (0, 0)


def test_fees_that_were_not_earned_are_refused_before_the_deposit_moves():
    world = World()
    broadcaster = world.broadcaster(deposit=ETH)
    world.refused(broadcaster, Withdraw(Wei(ETH), Wei(1)), Reason.INSUFFICIENT_FEES)
    assert world.deposit(broadcaster) == ETH
