"""One download, over several connections where a single one is slow.

A connection over 200 ms and 2 % loss carries some 30 kB a second, whatever the line would; eight of them carry eight
times as much. Over a good link everything has come before anybody thinks of a second one.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import aiohttp

from transcoder.net.http import HttpAnswer, HttpFailure, HttpPolicy, named_failures, read_chunks, request

PATIENCE_SECONDS = 1.0
"""What has not come by then is divided."""
CONNECTIONS = 8
LEAST_PART_BYTES = 32 << 10
PART_ATTEMPTS = 3
"""A part that fails is asked for again: its source has shown that it is there."""


async def download(session: aiohttp.ClientSession, url: str, policy: HttpPolicy) -> HttpAnswer:
    """GET within the bounds of the policy: they hold for the whole, however many connections bring it.

    Raises:
        AnswerTooLarge, HttpFailure: as `request_once`.
    """
    with named_failures(policy):
        async with (
            asyncio.timeout(policy.timeout_seconds),
            session.get(url, timeout=policy.client_timeout(), allow_redirects=False) as response,
        ):
            return HttpAnswer(response.status, response.headers, await _read(session, response, policy))


async def _read(session: aiohttp.ClientSession, response: aiohttp.ClientResponse, policy: HttpPolicy) -> bytes:
    size = response.content_length if response.status == 200 and "Accept-Ranges" in response.headers else None
    content, is_late = bytearray(), _alarm(PATIENCE_SECONDS)
    stop, parts = size, list[asyncio.Task[bytes]]()
    try:
        async for chunk in read_chunks(response, policy.answer_limit_bytes):
            content += chunk
            if size is not None and not parts and is_late() and size - len(content) > 2 * LEAST_PART_BYTES:
                stop, *rest = divide(len(content), size)
                bounds = zip([stop, *rest], [*rest, size], strict=True)
                parts = [asyncio.create_task(_part(session, response, range(*pair), policy)) for pair in bounds]
            if parts and stop is not None and len(content) >= stop:
                break
        return bytes(content[:stop]) + b"".join(await asyncio.gather(*parts))
    finally:
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


def _alarm(seconds: float) -> Callable[[], bool]:
    """Tells whether so many seconds have passed."""
    now = asyncio.get_running_loop().time
    moment = now() + seconds
    return lambda: now() >= moment


def divide(start: int, size: int) -> list[int]:
    """Where to cut what is left from `start` on, so that each connection has as much to bring."""
    count = min(CONNECTIONS, (size - start) // LEAST_PART_BYTES)
    return [start + (size - start) * number // count for number in range(1, count)]


async def _part(
    session: aiohttp.ClientSession, whole: aiohttp.ClientResponse, wanted: range, policy: HttpPolicy
) -> bytes:
    headers = {"Range": f"bytes={wanted.start}-{wanted.stop - 1}"}
    patient = replace(policy, attempts=PART_ATTEMPTS, answer_limit_bytes=len(wanted))
    answer = await request(session, "GET", str(whole.url), headers=headers, policy=patient)
    if answer.status != 206 or len(answer.body) != len(wanted):
        raise HttpFailure(f"HTTP {answer.status} with {len(answer.body)} bytes in place of a part of {len(wanted)}")
    return answer.body
