"""The outcome of a transaction from the blocks themselves, for what a node's index does not have.

CometBFT writes its index after the block: what it is stopped or killed over in between stays out of it for good,
although the block is there and its transactions have had their effect.
"""

from app.messages.transaction import decode_tx, hash_tx, recover_sender
from app.primitives.address import Address
from chain.rpc.client import RpcClient
from chain.rpc.types import CommittedTransaction
from chain.tx.queries import Queries
from chain.tx.result import TxResult, result_of


async def find_in_blocks(rpc: RpcClient, raw: bytes) -> TxResult | None:
    """The outcome of a transaction whose nonce is taken; None where another one has taken it.

    The block is the one whose state has used the nonce when the state before had not.

    Raises:
        QueryRefused, RpcError: it is further back than the node remembers states or keeps blocks.
        RpcFailure: the node does not answer.
    """
    tx, tx_hash = decode_tx(raw), hash_tx(raw)
    height = await _find_height(rpc, recover_sender(tx), tx.body.nonce)
    transactions = (await rpc.block(height)).transactions
    if raw not in transactions:
        return None
    place = transactions.index(raw)
    result = (await rpc.block_results(height)).transactions[place]
    return result_of(CommittedTransaction(tx_hash, height, place, raw, result))


async def _find_height(rpc: RpcClient, sender: Address, nonce: int) -> int:
    """The first height whose state has used a nonce that the newest has used."""
    used = int((await Queries(rpc).account(sender))["height"])
    unused, step = used - 1, 1
    while unused > 0 and await _is_used(rpc, sender, nonce, unused):
        used, step = unused, 2 * step
        unused = max(0, used - step)
    while used - unused > 1:
        middle = (used + unused) // 2
        if await _is_used(rpc, sender, nonce, middle):
            used = middle
        else:
            unused = middle
    return used


async def _is_used(rpc: RpcClient, sender: Address, nonce: int, height: int) -> bool:
    return int((await Queries(rpc, height).account(sender))["nonce"]) > nonce
