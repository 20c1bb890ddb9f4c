"""A node that lies: an HTTP proxy before a real node's RPC that changes answers on their way back."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

Forge = Callable[[str, dict[str, Any]], None]
"""Given a method and its result: changes the result in place."""


class Forger:
    """The proxy's address, and what it does to answers; honest until `forge` is set."""

    def __init__(self, node_url: str) -> None:
        self._node_url = node_url
        self.url = ""
        self.forge: Forge | None = None

    async def post(self, request: web.Request) -> web.Response:
        """Ask the node the same, and lie about the answer."""
        question = await request.json()
        async with aiohttp.ClientSession() as session, session.post(self._node_url, json=question) as response:
            answer = await response.json(content_type=None)
        if self.forge is not None and "result" in answer:
            self.forge(question["method"], answer["result"])
        return web.json_response(answer)

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A light client opens one and asks nothing over it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for _ in socket:
            pass
        return socket


@asynccontextmanager
async def forging(node_url: str) -> AsyncIterator[Forger]:
    """A running forger before the node."""
    forger = Forger(node_url)
    application = web.Application()
    application.router.add_post("/", forger.post)
    application.router.add_get("/websocket", forger.websocket)
    async with TestServer(application) as server:
        forger.url = str(server.make_url("")).rstrip("/")
        yield forger


def in_query(**members: Any) -> Forge:
    """Replace members of the answer to abci_query; bytes as CometBFT's JSON has them."""

    def forge(method: str, result: dict[str, Any]) -> None:
        if method == "abci_query":
            for name, value in members.items():
                result["response"][name] = base64.b64encode(value).decode() if isinstance(value, bytes) else value

    return forge
