"""The application's mempool as CometBFT talks to it (`[mempool] type = "app"`): the pool, its gossip, its memory.

A client's transactions come by CheckTx, one by one or in a bundle; peers' come by InsertTx. Both are judged alike.
CometBFT asks by ReapTxs for what its peers should get, and by PrepareProposal for a block.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.execution.mempool.door import Door
from app.execution.mempool.outbox import Outbox
from app.execution.mempool.pace import Pace
from app.execution.mempool.pool import Pool, PoolLimits
from app.execution.mempool.queue import Waiting
from app.execution.verdicts import Verdicts
from app.messages.bundle import is_bundle, split_bundle
from app.messages.fees import min_fee
from app.messages.limits import MAX_BUNDLE_BYTES
from app.messages.records import Account
from app.messages.rejections import Reason, Rejection, retry_code
from app.messages.transaction import Tx, decode_tx
from app.params import Params
from app.primitives.address import Address
from app.state.tables import ACCOUNTS, ReadState

MALFORMED = (
    *(Reason.UNDECODABLE, Reason.NOT_CANONICAL, Reason.LIMIT_EXCEEDED, Reason.UNKNOWN_MESSAGE),
    *(Reason.INVALID_SIGNATURE, Reason.INVALID_FIELD, Reason.WRONG_CHAIN),
)
"""What no honest node would pass on, whatever its state."""

MAX_MALFORMED = 8
"""After so many such members the rest of a peer's bundle is not looked at: it costs us more than him."""


class Journal(Protocol):
    """Where accepted transactions are written down before their senders hear of it."""

    kept: list[bytes]
    """What it has from before."""

    def append(self, raw: bytes) -> None:
        """Add one."""

    def write(self) -> Callable[[], None] | None:
        """Write down what was added; what is left to do until it is safe, in any thread."""

    def forget(self, raw: bytes) -> None:
        """It need not be kept any more."""


class NoJournal:
    """Keeps nothing: what waits is lost when the process ends."""

    kept: list[bytes] = []  # noqa: RUF012 - it is never changed

    def append(self, raw: bytes) -> None:
        """Do nothing."""

    def write(self) -> Callable[[], None] | None:
        """Nothing is left to do."""
        return None

    def forget(self, raw: bytes) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class MempoolOptions:
    """How a node keeps its mempool.

    Attributes:
        relays: whether peers' transactions are handed on, which a network needs that is no full mesh.
    """

    journal: Journal = field(default_factory=NoJournal)
    limits: PoolLimits = field(default_factory=PoolLimits)
    relays: bool = True


class OwnMempool:
    """The mempool of one node."""

    def __init__(self, verdicts: Verdicts, options: MempoolOptions) -> None:
        self._verdicts = verdicts
        self._journal = options.journal
        self._pool = Pool(options.limits, self._on_gone)
        self._outbox = Outbox()
        self._relays = options.relays
        self.pace = Pace()

    # ---- from a client

    def check(self, door: Door, raw: bytes) -> Tx:
        """Accept a client's transaction: it waits for a block from now on.

        Raises:
            Rejection: why not. ALREADY_KNOWN: it waits already.
        """
        try:
            tx, entry = self._admit(door, raw, is_local=True)
        except Rejection as rejection:
            if rejection.reason is Reason.ALREADY_KNOWN:
                self._adopt(raw)
            raise
        self._journal.append(raw)
        self._outbox.put(entry)
        return tx

    def check_bundle(self, door: Door, bundle: bytes) -> list[Rejection | None]:
        """Accept a client's bundle, member by member; why not, for each that is refused.

        Raises:
            Rejection: it is no bundle.
        """
        return [self._try(door, raw) for raw in split_bundle(bundle)]

    def _try(self, door: Door, raw: bytes) -> Rejection | None:
        try:
            self.check(door, raw)
        except Rejection as rejection:
            return rejection
        return None

    def restore(self, door: Door) -> None:
        """Take what the journal has kept; what a block has included meanwhile goes from it."""
        for raw in self._journal.kept:
            try:
                self._outbox.put(self._admit(door, raw, is_local=True)[1])
            except Rejection:
                self._journal.forget(raw)
        self._journal.kept.clear()

    def write_journal(self) -> Callable[[], None] | None:
        """What has to be done, in any thread, before clients hear that their transactions are accepted."""
        return self._journal.write()

    def _adopt(self, raw: bytes) -> None:
        """A peer's transaction that a client of ours relies on as well."""
        tx, sender = self._verdicts.judge(raw)
        entry = self._pool.find(sender, tx.body.nonce)
        if entry is not None and not entry.is_local:
            entry.is_local = True
            self._journal.append(entry.raw)

    # ---- from and to peers

    def insert(self, door: Door, raw: bytes) -> int:
        """Take what a peer has sent; 0, or where nothing of it was taken, the code of a refusal.

        A code from `RETRY_CODES` on lets CometBFT forget that it has seen it.
        """
        try:
            members = split_bundle(raw) if is_bundle(raw) else [raw]
        except Rejection as rejection:
            return int(rejection.reason)
        taken, refused = self._insert_members(door, members)
        if self._relays and len(taken) == len(members) and is_bundle(raw):
            self._outbox.put_whole(raw)
        elif self._relays:
            for entry in taken:
                self._outbox.put(entry)
        return 0 if taken else max(refused)

    def _insert_members(self, door: Door, members: Sequence[bytes]) -> tuple[list[Waiting], list[int]]:
        taken: list[Waiting] = []
        codes: list[int] = []
        malformed = 0
        for raw in members:
            try:
                taken.append(self._admit(door, raw, is_local=False)[1])
            except Rejection as rejection:
                codes.append(0 if rejection.reason is Reason.ALREADY_KNOWN else retry_code(rejection.reason))
                malformed += rejection.reason in MALFORMED
                if malformed >= MAX_MALFORMED:
                    break
        return taken, codes

    def reap(self, height: int, max_bytes: int) -> list[bytes]:
        """What CometBFT should send to its peers now."""
        return self._outbox.take(height, max_bytes)

    def _admit(self, door: Door, raw: bytes, is_local: bool) -> tuple[Tx, Waiting]:
        known = self._verdicts.find(raw)
        if known is None:
            tx = decode_tx(raw)
            door.check(tx)
            self._pool.check_worth(tx.body.fee_wei, len(raw))
            known = self._verdicts.recover(raw, tx)
        else:
            door.check(known[0])
        tx, sender = known
        return tx, self._pool.offer(
            raw, tx, sender, lambda address: ACCOUNTS.read(door.state, address), door.height, is_local
        )

    # ---- with the chain

    def next_nonce(self, state: ReadState, sender: Address) -> int:
        """The nonce that a sender's next transaction should have."""
        waiting = self._pool.next_nonce(sender)
        return ACCOUNTS.read(state, sender).nonce if waiting is None else waiting

    def choose(self, max_bytes: int) -> list[bytes]:
        """The transactions of our block: as many as keep the block interval."""
        return self._pool.choose(max_bytes, self.pace.limit)

    def settle(self, height: int, accounts: Mapping[Address, Account]) -> None:
        """A block was committed: `accounts` are those that it changed, `height` is that of the next one."""
        self._pool.settle(height, accounts)
        self._outbox.remind(height)

    def reset(self, height: int) -> None:
        """CometBFT has gone and comes again, without its memory of what its peers know: hand everything of ours out."""
        self._outbox = Outbox()
        for entry in self._pool:
            if entry.is_local:
                self._outbox.put(entry)

    def is_waiting(self, sender: Address) -> bool:
        """Whether a sender has transactions here."""
        return self._pool.next_nonce(sender) is not None

    def change_params(self, params: Params) -> None:
        """Fees have changed: drop what pays too little now."""

        self._pool.drop_if(lambda entry: entry.fee_wei < min_fee(len(entry.raw), entry.weight, params))

    def describe(self) -> dict[str, Any]:
        """How full it is, for queries, from any thread."""
        limits = self._pool.limits
        return {
            "type": "app",
            "transactions": len(self._pool),
            "bytes": self._pool.size_bytes,
            "senders": self._pool.senders,
            "max_transactions": limits.transactions,
            "max_bytes": limits.size_bytes,
            "bundle_bytes": MAX_BUNDLE_BYTES,
            "block_transactions": self.pace.limit,
        }

    def _on_gone(self, entry: Waiting) -> None:
        if entry.is_local:
            self._journal.forget(entry.raw)
