"""The limit of a block's transactions settles where blocks keep their interval, on fast machines and slow ones."""

import pytest

from app.execution.mempool.pace import FIRST_LIMIT, MAX_LIMIT, MIN_LIMIT, Pace

INTERVAL_MS = 1000


class Network:
    """Blocks whose time grows with what they hold."""

    def __init__(self, microseconds_each):
        self.pace, self.each, self.now = Pace(), microseconds_each, 1_000_000

    def block(self, backlog):
        held = min(backlog, self.pace.limit)
        took = INTERVAL_MS + held * self.each // 1000
        self.now += took
        self.pace.observe(self.now, held)
        return took

    def blocks(self, count, backlog):
        return [self.block(backlog) for _ in range(count)]


@pytest.mark.parametrize("each", [10, 50, 100, 200, 400, 900])
def test_under_any_backlog_blocks_soon_take_no_more_than_twice_their_quiet_time(each):
    network = Network(each)
    network.blocks(5, 0)
    network.blocks(15, 10**6)
    assert max(network.blocks(50, 10**6)) <= 2 * INTERVAL_MS * 1.1
    assert MIN_LIMIT <= network.pace.limit <= MAX_LIMIT


def test_fast_machines_get_larger_blocks_and_slow_ones_smaller():
    limits = []
    for each in (10, 60, 300):
        network = Network(each)
        network.blocks(5, 0)
        network.blocks(50, 10**6)
        limits.append(network.pace.limit)
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == MAX_LIMIT
    assert limits[2] < FIRST_LIMIT


def test_blocks_that_are_not_full_change_nothing():
    network = Network(60)
    network.blocks(5, 0)
    network.blocks(20, FIRST_LIMIT // 2)
    assert network.pace.limit == FIRST_LIMIT


def test_a_block_that_is_late_for_another_reason_does_not_stay_the_measure():
    network = Network(300)
    network.blocks(2, 0)
    network.now += 60_000
    network.blocks(3, 0)
    network.blocks(50, 10**6)
    assert network.pace.limit < FIRST_LIMIT
    assert Pace().limit == FIRST_LIMIT
