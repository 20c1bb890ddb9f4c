"""Rounds follow from heights; due work is done once, in order, at its height."""

from dataclasses import replace

import pytest

from app.messages.records import RoundState
from app.messages.rejections import Reason, Rejection
from app.primitives.fractions import Fraction
from app.protocol.clock import DueKind, cancel, is_locked, is_over, require_initialized, schedule, take_due
from app.state.tables import DUE, ROUND
from tests.support.memory_state import MemoryState

NOW = RoundState(3, 31, 10, True, Fraction(0), 0, 0, 0, 0, 0, 0, None)


def test_a_round_is_over_with_the_first_height_after_its_blocks():
    assert [is_over(NOW, height) for height in (31, 40, 41, 60)] == [False, False, True, True]


def test_the_lock_is_the_last_blocks_of_the_round():
    assert [is_locked(NOW, height, 2) for height in (31, 38, 39, 40)] == [False, False, True, True]
    assert not is_locked(NOW, 40, 0)


def test_who_reads_a_round_that_is_not_initialised_is_told_what_it_waits_for():
    state = MemoryState()
    ROUND.put(state, NOW)
    assert require_initialized(state) == NOW
    ROUND.put(state, replace(NOW, initialized=False))
    with pytest.raises(Rejection) as caught:
        require_initialized(state)
    assert caught.value.reason is Reason.ROUND_NOT_INITIALIZED
    assert caught.value.text == "round 3 ended at height 41; the next one waits for InitializeRound, from anybody"


def test_due_work_comes_at_its_height_in_the_order_of_kind_and_ids():
    state = MemoryState()
    for kind, ids in [
        (DueKind.CLOSE_JOB, (1,)),
        (DueKind.CHOOSE_CHALLENGES, (2, 1)),
        (DueKind.MISS_RECEIPT, (1, 1, 300)),
        (DueKind.MISS_RECEIPT, (1, 1, 4)),
        (DueKind.CHOOSE_CHALLENGES, (1, 9)),
    ]:
        schedule(state, 7, kind, *ids)
    schedule(state, 8, DueKind.CLOSE_JOB, 5)
    assert list(take_due(state, 6)) == []
    assert list(take_due(state, 7)) == [
        (DueKind.CHOOSE_CHALLENGES, (1, 9, 0)),
        (DueKind.CHOOSE_CHALLENGES, (2, 1, 0)),
        (DueKind.MISS_RECEIPT, (1, 1, 4)),
        (DueKind.MISS_RECEIPT, (1, 1, 300)),
        (DueKind.CLOSE_JOB, (1, 0, 0)),
    ]
    assert list(take_due(state, 7)) == []
    assert [key[0] for key in DUE.keys(state)] == [8]


def test_scheduling_twice_is_scheduling_once_and_cancelling_takes_it_back():
    state = MemoryState()
    schedule(state, 7, DueKind.CLOSE_JOB, 1)
    schedule(state, 7, DueKind.CLOSE_JOB, 1)
    schedule(state, 7, DueKind.CLOSE_JOB, 2)
    cancel(state, 7, DueKind.CLOSE_JOB, 2)
    cancel(state, 7, DueKind.CLOSE_JOB, 99)
    assert list(take_due(state, 7)) == [(DueKind.CLOSE_JOB, (1, 0, 0))]


def test_work_that_is_scheduled_for_the_height_that_is_being_done_is_not_done_twice():
    state = MemoryState()
    schedule(state, 7, DueKind.CHOOSE_CHALLENGES, 1)
    done = []
    for kind, ids in take_due(state, 7):
        done.append((kind, ids))
        schedule(state, 8, DueKind.CLOSE_JOB, 1)
    assert len(done) == 1
    assert len(list(take_due(state, 8))) == 1
