"""How many transactions our block may hold, so that blocks keep coming at their interval.

A backlog would else make blocks of tens of thousands: they take longer than consensus waits, a round is lost, the
backlog grows. What a block costs depends on the machines, so it is learned: the time of an empty block is the shortest
seen of late, and where full blocks take twice as long, they become smaller. Times are those of block headers.
"""

FIRST_LIMIT = 10_000
MIN_LIMIT = 1_000
MAX_LIMIT = 40_000
STEP_PERCENT = 20
"""By how much the limit changes after a block that was full."""


class Pace:
    """The limit, and the times it is learned from; milliseconds."""

    def __init__(self) -> None:
        self.limit = FIRST_LIMIT
        self._last_time = 0
        self._quiet = 0  # how long a block takes that holds little
        self._before = 0  # how many transactions the block before held

    def observe(self, time_ms: int, transactions: int) -> None:
        """A block with this time in its header holds so many transactions."""
        took = time_ms - self._last_time if self._last_time else 0
        full = max(transactions, self._before)
        self._last_time, self._before = time_ms, transactions
        if took <= 0:
            return
        if full * 10 < self.limit:
            # One interval in a row of many: a late one must not stay the measure for ever.
            self._quiet = min(took, self._quiet + self._quiet // 50 + 1) if self._quiet else took
        elif self._quiet and full * 10 >= self.limit * 9:
            self._adapt(took)

    def _adapt(self, took: int) -> None:
        if took > 2 * self._quiet:
            self.limit = max(MIN_LIMIT, self.limit * (100 - STEP_PERCENT) // 100)
        elif took * 2 < 3 * self._quiet:
            self.limit = min(MAX_LIMIT, self.limit * (100 + STEP_PERCENT) // 100)
