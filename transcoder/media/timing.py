"""The 90 kHz clock of MPEG-TS: ticks, their 33-bit wrap, and the frame-rate ceiling, all in whole numbers."""

from collections.abc import Sequence
from fractions import Fraction

TICKS_PER_SECOND = 90_000
TICK_WRAP = 1 << 33
DEFAULT_FRAME_TICKS = 3600


def ticks(seconds: Fraction) -> int:
    """Seconds as the nearest whole tick."""
    return round(seconds * TICKS_PER_SECOND)


def wrapped_difference(later: int, earlier: int) -> int:
    """later − earlier in ticks on the wrapping clock, between −2^32 and 2^32."""
    difference = (later - earlier) % TICK_WRAP
    return difference - TICK_WRAP if difference >= TICK_WRAP // 2 else difference


def mean_frame_ticks(pts: Sequence[int]) -> int:
    """Mean distance of pictures in ticks, from their sorted presentation times; 25 per second when there is one."""
    if len(pts) < 2:
        return DEFAULT_FRAME_TICKS
    gaps = len(pts) - 1
    return max(1, (pts[-1] - pts[0] + gaps // 2) // gaps)


def kept_pictures(pts: Sequence[int], ceiling: Fraction | None) -> frozenset[int]:
    """Which of the sorted presentation times a frame-rate ceiling keeps.

    Time is divided into slots of one output picture; a picture is kept when it is the first in its slot. The
    quarter of a slot added before rounding down keeps 60 → 30 even and does not drop pictures for a rounded tick.
    """
    if ceiling is None:
        return frozenset(pts)
    kept, last_slot = [], -1
    for time in pts:
        slot = int((time - pts[0]) * ceiling / TICKS_PER_SECOND + Fraction(1, 4))
        if slot > last_slot:
            kept.append(time)
            last_slot = slot
    return frozenset(kept)
