"""A stand-in for a node's RPC whose answers a test decides, on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[[str, dict[str, Any]], Any]
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


class RpcFault(Exception):
    """What an answer raises to send a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message, "data": data}


@asynccontextmanager
async def rpc_node(answer: Answer, talk: Talk | None = None) -> AsyncIterator[str]:
    """Serve `answer(method, params)` over POST and `talk(socket)` per websocket; yields the address."""

    def one(request: dict[str, Any]) -> dict[str, Any]:
        base = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            return base | {"result": answer(request["method"], request["params"])}
        except RpcFault as fault:
            return base | {"error": fault.error}

    async def post(request: web.Request) -> web.Response:
        body = await request.json()
        answers = [one(item) for item in body] if isinstance(body, list) else one(body)
        failed = not isinstance(answers, list) and "error" in answers
        return web.json_response(answers, status=500 if failed else 200)

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert talk is not None
        await talk(socket)
        return socket

    application = web.Application()
    application.router.add_post("/", post)
    application.router.add_get("/websocket", websocket)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
        await asyncio.sleep(0)
