"""CometBFT's RPC, as far as services use it, in front of the real engine: a chain for tests, with a block every moment.

It runs in a thread of its own, so that services of this process and of others can talk to it.
"""

import asyncio
import base64
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from aiohttp import web

from app.primitives.hashing import sha256
from tests.support.chain_driver import CHAIN_ID, Chain

Result = TypeVar("Result")
Json = Any
WAIT_SECONDS = 30


class LoopThread:
    """An event loop in a thread; `call` runs a coroutine there from outside."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call(self, coroutine: Awaitable[Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(WAIT_SECONDS)

    def close(self) -> None:
        self.call(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel_all(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def listen(app: web.Application, port: int = 0) -> tuple[web.AppRunner, int]:
    """Serve an application on loopback; its runner and its port."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, runner.addresses[0][1]


class NotKnown(Exception):
    """An RPC error of CometBFT's kind."""


class ChainServer:
    """A chain that makes blocks by itself. `do` runs a function of the chain between two blocks."""

    def __init__(self, chain: Chain, block_seconds: float = 0.1) -> None:
        self._chain = chain
        self._block_seconds = block_seconds
        self._mempool: list[bytes] = []
        self._included: dict[bytes, tuple[int, Any, bytes]] = {}
        self._thread = LoopThread()
        self.is_reachable = True
        self._runner, self.port = self._thread.call(self._start())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, work: Callable[[Chain], Result]) -> Result:
        async def run() -> Result:
            return work(self._chain)

        return self._thread.call(run())

    def close(self) -> None:
        self._thread.call(self._end())
        self._thread.close()

    async def _start(self) -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_post("/", self._answer)
        self._blocks = asyncio.get_running_loop().create_task(self._make_blocks())
        return await listen(app)

    async def _end(self) -> None:
        self._blocks.cancel()
        await asyncio.gather(self._blocks, return_exceptions=True)
        await self._runner.cleanup()

    async def _make_blocks(self) -> None:
        while True:
            await asyncio.sleep(self._block_seconds)
            transactions, self._mempool = self._mempool, []
            height = self._chain.next_height
            result = self._chain.block(*transactions)
            for raw, outcome in zip(transactions, result.tx_results, strict=True):
                self._included[bytes(sha256(raw))] = (height, outcome, raw)

    async def _answer(self, request: web.Request) -> web.Response:
        if not self.is_reachable:
            request.transport.abort()
            return web.Response(status=500)
        asked = await request.json()
        answer: Json = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            answer["result"] = getattr(self, f"_rpc_{asked['method']}")(asked["params"])
        except NotKnown as error:
            answer["error"] = {"code": -32603, "message": "Internal error", "data": str(error)}
        return web.Response(text=json.dumps(answer), content_type="application/json")

    def _rpc_status(self, params: Json) -> Json:
        sync = dict.fromkeys(("latest_block_hash", "latest_app_hash", "latest_block_time"), "")
        height = str(self._chain.engine.height)
        return {
            "node_info": {
                "id": "1" * 40,
                "moniker": "stand-in",
                "network": CHAIN_ID,
                "listen_addr": "tcp://0.0.0.0:26656",
            },
            "sync_info": {**sync, "latest_block_height": height, "earliest_block_height": "1", "catching_up": False},
            "validator_info": {"address": "", "pub_key": {"value": ""}, "voting_power": "1"},
        }

    def _rpc_abci_query(self, params: Json) -> Json:
        found = self._chain.engine.query(
            params["path"], bytes.fromhex(params["data"]), int(params["height"]), params["prove"]
        )
        value = base64.b64encode(found.value).decode()
        return {"response": {"code": found.code, "log": found.log, "value": value, "height": str(found.height)}}

    def _rpc_broadcast_tx_sync(self, params: Json) -> Json:
        raw = base64.b64decode(params["tx"])
        checked = self._chain.engine.check_tx(raw)
        if checked.code == 0 and raw not in self._mempool:
            self._mempool.append(raw)
        space = "headwater" if checked.code else ""
        return {"code": checked.code, "codespace": space, "data": "", "log": checked.log, "hash": sha256(raw).hex()}

    def _rpc_tx(self, params: Json) -> Json:
        found = self._included.get(base64.b64decode(params["hash"]))
        if found is None:
            raise NotKnown("tx not found")
        height, outcome, raw = found
        result = {"code": outcome.code, "log": outcome.log, "gas_used": str(outcome.gas)}
        return {
            "hash": "",
            "height": str(height),
            "index": 0,
            "tx": base64.b64encode(raw).decode(),
            "tx_result": result,
        }


@contextlib.contextmanager
def serving(chain: Chain, block_seconds: float = 0.1) -> Iterator[ChainServer]:
    """The server of a chain, closed at the end."""
    server = ChainServer(chain, block_seconds)
    try:
        yield server
    finally:
        server.close()
