"""The 90 kHz clock and the frame-rate ceiling."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from transcoder.media.timing import TICK_WRAP, kept_pictures, mean_frame_ticks, ticks, wrapped_difference


def steady(rate: Fraction, count: int, start: int = 126_000) -> list[int]:
    return [start + ticks(number / rate) for number in range(count)]


@settings(deadline=None)
@given(st.integers(0, 1 << 40), st.integers(-(1 << 31), 1 << 31))
def test_a_difference_survives_the_wrap(earlier: int, distance: int) -> None:
    assert wrapped_difference((earlier + distance) % TICK_WRAP, earlier % TICK_WRAP) == distance


def test_the_mean_distance_of_pictures() -> None:
    assert mean_frame_ticks([7]) == 3600
    assert mean_frame_ticks(steady(Fraction(30000, 1001), 60)) == 3003
    assert mean_frame_ticks(steady(Fraction(24000, 1001), 48)) == 3754


def test_no_ceiling_keeps_every_picture() -> None:
    times = steady(Fraction(25), 50)
    assert kept_pictures(times, None) == set(times)


def test_half_the_rate_keeps_every_second_picture() -> None:
    for rate in (Fraction(60), Fraction(50), Fraction(60000, 1001), Fraction(24)):
        times = steady(rate, 120)
        assert sorted(kept_pictures(times, rate / 2)) == times[::2]


def test_a_ceiling_at_or_above_the_rate_keeps_every_picture() -> None:
    for rate in (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30)):
        times = steady(rate, 60)
        for ceiling in (rate, Fraction(30), Fraction(60)):
            assert kept_pictures(times, ceiling) == set(times)


@settings(deadline=None)
@given(st.integers(5, 120), st.integers(1, 120))
def test_a_ceiling_keeps_the_first_picture_and_never_exceeds_itself(rate: int, ceiling: int) -> None:
    times = steady(Fraction(rate), 2 * rate)
    kept = kept_pictures(times, Fraction(ceiling))
    assert times[0] in kept
    assert kept <= set(times)
    assert min(rate, ceiling) * 2 - 2 <= len(kept) <= min(rate, ceiling) * 2 + 1
