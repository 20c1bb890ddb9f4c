"""The mempool's rules once more, as plainly as they can be said: everything is computed anew from one list."""

from dataclasses import dataclass

from app.execution.mempool.pool import MAX_WAIT_BLOCKS, PoolLimits
from app.execution.mempool.queue import PRICE_SCALE
from app.messages.rejections import Reason


@dataclass(frozen=True)
class Item:
    """A transaction as the pool sees it."""

    raw: bytes
    sender: bytes
    nonce: int
    fee: int
    valid_until: int

    @property
    def price(self):
        return self.fee * PRICE_SCALE // len(self.raw)


class NaivePool:
    """What waits, in the order of coming."""

    def __init__(self, limits: PoolLimits, accounts: dict[bytes, tuple[int, int]]):
        self.limits, self.accounts = limits, accounts
        self.items: list[Item] = []
        self.gap_since: dict[bytes, int] = {}

    def of(self, sender):
        return {item.nonce: item for item in self.items if item.sender == sender}

    def end(self, sender):
        nonce, own = self.accounts[sender][0], self.of(sender)
        while nonce in own:
            nonce += 1
        return nonce

    def is_ready(self, item):
        return item.nonce < self.end(item.sender)

    def offer(self, item: Item, height: int) -> Reason | None:
        """Take it, or say why not."""
        own, end = self.of(item.sender), self.end(item.sender)
        nonce, wei = self.accounts[item.sender]
        replaced = own.get(item.nonce)
        if item.nonce < nonce:
            return Reason.NONCE_TOO_LOW
        if replaced and replaced.raw == item.raw:
            return Reason.ALREADY_KNOWN
        if replaced and item.fee * 10 < replaced.fee * 11:
            return Reason.NONCE_TOO_LOW
        if not replaced and item.nonce > end + self.limits.parked_per_sender:
            return Reason.NONCE_TOO_HIGH
        if sum(each.fee for each in own.values() if each != replaced) + item.fee > wei:
            return Reason.INSUFFICIENT_FUNDS
        leaving = [replaced] if replaced else self._own_leaving(item, own)
        if leaving is None or not self._fill_leaving(item, leaving, item.nonce <= end):
            return Reason.MEMPOOL_FULL
        ends = {sender: self.end(sender) for sender in self.accounts}
        self.items = [each for each in self.items if each not in leaving]
        for each in leaving:
            if each.sender != item.sender:
                ends[each.sender] = self.end(each.sender)
        self.items.append(item)
        self._note_gaps(ends, height)
        return None

    def _own_leaving(self, item, own):
        size = sum(len(each.raw) for each in own.values()) + len(item.raw)
        if len(own) < self.limits.per_sender and size <= self.limits.bytes_per_sender:
            return []
        last = own[max(own)] if own else None
        if last is None or last.nonce < item.nonce or size - len(last.raw) > self.limits.bytes_per_sender:
            return None
        return [last]

    def _fill_leaving(self, item, leaving, can_go_in):
        """Add the cheapest ends of queues until the new one fits; False where one of them does not give way."""
        tails = [self.of(sender)[max(self.of(sender))] for sender in self.accounts if self.of(sender)]
        tails.sort(key=lambda each: (self.is_ready(each), each.price, -self.items.index(each)))
        while True:
            staying = [each for each in self.items if each not in leaving] + [item]
            size = sum(len(each.raw) for each in staying)
            if len(staying) <= self.limits.transactions and size <= self.limits.size_bytes:
                return True
            if not tails or tails[0].sender == item.sender:
                return False
            tail = tails.pop(0)
            same_kind = self.is_ready(tail) == can_go_in
            gives_way = item.price * 10 >= tail.price * 11 if same_kind else can_go_in
            if not gives_way:
                return False
            leaving.append(tail)

    def settle(self, changed: dict[bytes, tuple[int, int]], height: int) -> None:
        """After a block."""
        ends = {sender: self.end(sender) for sender in self.accounts}
        self.accounts |= changed
        for sender, (nonce, wei) in changed.items():
            self.items = [each for each in self.items if each.sender != sender or each.nonce >= nonce]
            while (own := self.of(sender)) and sum(each.fee for each in own.values()) > wei:
                self.items.remove(own[max(own)])
        self.items = [each for each in self.items if not each.valid_until or each.valid_until >= height]
        self._note_gaps(ends, height)
        for sender, since in list(self.gap_since.items()):
            if since + MAX_WAIT_BLOCKS <= height:
                self.items = [each for each in self.items if each.sender != sender or self.is_ready(each)]
        self._note_gaps({sender: self.end(sender) for sender in self.accounts}, height)

    def _note_gaps(self, ends_before, height):
        for sender, before in ends_before.items():
            if all(self.is_ready(each) for each in self.of(sender).values()):
                self.gap_since.pop(sender, None)
            elif self.end(sender) != before or sender not in self.gap_since:
                self.gap_since[sender] = height

    def choose(self, max_bytes: int, max_transactions: int) -> list[bytes]:
        """The best head of all queues, again and again; a sender whose next does not fit is out."""
        nexts = {sender: nonce for sender, (nonce, _) in self.accounts.items()}
        chosen: list[bytes] = []
        while len(chosen) < max_transactions:
            heads = [item for item in self.items if nexts.get(item.sender) == item.nonce]
            if not heads:
                break
            best = max(heads, key=lambda each: (each.price, -self.items.index(each)))
            size = 1 + (1 if len(best.raw) < 128 else 2) + len(best.raw)
            if size > max_bytes:
                del nexts[best.sender]
                continue
            max_bytes -= size
            chosen.append(best.raw)
            nexts[best.sender] += 1
        return chosen
