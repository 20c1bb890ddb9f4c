import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.net.backoff import Backoff


def test_delays_double_up_to_the_limit():
    backoff = Backoff(first_seconds=1, limit_seconds=10)
    assert [backoff.delay_seconds(attempt, 1) for attempt in range(6)] == [1, 2, 4, 8, 10, 10]


def test_jitter_scales_the_upper_half_of_a_delay():
    backoff = Backoff(first_seconds=1, limit_seconds=10)
    assert [backoff.delay_seconds(1, jitter) for jitter in (0, 0.5, 1)] == [1, 1.5, 2]


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_a_delay_is_never_zero_and_never_above_the_limit(attempt, jitter):
    assert 0 < Backoff().delay_seconds(attempt, jitter) <= Backoff().limit_seconds


def test_a_factor_of_one_waits_the_same_each_time():
    assert Backoff(2, 8, factor=1).delay_seconds(10**5, 1) == 2


@pytest.mark.parametrize("arguments", [(0, 1, 2), (2, 1, 2), (1, 2, 0.5)])
def test_impossible_bounds_are_refused(arguments):
    with pytest.raises(ValueError, match="must hold"):
        Backoff(*arguments)


@pytest.mark.parametrize(("attempt", "jitter"), [(-1, 0), (0, -0.1), (0, 1.1)])
def test_an_impossible_attempt_or_jitter_is_refused(attempt, jitter):
    with pytest.raises(ValueError, match="must"):
        Backoff().delay_seconds(attempt, jitter)
