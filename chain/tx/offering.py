"""Offering a transaction to a node, with one form of answer whichever mempool the node has."""

from app.messages.rejections import Reason
from app.messages.transaction import hash_tx
from chain.rpc.client import RpcClient
from chain.rpc.errors import AlreadyInMempool, RpcError, SeenBefore
from chain.rpc.types import BroadcastResult
from chain.tx.errors import CODESPACE


async def offer(rpc: RpcClient, raw: bytes) -> BroadcastResult:
    """Broadcast, and what the application says: ALREADY_KNOWN where it waits already, MEMPOOL_FULL where none fits.

    What CometBFT has met before, and would not show to an application with its own mempool again, goes in a bundle:
    the application may have refused or forgotten it.

    Raises:
        RpcFailure: the node does not answer, or answers something else.
    """
    try:
        return await rpc.broadcast_tx_sync(raw)
    except AlreadyInMempool:
        return _answer(raw, Reason.ALREADY_KNOWN, "the node has it already")
    except SeenBefore:
        result = await rpc.broadcast_bundle([raw])
        return _answer(raw, result.codes[0], result.log)
    except RpcError as error:
        if "mempool is full" not in str(error):
            raise
        return _answer(raw, Reason.MEMPOOL_FULL, error.data or error.message)


def _answer(raw: bytes, code: int, text: str) -> BroadcastResult:
    return BroadcastResult(int(code), CODESPACE, b"", text, hash_tx(raw))
