"""JSON-RPC 2.0 over HTTP POST on one aiohttp session: time limits, retries where they are safe, typed errors."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from chain.failures import UsageFailure
from chain.rpc.errors import RpcError, RpcMalformed, RpcUnreachable, error_from_answer

Params = Mapping[str, Any]


def normalise_url(text: str) -> str:
    """An RPC address as http(s)://host:port; accepts tcp:// (CometBFT's own form) and a bare host:port."""
    url = text.strip()
    if url.startswith("tcp://"):
        url = "http://" + url.removeprefix("tcp://")
    if "://" not in url:
        url = "http://" + url
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise UsageFailure(f"{text!r} is not the address of a node's RPC; use for example http://127.0.0.1:26657")
    return url.rstrip("/")


@dataclass(frozen=True, slots=True)
class RpcLimits:
    """How long a call may take, how often a safe one is tried, and how many connections are held."""

    timeout_seconds: float = 10.0
    attempts: int = 3
    first_pause_seconds: float = 0.1
    connections: int = 64


class Transport:
    """One node's JSON-RPC. Open it with `async with`; it may be used by many tasks of one event loop at once."""

    def __init__(self, url: str, limits: RpcLimits) -> None:
        self.url = normalise_url(url)
        self.limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._next_id = 0

    @property
    def session(self) -> aiohttp.ClientSession:
        """The HTTP session, opened at first use."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self.limits.timeout_seconds),
                connector=aiohttp.TCPConnector(limit=self.limits.connections),
            )
        return self._session

    async def close(self) -> None:
        """Close every connection; the transport opens new ones if it is used again."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def read(self, method: str, params: Params | None = None) -> Any:
        """Call a method that changes nothing: tried again when the node cannot be reached."""
        pause = self.limits.first_pause_seconds
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return await self.call(method, params)
            except RpcUnreachable:
                if attempt == self.limits.attempts:
                    raise
            await asyncio.sleep(pause)
            pause *= 2
        raise AssertionError("limits.attempts must be at least 1")

    async def call(self, method: str, params: Params | None = None, timeout_seconds: float | None = None) -> Any:
        """Call a method once; the `result` member of the answer, or an RpcFailure."""
        request = self._request(method, params)
        answer = await self._post(request, timeout_seconds)
        return self._result(answer, request["id"])

    async def call_many(self, method: str, many: Sequence[Params]) -> list[Any | RpcError]:
        """Call one method once per entry in one HTTP request, answered in order; an error stands in its place."""
        requests = [self._request(method, params) for params in many]
        if not requests:
            return []
        answers = await self._post(requests, None)
        if not isinstance(answers, list) or len(answers) != len(requests):
            raise RpcMalformed(f"{self.url} did not answer each call of a batch")
        return [self._result_or_error(a, r["id"]) for a, r in zip(answers, requests, strict=True)]

    def _request(self, method: str, params: Params | None) -> dict[str, Any]:
        self._next_id += 1
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": dict(params or {})}

    def _result_or_error(self, answer: Any, request_id: int) -> Any | RpcError:
        try:
            return self._result(answer, request_id)
        except RpcError as error:
            return error

    def _result(self, answer: Any, request_id: int) -> Any:
        if not isinstance(answer, dict) or answer.get("id") not in {request_id, -1}:
            raise RpcMalformed(f"{self.url} answered something else than was asked")
        if answer.get("error") is not None:
            raise error_from_answer(answer["error"])
        if "result" not in answer:
            raise RpcMalformed(f"{self.url} answered without a result")
        return answer["result"]

    async def _post(self, payload: Any, timeout_seconds: float | None) -> Any:
        limit = timeout_seconds or self.limits.timeout_seconds
        try:
            async with self.session.post(
                self.url, json=payload, timeout=aiohttp.ClientTimeout(total=limit)
            ) as response:
                body = await response.read()
        except TimeoutError as error:
            raise RpcUnreachable(f"the node at {self.url} did not answer within {limit:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise RpcUnreachable(f"cannot reach a node at {self.url}: {connection_problem(error)}") from error
        try:
            return json.loads(body)
        except ValueError as error:
            raise RpcMalformed(f"what answers at {self.url} is not a CometBFT node: {body[:80]!r}") from error


def connection_problem(error: Exception) -> str:
    """Why there is no connection, in the system's words where it has some: aiohttp's repeat the address."""
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror or str(cause)
    return str(error) or type(error).__name__
