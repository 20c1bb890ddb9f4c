"""One look at a running node over its RPC, for the supervisor and for `status`."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from chain.node.health import Observation
from chain.rpc.client import RpcClient
from chain.rpc.errors import RpcFailure
from chain.rpc.transport import RpcLimits

PROBE_LIMITS = RpcLimits(timeout_seconds=2.0, attempts=1, connections=4)
Answer = TypeVar("Answer")


async def observe(client: RpcClient, log_bytes: int = 0) -> Observation:
    """Ask a node where it is: the block height first, so that it never seems ahead of the application by chance.

    Never raises for a node that does not answer: what is missing is None.
    """
    status = await _or_none(client.status())
    info, consensus = await asyncio.gather(_or_none(client.abci_info()), _or_none(client.consensus_step()))
    return Observation(
        block_height=None if status is None else status.height,
        app_height=None if info is None else info.height,
        consensus=consensus,
        catching_up=status is not None and status.catching_up,
        log_bytes=log_bytes,
    )


async def _or_none(question: Awaitable[Answer]) -> Answer | None:
    try:
        return await question
    except RpcFailure:
        return None
