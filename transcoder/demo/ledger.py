"""What has happened on the chain so far, block by block: every transaction with its hash, sender and events."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.messages.attestation import is_injected
from app.messages.codec import message_name
from app.messages.transaction import decode_tx, hash_tx, recover_sender
from app.primitives.address import Address
from app.primitives.hashing import Hash32
from chain.rpc.client import RpcClient
from chain.tx.events import decode_events

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction in a block."""

    height: int
    tx_hash: Hash32
    sender: Address
    messages: tuple[str, ...]
    code: int
    log: str
    events: tuple[Any, ...]


@dataclass
class Ledger:
    """Grows with the chain.

    Attributes:
        block_events: what blocks did by themselves, with their heights.
    """

    height: int = 0
    entries: list[Entry] = field(default_factory=list)
    block_events: list[tuple[int, Any]] = field(default_factory=list)

    async def follow(self, rpc: RpcClient) -> list[Entry]:
        """Read all blocks that are new; returns their transactions."""
        first = len(self.entries)
        tip = (await rpc.abci_info()).height  # a block whose results are there, unlike the newest that is stored
        while self.height < tip:
            await self._read(rpc, self.height + 1)
            self.height += 1
        return self.entries[first:]

    async def _read(self, rpc: RpcClient, height: int) -> None:
        block, results = await rpc.block(height), await rpc.block_results(height)
        self.block_events += [(height, event) for event in decode_events(results.events)]
        for raw, result in zip(block.transactions, results.transactions, strict=True):
            if is_injected(raw):
                self.block_events += [(height, event) for event in decode_events(result.events)]
                continue
            tx = decode_tx(raw)
            names = tuple(message_name(message) for message in tx.body.messages)
            events = decode_events(result.events)
            self.entries.append(Entry(height, hash_tx(raw), recover_sender(tx), names, result.code, result.log, events))

    def all_events(self, cls: type[E]) -> list[E]:
        """Every event of one type, of transactions and blocks."""
        return [event for event, _ in self.with_hashes(cls)]

    def with_hashes(self, cls: type[E]) -> Iterator[tuple[E, Hash32 | None]]:
        """Every event of one type with the transaction that caused it; none for what a block did by itself."""
        for _, event in self.block_events:
            if isinstance(event, cls):
                yield event, None
        for entry in self.entries:
            for event in entry.events:
                if isinstance(event, cls):
                    yield event, entry.tx_hash

    def rejected(self) -> list[Entry]:
        """Transactions that a block holds and that were rejected."""
        return [entry for entry in self.entries if entry.code]
