"""Homes of real nodes for tests, and questions to them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from chain.cometbft.config import ConsensusTimeouts
from chain.localnet.create import create, plain_genesis
from chain.localnet.genesis import headwater_genesis
from chain.localnet.layout import Localnet, LocalnetSettings
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.rpc.transport import RpcLimits
from tests.support.processes import eventually

Answer = TypeVar("Answer")
FAST = ConsensusTimeouts(
    propose_ms=1000, propose_delta_ms=200, prevote_ms=300, prevote_delta_ms=100, precommit_ms=300,
    precommit_delta_ms=100, commit_ms=200,
)  # fmt: skip


def headwater_localnet(root: Path, validators: int = 1) -> Localnet:
    """A localnet of Headwater with fast blocks, not started."""
    return create(root, validators, headwater_genesis(), LocalnetSettings(timeouts=FAST), usual_ports=False)


def kvstore_localnet(root: Path, validators: int = 1) -> Localnet:
    """A localnet whose application is inside CometBFT."""
    settings = LocalnetSettings(built_in_application="kvstore", timeouts=FAST)
    return create(root, validators, plain_genesis, settings, usual_ports=False)


def ask(url: str, question: Callable[[RpcClient], Awaitable[Answer]]) -> Answer:
    """Ask a node one thing."""

    async def run() -> Answer:
        async with RpcClient(url, RpcLimits(attempts=1)) as client:
            return await question(client)

    return asyncio.run(run())


def height_of(url: str) -> int:
    """The node's height; 0 when it does not answer."""
    try:
        return ask(url, lambda client: client.status()).height
    except RpcFailure:
        return 0


def wait_for_height(url: str, height: int) -> int:
    """Wait until the node has a block of at least this height, and return its height."""

    def reached() -> int | None:
        now = height_of(url)
        return now if now >= height else None

    return eventually(reached, f"height {height} at {url}")
