"""Waiting for what other processes do, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

POLL_SECONDS = 0.25
Found = TypeVar("Found")


async def until(look: Callable[[], Awaitable[Found]], what: str, limit_seconds: float) -> Found:
    """The first truthy thing that `look` returns; AssertionError with `what` when the limit passes."""
    try:
        async with asyncio.timeout(limit_seconds):
            while not (found := await look()):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(POLL_SECONDS)
            return found
    except TimeoutError:
        raise AssertionError(f"not within {limit_seconds:g} s: {what}") from None
