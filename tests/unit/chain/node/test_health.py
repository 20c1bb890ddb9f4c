"""A node that hangs is told from one that waits."""

import pytest

from chain.node.health import Health, HealthWatch, Observation
from chain.rpc.types import ConsensusStep

STALL = 10.0


def seen(block=5, app=5, consensus=(6, 0, 4), catching_up=False, log_bytes=0):
    step = None if consensus is None else ConsensusStep(*consensus)
    return Observation(block, app, step, catching_up, log_bytes)


def silent(log_bytes=0):
    return Observation(None, None, None, False, log_bytes)


def watch_after(*observations):
    """A watch that has seen each of these for one second, then the last one until it stalls, if it does."""
    watch = HealthWatch(STALL, started=0.0)
    now = 0.0
    for item in observations:
        now += 1
        watch.observe(item, now)
    for _ in range(30):
        now += 1
        if watch.observe(observations[-1], now) is Health.STALLED:
            return watch, now
    return watch, now


def test_a_growing_height_is_advancing():
    watch = HealthWatch(STALL, started=0.0)
    for height in range(1, 40):
        assert watch.observe(seen(block=height, app=height), 1.0 * height) is Health.ADVANCING
    assert watch.highest_block == 39


def test_a_still_height_with_every_answer_is_waiting_however_long():
    watch, _ = watch_after(seen())
    assert watch.health is Health.WAITING


@pytest.mark.parametrize(
    "hanging",
    [
        seen(consensus=None),
        seen(app=None),
        seen(block=6, app=5),
        silent(),
    ],
    ids=["consensus is inside a call", "application is silent", "decided block not executed", "nothing answers"],
)
def test_a_still_height_and_a_missing_answer_is_stalled(hanging):
    watch, now = watch_after(seen(), hanging)
    assert watch.health is Health.STALLED
    assert now >= STALL


def test_a_missing_answer_while_blocks_come_is_no_stall():
    watch = HealthWatch(STALL, started=0.0)
    for height in range(1, 60):
        assert watch.observe(seen(block=height, app=None), 1.0 * height) is Health.ADVANCING


def test_rounds_that_change_without_a_block_are_life():
    watch = HealthWatch(STALL, started=0.0)
    for now in range(1, 100):
        health = watch.observe(seen(app=None, consensus=(6, now // 5, 3)), 1.0 * now)
        assert health is not Health.STALLED


def test_answers_that_come_and_go_at_one_height_are_no_movement():
    watch = HealthWatch(STALL, started=0.0)
    observations = [seen(), seen(app=None)]
    results = [watch.observe(observations[now % 2], 1.0 * now) for now in range(1, 30)]
    assert Health.STALLED in results


def test_a_start_that_writes_its_log_is_replaying_and_a_silent_one_is_stalled():
    watch = HealthWatch(STALL, started=0.0)
    for now in range(1, 100):
        assert watch.observe(silent(log_bytes=now), 1.0 * now) is Health.STARTING
    late = [watch.observe(silent(log_bytes=99), 99.0 + now) for now in range(1, 15)]
    assert late[-1] is Health.STALLED
    assert late[5] is Health.STARTING


def test_log_lines_do_not_save_a_node_that_had_answered():
    watch = HealthWatch(STALL, started=0.0)
    watch.observe(seen(), 1.0)
    results = [watch.observe(silent(log_bytes=now), 1.0 + now) for now in range(1, 20)]
    assert results[-1] is Health.STALLED


def test_a_node_that_catches_up_is_syncing():
    watch = HealthWatch(STALL, started=0.0)
    assert watch.observe(seen(catching_up=True), 1.0) is Health.SYNCING
