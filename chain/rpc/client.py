"""A typed client for a node's RPC.

    async with RpcClient("http://127.0.0.1:26657") as client:
        status = await client.status()

Methods that only read are tried again when the node cannot be reached; broadcasts are not, since the first may have
arrived. Every method raises RpcUnreachable, RpcMalformed or RpcError (chain/rpc/errors.py).
"""

import base64
import secrets
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from app.messages.bundle import decode_codes, encode_bundle
from chain.rpc import decode
from chain.rpc.errors import RpcError, RpcMalformed
from chain.rpc.subscription import Subscription
from chain.rpc.transport import RpcLimits, Transport
from chain.rpc.types import (
    AbciInfo,
    Block,
    BlockResults,
    BroadcastCommitResult,
    BroadcastResult,
    BundleResult,
    CommittedTransaction,
    ConsensusStep,
    Header,
    NodeStatus,
    Peer,
    QueryResult,
    Validator,
)

Decoded = TypeVar("Decoded")
VALIDATORS_PER_PAGE = 100
LARGEST_GENESIS_BYTES = 100 * 2**20


def _height(height: int | None) -> dict[str, Any]:
    return {} if height is None else {"height": str(height)}


class RpcClient:
    """One node's RPC at `url` (http://host:port, tcp://host:port or host:port)."""

    def __init__(self, url: str, limits: RpcLimits | None = None) -> None:
        self.transport = Transport(url, limits or RpcLimits())

    @property
    def url(self) -> str:
        """The address, normalised."""
        return self.transport.url

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.transport.close()

    async def _read(self, decoder: Callable[[Any], Decoded], method: str, params: dict[str, Any]) -> Decoded:
        return self._decoded(decoder, method, await self.transport.read(method, params))

    def _decoded(self, decoder: Callable[[Any], Decoded], method: str, result: Any) -> Decoded:
        try:
            return decoder(result)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RpcMalformed(f"{self.url} answered {method} in a form we do not know: {error!r}") from error

    async def health(self) -> None:
        """Return when the node answers at all. It says nothing about progress: compare heights for that."""
        await self.transport.read("health")

    async def status(self) -> NodeStatus:
        """Who the node is and how far it has come."""
        return await self._read(decode.decode_status, "status", {})

    async def abci_info(self) -> AbciInfo:
        """What the application has committed."""
        return await self._read(decode.decode_abci_info, "abci_info", {})

    async def consensus_step(self) -> ConsensusStep:
        """Where consensus stands; does not answer while consensus waits for the application."""
        return await self._read(decode.decode_consensus_step, "consensus_state", {})

    async def peers(self) -> tuple[Peer, ...]:
        """The nodes it is connected to (net_info)."""
        return await self._read(decode.decode_peers, "net_info", {})

    async def genesis(self) -> dict[str, Any]:
        """The genesis document as CometBFT has it. Large documents are refused by the node (use genesis_chunked)."""
        return await self._read(lambda result: dict(result["genesis"]), "genesis", {})

    async def genesis_bytes(self) -> bytes:
        """The genesis document of any size as CometBFT writes it, in JSON (genesis_chunked)."""
        found, total = b"", 1
        chunk = 0
        while chunk < total:
            result = await self.transport.read("genesis_chunked", {"chunk": str(chunk)})
            part, total = self._decoded(decode.decode_genesis_chunk, "genesis_chunked", result)
            found += part
            if len(found) > LARGEST_GENESIS_BYTES:
                raise RpcMalformed(f"{self.url} has a genesis document of more than {LARGEST_GENESIS_BYTES} bytes")
            chunk += 1
        return found

    async def block(self, height: int | None = None) -> Block:
        """The block at `height`, or the newest."""
        return await self._read(decode.decode_block, "block", _height(height))

    async def header(self, height: int | None = None) -> Header:
        """The header at `height`, or the newest."""
        return await self._read(lambda result: decode.decode_header(result["header"]), "header", _height(height))

    async def block_results(self, height: int | None = None) -> BlockResults:
        """What the application answered to the block at `height`, or the newest."""
        return await self._read(decode.decode_block_results, "block_results", _height(height))

    async def validators(self, height: int | None = None) -> tuple[Validator, ...]:
        """The whole consensus validator set of `height`, or the newest."""
        found: tuple[Validator, ...] = ()
        page = 1
        while True:
            params = _height(height) | {"page": str(page), "per_page": str(VALIDATORS_PER_PAGE)}
            result = await self.transport.read("validators", params)
            found += self._decoded(decode.decode_validators, "validators", result)
            if len(found) >= self._decoded(lambda answer: int(answer["total"]), "validators", result):
                return found
            page += 1

    async def tx(self, hash_: bytes) -> CommittedTransaction | None:
        """The transaction with this hash if it is in a block that the node has indexed, else None.

        A node indexes a block shortly after it has told of it: None right after an event is no news.
        """
        params = {"hash": base64.b64encode(hash_).decode(), "prove": False}
        try:
            return await self._read(decode.decode_committed_transaction, "tx", params)
        except RpcError as error:
            if "not found" in error.data:
                return None
            raise

    async def abci_query(self, path: str, data: bytes = b"", height: int = 0, prove: bool = False) -> QueryResult:
        """Ask the application. Height 0 lets it choose (its newest, or the newest it can prove).

        The answer's code, key and height are the node's word: see chain/rpc/verified.py for a checked read.
        """
        params = {"path": path, "data": data.hex(), "height": str(height), "prove": prove}
        return await self._read(decode.decode_query, "abci_query", params)

    async def broadcast_tx_sync(self, transaction: bytes) -> BroadcastResult:
        """Send a transaction and return what CheckTx said. AlreadyInMempool when the node knows it."""
        return await self._broadcast(decode.decode_broadcast, "broadcast_tx_sync", transaction)

    async def broadcast_tx_async(self, transaction: bytes) -> BroadcastResult:
        """Send a transaction and return at once; the code says nothing."""
        return await self._broadcast(decode.decode_broadcast, "broadcast_tx_async", transaction)

    async def broadcast_tx_commit(self, transaction: bytes, timeout_seconds: float = 30) -> BroadcastCommitResult:
        """Send a transaction and wait until it is in a block. For trying things out: the node gives up after 10 s."""
        return await self._broadcast(
            decode.decode_broadcast_commit, "broadcast_tx_commit", transaction, timeout_seconds
        )

    async def broadcast_many_sync(self, transactions: Sequence[bytes]) -> list[BroadcastResult | RpcError]:
        """Send transactions in one request; the node checks them in this order and answers each."""
        many = [{"tx": base64.b64encode(item).decode()} for item in transactions]
        answers = await self.transport.call_many("broadcast_tx_sync", many)
        return [
            answer
            if isinstance(answer, RpcError)
            else self._decoded(decode.decode_broadcast, "broadcast_tx_sync", answer)
            for answer in answers
        ]

    async def broadcast_bundle(self, transactions: Sequence[bytes]) -> BundleResult:
        """Send transactions together to a node with the application's mempool; they must fit into a bundle.

        RpcError with a code of the application where the node takes no bundles.
        """
        answer = await self.broadcast_tx_sync(encode_bundle(transactions, secrets.randbits(64)))
        if answer.code:
            raise RpcError(answer.code, "the node takes no bundles of transactions", answer.log)
        codes = self._decoded(lambda data: decode_codes(data, len(transactions)), "a bundle", answer.data)
        return BundleResult(tuple(codes), answer.log)

    async def _broadcast(
        self, decoder: Callable[[Any], Decoded], method: str, transaction: bytes, timeout_seconds: float | None = None
    ) -> Decoded:
        params = {"tx": base64.b64encode(transaction).decode()}
        return self._decoded(decoder, method, await self.transport.call(method, params, timeout_seconds))

    def subscribe(self, query: str) -> Subscription:
        """Events that match `query`, for example "tm.event = 'NewBlock'"; use it with `async with`."""
        return Subscription(self.transport, query)
