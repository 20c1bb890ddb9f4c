"""The application's own mempool: what waits for a block, in which order it goes in, and what is not taken.

- Each sender has a queue in the order of its nonces. One that comes early is parked until those before it have come,
  for `MAX_WAIT_BLOCKS` at most.
- Between senders, who pays more per byte goes first; at an equal price, who came first.
- The same nonce again replaces what waits if it pays a tenth more.
- A full pool makes room for who pays a tenth more per byte than the cheapest at the end of a queue. What is parked
  goes before what could be included.
- After a block only the senders are looked at whose accounts it changed.

Pure: no socket, no file, and no clock but the height. What it says of a transaction is one node's view and never part
of the state.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace

from app.execution.mempool.queue import PRICE_SCALE, SenderQueue, Waiting
from app.execution.process_transaction import check_balance
from app.execution.proposal import proposal_size_bytes
from app.messages.records import Account
from app.messages.rejections import Reason, Rejection
from app.messages.transaction import Tx
from app.primitives.address import Address
from app.primitives.amounts import format_wei

MAX_WAIT_BLOCKS = 20
"""For how many blocks parked transactions wait for the nonce before them."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """The most that waits: transactions and bytes in all, transactions and bytes of one sender, parked ones of it."""

    transactions: int = 100_000
    size_bytes: int = 64 * 1024 * 1024
    per_sender: int = 16_384
    bytes_per_sender: int = 8 * 1024 * 1024
    parked_per_sender: int = 4_096


AccountOf = Callable[[Address], Account]
_Rank = tuple[bool, int, int]
_SMALLEST_TX_BYTES = 80
_FEW = 1024


class Pool:
    """Everything that waits. `on_gone` is told of each transaction that does not any more, whatever the reason."""

    def __init__(self, limits: PoolLimits | None = None, on_gone: Callable[[Waiting], None] | None = None) -> None:
        self.limits = limits or PoolLimits()
        self._on_gone = on_gone or (lambda entry: None)
        self._queues: dict[Address, SenderQueue] = {}
        self._count = self._size_bytes = self._arrivals = 0
        self._expiries: list[tuple[int, int, Waiting]] = []
        self._gaps: list[tuple[int, Address]] = []  # when to look at a sender's gap again
        self._tails: list[tuple[_Rank, Waiting]] | None = None  # ends of queues, cheapest first; made when needed

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """The bytes of all that waits."""
        return self._size_bytes

    @property
    def senders(self) -> int:
        """How many senders have something waiting."""
        return len(self._queues)

    def __iter__(self) -> Iterator[Waiting]:
        return (entry for queue in self._queues.values() for entry in queue.entries.values())

    def next_nonce(self, sender: Address) -> int | None:
        """The nonce after those of a sender that can go into a block; None where nothing of it waits."""
        queue = self._queues.get(sender)
        return None if queue is None else queue.end

    def find(self, sender: Address, nonce: int) -> Waiting | None:
        """What waits with this nonce."""
        queue = self._queues.get(sender)
        return None if queue is None else queue.entries.get(nonce)

    # ---- coming

    def offer(
        self, raw: bytes, tx: Tx, sender: Address, account_of: AccountOf, height: int, is_local: bool = False
    ) -> Waiting:
        """Take a transaction whose envelope is in order; `height` is the first that could hold it.

        Raises:
            Rejection: ALREADY_KNOWN, NONCE_TOO_LOW, NONCE_TOO_HIGH, INSUFFICIENT_FUNDS or MEMPOOL_FULL.
        """
        queue = self._queues.get(sender)
        if queue is None:
            account = account_of(sender)
            queue = SenderQueue(sender, account.nonce, account.wei)
        body = tx.body
        entry = Waiting(
            raw, sender, body.nonce, body.fee_wei, tx.weight, body.valid_until_height, self._arrivals, is_local
        )
        replaced = queue.entries.get(entry.nonce)
        self._check_nonce(queue, entry, replaced)
        promised = queue.promised_wei - (replaced.fee_wei if replaced else 0)
        check_balance(sender, queue.wei - promised, entry.fee_wei)
        end = queue.end
        for leaving in self._make_room(queue, entry, replaced):
            self._remove(leaving)
            other = self._queues.get(leaving.sender, queue)
            if other is not queue:
                self._note_gap(other, other.end, height)
        self._insert(queue, entry)
        self._note_gap(queue, end, height)
        return entry

    def check_worth(self, fee_wei: int, size: int) -> None:
        """Refuse what a full pool would not take from anybody, before its signature is looked at.

        Raises:
            Rejection: MEMPOOL_FULL.
        """
        if self._count < self.limits.transactions and self._size_bytes + size <= self.limits.size_bytes:
            return
        cheapest = self._cheapest_tail(self._sorted_tails())
        if cheapest is None or (self._is_ready(cheapest) and fee_wei * PRICE_SCALE // size * 10 < cheapest.price * 11):
            raise self._full(cheapest)

    def _check_nonce(self, queue: SenderQueue, entry: Waiting, replaced: Waiting | None) -> None:
        if entry.nonce < queue.next_nonce:
            raise Rejection(Reason.NONCE_TOO_LOW, f"nonce {entry.nonce} is taken; {queue.end} is next")
        if replaced is not None:
            _check_replacement(entry, replaced)
            return
        ahead = entry.nonce - queue.end
        if ahead > self.limits.parked_per_sender:
            raise Rejection(
                Reason.NONCE_TOO_HIGH,
                f"nonce {entry.nonce} waits for {queue.end}; at most {self.limits.parked_per_sender} may wait, "
                f"and for {MAX_WAIT_BLOCKS} blocks",
            )

    def _make_room(self, queue: SenderQueue, entry: Waiting, replaced: Waiting | None) -> list[Waiting]:
        """What has to leave so that `entry` fits; MEMPOOL_FULL where that would be worth more."""
        leaving = [replaced] if replaced else self._make_room_of_sender(queue, entry)
        freed = sum([len(each.raw) for each in leaving])
        missing = (
            self._count + 1 - len(leaving) - self.limits.transactions,
            self._size_bytes + len(entry.raw) - freed - self.limits.size_bytes,
        )
        if missing[0] > 0 or missing[1] > 0:
            leaving += self._choose_leaving(queue, entry, *missing)
        return leaving

    def _make_room_of_sender(self, queue: SenderQueue, entry: Waiting) -> list[Waiting]:
        """The sender's last transaction, where it has to give way to one that comes before it."""
        limits, size_bytes = self.limits, queue.size_bytes + len(entry.raw)
        if len(queue.entries) < limits.per_sender and size_bytes <= limits.bytes_per_sender:
            return []
        last = queue.entries.get(queue.top)
        if last is None or last.nonce < entry.nonce or size_bytes - len(last.raw) > limits.bytes_per_sender:
            raise Rejection(
                Reason.MEMPOOL_FULL,
                f"the sender has {len(queue.entries)} transactions of {queue.size_bytes} bytes waiting; "
                f"at most {limits.per_sender} of {limits.bytes_per_sender} bytes",
            )
        return [last]

    def _choose_leaving(self, queue: SenderQueue, entry: Waiting, count: int, size_bytes: int) -> list[Waiting]:
        """The cheapest ends of other queues, one of each at most."""
        chosen: list[Waiting] = []
        tails = self._sorted_tails()
        while count > len(chosen) or size_bytes > sum([len(each.raw) for each in chosen]):
            cheapest = self._cheapest_tail(tails)
            if cheapest is None or not self._gives_way(cheapest, entry, entry.nonce <= queue.end):
                for each in chosen:
                    heappush(tails, (self._rank(each), each))
                raise self._full(cheapest)
            heappop(tails)
            if cheapest not in chosen:  # it may stand in the heap twice
                chosen.append(cheapest)
        return chosen

    def _gives_way(self, cheapest: Waiting, entry: Waiting, can_go_in: bool) -> bool:
        if cheapest.sender == entry.sender:
            return False
        if self._is_ready(cheapest) != can_go_in:
            return can_go_in
        return entry.price * 10 >= cheapest.price * 11

    def _full(self, cheapest: Waiting | None) -> Rejection:
        price = "" if cheapest is None else f"; the cheapest pays {format_wei(cheapest.fee_wei)}, outbid it by a tenth"
        return Rejection(
            Reason.MEMPOOL_FULL, f"{self._count} transactions of {self._size_bytes} bytes wait already{price}"
        )

    def _insert(self, queue: SenderQueue, entry: Waiting) -> None:
        self._queues[queue.sender] = queue
        queue.put(entry)
        self._arrivals += 1
        self._count += 1
        self._size_bytes += len(entry.raw)
        if entry.valid_until:
            heappush(self._expiries, (entry.valid_until, entry.arrived, entry))
        if self._tails is not None and queue.top == entry.nonce:
            heappush(self._tails, (self._rank(entry), entry))

    # ---- going

    def settle(self, height: int, accounts: Mapping[Address, Account]) -> None:
        """A block was committed: `accounts` are those that it changed, `height` is that of the next one."""
        self._tails = None
        for sender, account in accounts.items():
            queue = self._queues.get(sender)
            if queue is not None:
                self._renew(queue, account, height)
        self._drop_expired(height)
        self._drop_stuck(height)

    def drop_if(self, is_unfit: Callable[[Waiting], bool]) -> None:
        """Remove what does not fit any more, after a change of the rules."""
        for entry in [entry for entry in self if is_unfit(entry)]:
            self._remove(entry)

    def _renew(self, queue: SenderQueue, account: Account, height: int) -> None:
        end = queue.end
        for entry in queue.renew(account.nonce, account.wei):
            self._forget(entry)
        while queue.promised_wei > queue.wei:
            self._remove(queue.entries[queue.top])
        self._note_gap(queue, end, height)
        self._close_if_empty(queue)

    def _drop_expired(self, height: int) -> None:
        while self._expiries and (self._expiries[0][0] < height or self._expiries[0][2].is_gone):
            entry = heappop(self._expiries)[2]
            if entry.is_gone:
                continue
            queue = self._queues[entry.sender]
            end = queue.end
            self._remove(entry)
            self._note_gap(queue, end, height)
        if len(self._expiries) > 2 * self._count + _FEW:  # what is gone would keep its bytes until its height comes
            self._expiries = [item for item in self._expiries if not item[2].is_gone]
            heapify(self._expiries)

    def _drop_stuck(self, height: int) -> None:
        """Give up what has been parked for too long."""
        while self._gaps and self._gaps[0][0] <= height:
            queue = self._queues.get(heappop(self._gaps)[1])
            if queue is None:
                continue
            queue.is_watched = False
            if queue.has_gap and queue.gap_since + MAX_WAIT_BLOCKS > height:
                self._watch(queue)
            elif queue.has_gap:
                queue.gap_since = 0
                for nonce in [nonce for nonce in queue.entries if nonce >= queue.end]:
                    self._remove(queue.entries[nonce])

    def _note_gap(self, queue: SenderQueue, end_before: int, height: int) -> None:
        """The time of a gap begins when it opens, and again when it closes in part."""
        if not queue.has_gap:
            queue.gap_since = 0
        elif queue.end != end_before or not queue.gap_since:
            queue.gap_since = height
            self._watch(queue)

    def _watch(self, queue: SenderQueue) -> None:
        if not queue.is_watched:
            queue.is_watched = True
            heappush(self._gaps, (queue.gap_since + MAX_WAIT_BLOCKS, queue.sender))

    def _remove(self, entry: Waiting) -> None:
        queue = self._queues[entry.sender]
        queue.take(entry.nonce)
        self._forget(entry)
        if self._tails is not None and queue.top in queue.entries:
            last = queue.entries[queue.top]
            heappush(self._tails, (self._rank(last), last))
        self._close_if_empty(queue)

    def _forget(self, entry: Waiting) -> None:
        self._count -= 1
        self._size_bytes -= len(entry.raw)
        self._on_gone(entry)

    def _close_if_empty(self, queue: SenderQueue) -> None:
        if not queue.entries:
            self._queues.pop(queue.sender, None)

    # ---- into a block

    def choose(self, max_bytes: int, max_transactions: int) -> list[bytes]:
        """The transactions of a block, in the order in which they go into it."""
        heads = [
            (-entry.price, entry.arrived, entry, queue)
            for queue in self._queues.values()
            if (entry := queue.entries.get(queue.next_nonce)) is not None
        ]
        heapify(heads)
        chosen: list[bytes] = []
        while heads and len(chosen) < max_transactions and max_bytes >= _SMALLEST_TX_BYTES:
            _, _, entry, queue = heads[0]
            size = proposal_size_bytes(entry.raw)
            following = None
            if size <= max_bytes:
                max_bytes -= size
                chosen.append(entry.raw)
                following = queue.entries.get(entry.nonce + 1)
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (-following.price, following.arrived, following, queue))
        return chosen

    # ---- which end of a queue is the cheapest

    def _sorted_tails(self) -> list[tuple[_Rank, Waiting]]:
        if self._tails is None:
            last = [queue.entries[queue.top] for queue in self._queues.values()]
            self._tails = [(self._rank(entry), entry) for entry in last]
            heapify(self._tails)
        return self._tails

    def _cheapest_tail(self, tails: list[tuple[_Rank, Waiting]]) -> Waiting | None:
        """The first of the heap that still is the end of its queue, with the rank that it has now."""
        while tails:
            rank, entry = tails[0]
            if entry.is_gone or self._queues[entry.sender].top != entry.nonce:
                heappop(tails)
            elif rank != (current := self._rank(entry)):
                heapreplace(tails, (current, entry))
            else:
                return entry
        return None

    def _rank(self, entry: Waiting) -> _Rank:
        return self._is_ready(entry), entry.price, -entry.arrived

    def _is_ready(self, entry: Waiting) -> bool:
        return entry.nonce < self._queues[entry.sender].end


def _check_replacement(entry: Waiting, replaced: Waiting) -> None:
    if entry.raw == replaced.raw:
        raise Rejection(Reason.ALREADY_KNOWN, "the same transaction waits already")
    needed = -(-replaced.fee_wei * 11 // 10)
    if entry.fee_wei < needed:
        raise Rejection(
            Reason.NONCE_TOO_LOW,
            f"nonce {entry.nonce} is taken by another transaction; one that replaces it pays at least "
            f"{format_wei(needed)} ({needed} wei)",
        )
