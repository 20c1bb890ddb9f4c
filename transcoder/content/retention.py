"""What may leave the store, decided without looking at a disk or a clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique

from transcoder.content.address import ContentId
from transcoder.content.failures import StoreFull


@unique
class PinUnit(StrEnum):
    """What a pin's end is measured in."""

    HEIGHT = "height"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Pin:
    """A promise to keep something.

    Attributes:
        holder: who needs it; each holder has one pin per content, and a new one replaces it.
        unit: block height of the chain, or seconds since 1970.
        until: the last height or second at which the content must still be there.
    """

    holder: str
    unit: PinUnit
    until: int


def pin_until_height(holder: str, height: int) -> Pin:
    """Keep until the chain has passed `height`."""
    return Pin(holder, PinUnit.HEIGHT, height)


def pin_until_time(holder: str, unix_seconds: int) -> Pin:
    """Keep until the clock has passed `unix_seconds`."""
    return Pin(holder, PinUnit.TIME, unix_seconds)


@dataclass(frozen=True, slots=True)
class Kept:
    """A piece of content in the store that no pin holds."""

    content_id: ContentId
    size_bytes: int


def choose_evictions(
    unpinned_oldest_first: Iterable[Kept], *, used_bytes: int, wanted_bytes: int, limit_bytes: int
) -> list[Kept]:
    """What must go so that `wanted_bytes` more fit: the oldest unpinned first, and no more than needed.

    Raises:
        StoreFull: not even all of it makes room; then nothing should go.
    """
    excess = used_bytes + wanted_bytes - limit_bytes
    chosen: list[Kept] = []
    for kept in unpinned_oldest_first:
        if excess <= 0:
            break
        chosen.append(kept)
        excess -= kept.size_bytes
    if excess > 0:
        freed = sum(kept.size_bytes for kept in chosen)
        raise StoreFull(
            f"no room for {wanted_bytes} bytes: of {limit_bytes} allowed, {used_bytes - freed} are pinned; "
            f"raise the size limit by at least {excess} bytes, or wait until pins end"
        )
    return chosen
