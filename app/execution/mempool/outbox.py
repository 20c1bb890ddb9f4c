"""What goes to the other nodes: each transaction once, in bundles, and again when no block has held it for long.

Plain gossip, a message per transaction, stops consensus at overload, because peers take them in one by one while the
consensus messages behind them wait (measured: 544 transfers a second instead of 4,400). A bundle that came with
nothing but new members goes on as it is: CometBFT knows it by its hash and drops the copies. Anything else of a peer's
is sent on only in what it had that is new, so that nobody can make us repeat what we have sent before.
"""

from collections import deque

from app.execution.mempool.queue import Waiting
from app.messages.bundle import bundle_size, encode_bundle
from app.messages.limits import MAX_BUNDLE_MEMBERS

GOSSIP_BYTES = 60_000
"""How large a bundle becomes: 490 transfers."""

MAX_REAP_BYTES = 1024 * 1024
"""The most that is handed out at once."""

RESEND_BLOCKS = 20
"""After how many blocks a transaction of our own clients is sent again, then after twice as many, and so on: CometBFT
drops what a peer has not taken within 10 s without a word. Sooner doubles the traffic where there is most of it."""


_MAX_ENTRIES = 200_000
_MAX_WHOLE = 128
"""How much is kept for a node that never asks (`broadcast = false`): the oldest falls out."""


class Outbox:
    """What is to be handed out, and what was and still waits for a block."""

    def __init__(self) -> None:
        self._next: deque[Waiting] = deque(maxlen=_MAX_ENTRIES)
        self._whole: deque[bytes] = deque(maxlen=_MAX_WHOLE)
        self._sent: dict[int, list[Waiting]] = {}  # our clients' by the height at which they are due again
        self._counter = 0

    def put(self, entry: Waiting) -> None:
        """Hand out this one."""
        self._next.append(entry)

    def put_whole(self, bundle: bytes) -> None:
        """Hand out a peer's bundle as it came."""
        self._whole.append(bundle)

    def take(self, height: int, max_bytes: int) -> list[bytes]:
        """What to hand out now; `height` is that of the next block, `max_bytes` 0 stands for no limit of CometBFT's."""
        room = min(max_bytes or MAX_REAP_BYTES, MAX_REAP_BYTES)
        taken: list[bytes] = []
        while self._whole and len(self._whole[0]) <= room:
            taken.append(self._whole.popleft())
            room -= len(taken[-1])
        while self._next and room > 0:
            group = self._next_group(min(room, GOSSIP_BYTES))
            if group:
                taken.append(self._seal(group, height))
                room -= len(taken[-1])
                self._remember(group, height)
        return taken

    def remind(self, height: int) -> None:
        """Hand out again what was handed out long ago; `height` is that of the next block."""
        self._next.extend(entry for entry in self._sent.pop(height, ()) if not entry.is_gone)

    def _next_group(self, room: int) -> list[Waiting]:
        """As many as fit into a bundle; a single one however large it is."""
        group: list[Waiting] = []
        while self._next and len(group) < MAX_BUNDLE_MEMBERS:
            entry = self._next[0]
            if not entry.is_gone:
                room -= bundle_size(entry.raw)
                if room < 0 and group:
                    break
                group.append(entry)
            self._next.popleft()
        return group

    def _seal(self, group: list[Waiting], height: int) -> bytes:
        if len(group) == 1 and bundle_size(group[0].raw) > GOSSIP_BYTES:
            return group[0].raw
        self._counter += 1
        return encode_bundle([entry.raw for entry in group], height << 32 | self._counter & 0xFFFFFFFF)

    def _remember(self, group: list[Waiting], height: int) -> None:
        for entry in group:
            if entry.is_local:
                entry.pause = 2 * entry.pause or RESEND_BLOCKS
                self._sent.setdefault(height + entry.pause, []).append(entry)
