"""One sender's transactions that wait, by nonce."""

from dataclasses import dataclass

from app.primitives.address import Address

PRICE_SCALE = 2**20


@dataclass(slots=True, eq=False)
class Waiting:
    """One transaction that waits for a block.

    Attributes:
        price: its fee per byte, in wei for 2^20 bytes.
        weight: the work of its messages, as `compute_min_fee` counts it.
        valid_until: the last height that may hold it; 0 for no end.
        arrived: in which place it came; earlier goes first at an equal price.
        is_local: it came from a client of this node, which was told that it is accepted.
        is_gone: it does not wait any more.
        pause: for how many blocks it may wait before it is sent to the peers again.
    """

    raw: bytes
    sender: Address
    nonce: int
    fee_wei: int
    weight: int
    valid_until: int
    arrived: int
    is_local: bool
    price: int = 0
    is_gone: bool = False
    pause: int = 0

    def __post_init__(self) -> None:
        self.price = self.fee_wei * PRICE_SCALE // len(self.raw)


class SenderQueue:
    """What one sender has waiting. Those from `next_nonce` up to `end` can go into the next block; later ones are
    parked: they wait for a nonce that has not come."""

    __slots__ = (
        *("end", "entries", "gap_since", "is_watched", "next_nonce"),
        *("promised_wei", "sender", "size_bytes", "top", "wei"),
    )

    def __init__(self, sender: Address, nonce: int, wei: int) -> None:
        self.sender = sender
        self.next_nonce = self.end = nonce
        self.wei = wei
        self.promised_wei = 0
        self.size_bytes = 0
        self.entries: dict[int, Waiting] = {}
        self.top = nonce - 1
        """The highest nonce here; one below the next where none waits."""
        self.gap_since = 0
        """The height at which the first missing nonce began to be missed; 0 where none is."""
        self.is_watched = False
        """Whether the pool will look at the gap again."""

    @property
    def has_gap(self) -> bool:
        """Whether some are parked."""
        return self.top >= self.end

    def put(self, entry: Waiting) -> None:
        """Add an entry at a nonce that is free."""
        self.entries[entry.nonce] = entry
        self.promised_wei += entry.fee_wei
        self.size_bytes += len(entry.raw)
        self.top = max(self.top, entry.nonce)
        while self.end in self.entries:
            self.end += 1

    def take(self, nonce: int) -> Waiting:
        """Remove the entry with this nonce, which is there; those behind it may become parked."""
        entry = self.entries.pop(nonce)
        entry.is_gone = True
        self.promised_wei -= entry.fee_wei
        self.size_bytes -= len(entry.raw)
        self.end = min(self.end, max(nonce, self.next_nonce))
        if nonce == self.top:
            self.top = self.end - 1 if self.end == nonce else max(self.entries, default=self.next_nonce - 1)
        return entry

    def renew(self, nonce: int, wei: int) -> list[Waiting]:
        """Take over what the state now says of the sender; the entries whose nonce it has used up."""
        used = range(self.next_nonce, nonce)
        self.wei = wei
        taken = [self.take(each) for each in used if each in self.entries]
        if nonce != self.next_nonce:
            self.next_nonce = nonce
            self.top = max(self.entries, default=nonce - 1)
            self.end = max(self.end, nonce)
            while self.end in self.entries:
                self.end += 1
        return taken
