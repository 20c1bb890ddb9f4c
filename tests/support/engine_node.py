"""A node in this process: the real application behind the methods of RpcClient that transactions need.

Blocks are made when somebody looks for a transaction, so that nothing has to wait; connections break on command.
"""

from collections import deque

from app.execution.engine import Engine
from app.execution.mempool.own import MempoolOptions
from app.messages.bundle import encode_bundle
from app.messages.events import event_attributes, event_name
from app.messages.transaction import hash_tx
from app.primitives.hashing import sha256
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from chain.rpc.errors import AlreadyInMempool, RpcError, RpcUnreachable
from chain.rpc.types import (
    Block,
    BlockResults,
    BroadcastResult,
    BundleResult,
    CommittedTransaction,
    Event,
    EventAttribute,
    Header,
    NodeStatus,
    QueryResult,
    TransactionResult,
)
from genesis.document import Document, dump_document, load_document


class EngineNode:
    """One node with its mempool, chain and index of transactions.

    Attributes:
        unreachable: how many calls from now on fail without having any effect.
        lost_answers: how many broadcasts from now on have their effect, but no answer.
        makes_blocks: whether looking for a transaction makes a block.
        received: every broadcast that arrived, in order.
    """

    def __init__(self, document: Document, own_mempool: MempoolOptions | None = None) -> None:
        loaded = load_document(dump_document(document))
        self.engine = Engine(StateStore(MemoryBackend()), own_mempool=own_mempool)
        self.engine.init_chain(loaded["chain_id"], 1, _json_bytes(loaded["app_state"]))
        self.chain_id = loaded["chain_id"]
        self.url = "http://engine"
        self.unreachable = 0
        self.lost_answers = 0
        self.makes_blocks = True
        self.index_enabled = True
        self.received: list[bytes] = []
        self.mempool: deque[bytes] = deque()
        self._cache: set[bytes] = set()
        self._app_hashes: dict[int, bytes] = {}
        self._index: dict[bytes, CommittedTransaction] = {}
        self._blocks: dict[int, tuple[list[bytes], list[TransactionResult]]] = {}
        self.make_block()

    def make_block(self, *forced: bytes) -> None:
        """The next block: transactions that come past the mempool, everything from it that fits, and the recheck."""
        height = self.engine.height + 1
        txs = [*forced, *self.engine.prepare_proposal(height, list(self.mempool), 4 * 2**20)]
        result = self.engine.finalize_block(height, sha256(b"block %d" % height), bytes(20), txs)
        self.engine.commit()
        self._app_hashes[height] = result.app_hash
        self._blocks[height] = txs, [_shown(outcome) for outcome in result.tx_results]
        for place, (raw, outcome) in enumerate(zip(txs, result.tx_results, strict=True)):
            if raw in self.mempool:
                self.mempool.remove(raw)
            self._index[hash_tx(raw)] = CommittedTransaction(hash_tx(raw), height, place, raw, _shown(outcome))
            if outcome.code:
                self._cache.discard(raw)
        kept = deque(raw for raw in self.mempool if self.engine.check_tx(raw).code == 0)
        self._cache -= set(self.mempool) - set(kept)  # CometBFT forgets what its recheck refuses
        self.mempool = kept

    def forget_index(self) -> None:
        """Have the index not know what is in the blocks, as when a node ends between writing both."""
        self._index.clear()

    def restart(self) -> None:
        """Forget what is only in memory: the mempool and the cache of what was seen."""
        self.mempool.clear()
        self._cache.clear()
        self.engine.forget_uncommitted()

    async def status(self) -> NodeStatus:
        self._connect()
        height = int(self.engine.height)
        return NodeStatus("id", "node", self.chain_id, height, b"", b"", "", 1, False, b"", b"", 1)

    async def abci_query(self, path: str, data: bytes = b"", height: int = 0, prove: bool = False) -> QueryResult:
        self._connect()
        answer = self.engine.query(path, data, height, prove)
        return QueryResult(
            answer.code, "headwater", answer.log, "", 0, answer.key, answer.value, answer.height, tuple(answer.proof)
        )

    async def broadcast_tx_sync(self, transaction: bytes) -> BroadcastResult:
        self._connect()
        self.received.append(transaction)
        if transaction in self._cache:
            raise AlreadyInMempool(-32603, "Internal error", "tx already exists in cache")
        result = self.engine.check_tx(transaction)
        if result.code == 0:
            self._cache.add(transaction)
            self.mempool.append(transaction)
        if self.lost_answers:
            self.lost_answers -= 1
            raise RpcUnreachable("the connection broke")
        return BroadcastResult(result.code, "headwater" if result.code else "", b"", result.log, hash_tx(transaction))

    async def broadcast_many_sync(self, transactions) -> list[BroadcastResult | RpcError]:
        answers: list[BroadcastResult | RpcError] = []
        for transaction in transactions:
            try:
                answers.append(await self.broadcast_tx_sync(transaction))
            except RpcError as error:
                answers.append(error)
        return answers

    async def broadcast_bundle(self, transactions) -> BundleResult:
        self._connect()
        self.received += transactions
        results = self.engine.check_bundle(encode_bundle(transactions, len(self.received)))
        if self.lost_answers:
            self.lost_answers -= 1
            raise RpcUnreachable("the connection broke")
        refused = [result.log for result in results if result.code]
        return BundleResult(tuple(result.code for result in results), refused[0] if refused else "")

    async def tx(self, hash_: bytes) -> CommittedTransaction | None:
        self._connect()
        if not self.index_enabled:
            raise RpcError(-32603, "Internal error", "transaction indexing is disabled")
        if self.makes_blocks and hash_ not in self._index:
            self.make_block()
        return self._index.get(hash_)

    async def block(self, height: int) -> Block:
        self._connect()
        if height not in self._blocks:
            raise RpcError(-32603, "Internal error", f"height {height} is not available")
        return Block(b"", await self.header(height), tuple(self._blocks[height][0]))

    async def block_results(self, height: int) -> BlockResults:
        self._connect()
        return BlockResults(height, tuple(self._blocks[height][1]), (), (), b"")

    async def header(self, height: int | None = None) -> Header:
        """The header of a block: the app hash in it is that of the state after the block before."""
        self._connect()
        at = height or int(self.engine.height)
        app_hash = self._app_hashes.get(at - 1, b"")
        return Header(self.chain_id, at, "", b"", b"", b"", b"", app_hash, b"", b"")

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "EngineNode":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def _connect(self) -> None:
        if self.unreachable:
            self.unreachable -= 1
            raise RpcUnreachable("cannot reach a node at http://engine")


def _json_bytes(value: object) -> bytes:
    return dump_document(value)  # type: ignore[arg-type]


def _shown(outcome) -> TransactionResult:
    events = tuple(
        Event(event_name(event), tuple(EventAttribute(key, value, True) for key, value in event_attributes(event)))
        for event in outcome.events
    )
    codespace = "headwater" if outcome.code else ""
    return TransactionResult(outcome.code, codespace, b"", outcome.log, "", outcome.gas, outcome.gas, events)
