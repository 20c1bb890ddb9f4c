"""HTTP to strangers: every answer has a size limit, every wait an end, every failure a reason; retries are bounded.

Only requests that may be repeated belong here: those of Headwater's services are idempotent, because segments,
receipts and content have names.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aiohttp

from chain.failures import EXIT_UNREACHABLE, Failure
from chain.rpc.transport import connection_problem
from transcoder.net.backoff import Backoff

MIB = 1 << 20
_CHUNK_BYTES = 1 << 16
_WORTH_RETRYING = {408, 425, 429, 500, 502, 503, 504}


class HttpFailure(Failure):
    """No usable answer; the text says what each attempt met."""

    exit_code = EXIT_UNREACHABLE


class AnswerTooLarge(HttpFailure):
    """The other side sends more than it was allowed to."""


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The bounds of one request.

    Attributes:
        attempts: how often it is tried in all.
        timeout_seconds: for one attempt, from the connection to the last byte.
        stall_seconds: the longest wait for a connection or for the next bytes.
        answer_limit_bytes: the largest body that is read.
    """

    attempts: int = 4
    timeout_seconds: float = 15.0
    stall_seconds: float = 5.0
    answer_limit_bytes: int = 16 * MIB
    backoff: Backoff = field(default_factory=Backoff)

    def client_timeout(self) -> aiohttp.ClientTimeout:
        """The same bounds in aiohttp's words."""
        return aiohttp.ClientTimeout(
            total=self.timeout_seconds, sock_connect=self.stall_seconds, sock_read=self.stall_seconds
        )


DEFAULT_POLICY = HttpPolicy()


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer of the other side, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def excerpt(self) -> str:
        """The start of the body as one line of text, for error messages."""
        return " ".join(self.body[:300].decode("utf-8", "replace").split())


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """A client session without cookies, and without decompression: a few bytes must not unfold into gigabytes."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, headers={"Accept-Encoding": "identity"}
    ) as session:
        yield session


async def get(
    session: aiohttp.ClientSession,
    url: str,
    *,
    policy: HttpPolicy = DEFAULT_POLICY,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """GET with retries; see `request`."""
    return await request(session, "GET", url, policy=policy, headers=headers)


async def post(
    session: aiohttp.ClientSession,
    url: str,
    body: bytes,
    *,
    policy: HttpPolicy = DEFAULT_POLICY,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """POST with retries, of something that may arrive twice; see `request`."""
    return await request(session, "POST", url, body=body, policy=policy, headers=headers)


async def request(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    policy: HttpPolicy = DEFAULT_POLICY,
    jitter: Callable[[], float] = random.random,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> HttpAnswer:
    """Send until an answer comes that a repetition would not change: success, redirection, or the sender's mistake.

    Redirections are returned, not followed: the address in a transcoder's registration is the one that counts.

    Raises:
        AnswerTooLarge: at once.
        HttpFailure: after the last attempt, with what each attempt met.
    """
    met: list[str] = []
    for attempt in range(policy.attempts):
        if attempt:
            await sleep(policy.backoff.delay_seconds(attempt - 1, jitter()))
        try:
            answer = await request_once(session, method, url, body=body, headers=headers, policy=policy)
        except AnswerTooLarge:
            raise
        except HttpFailure as failure:
            met.append(str(failure))
            continue
        if answer.status not in _WORTH_RETRYING:
            return answer
        met.append(f"HTTP {answer.status} {answer.excerpt()}".strip())
    times = f" (tried {policy.attempts} times)" if policy.attempts > 1 else ""
    raise HttpFailure(f"{method} {url} failed{times}: {'; '.join(met)}")


async def request_once(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    policy: HttpPolicy = DEFAULT_POLICY,
) -> HttpAnswer:
    """One attempt.

    Raises:
        AnswerTooLarge: the body is, or says that it is, above the limit.
        HttpFailure: no connection, no complete answer in time, or no valid address.
    """
    with named_failures(policy):
        async with session.request(
            method, url, data=body, headers=headers, timeout=policy.client_timeout(), allow_redirects=False
        ) as response:
            content = await _read_bounded(response, policy.answer_limit_bytes)
            return HttpAnswer(response.status, response.headers, content)


@contextmanager
def named_failures(policy: HttpPolicy) -> Iterator[None]:
    """What can go wrong with a request, as HttpFailure with its reason."""
    try:
        yield
    except TimeoutError as error:
        raise HttpFailure(f"no complete answer within {policy.timeout_seconds:g} s") from error
    except aiohttp.ClientConnectorError as error:
        raise HttpFailure(f"no connection: {connection_problem(error)}") from error
    except (aiohttp.ClientError, ValueError, OSError) as error:
        raise HttpFailure(f"{type(error).__name__}: {error}") from error


async def _read_bounded(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in read_chunks(response, limit_bytes):
        content += chunk
    return bytes(content)


async def read_chunks(response: aiohttp.ClientResponse, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it comes.

    Raises:
        AnswerTooLarge: it is, or says that it is, above the limit.
    """
    announced = response.content_length or 0
    if announced > limit_bytes and response.method != "HEAD":
        raise AnswerTooLarge(f"the answer has {announced} bytes, {limit_bytes} are allowed")
    got = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        got += len(chunk)
        if got > limit_bytes:
            raise AnswerTooLarge(f"the answer has more than the {limit_bytes} bytes that are allowed")
        yield chunk
