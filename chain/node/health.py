"""Is the node alive, or does it only look so?

CometBFT answers /health and /status cheerfully while its application hangs inside FinalizeBlock, so what counts is the
height. But a height that stands still is no proof: a validator that waits for the others' votes stands still as well,
and must not be killed. A node is *stalled* when, for `stall_seconds`,

- nothing moved: neither the block height, nor the application's height, nor consensus (its height, round and step), and
- it did not answer everything it was asked: /status, /abci_info (which the application answers) and /consensus_state
  (which CometBFT cannot answer while consensus waits inside a call to the application), or the block store is a block
  ahead of the application, which means that a decided block is not getting executed.

A node that answers all three and waits is *waiting*. While rounds change, consensus is alive by that alone.
Before the RPC is up, CometBFT replays blocks into the application and writes a line for each: then a start that writes
nothing to either log for `stall_seconds` is stalled.
"""

from dataclasses import dataclass, field
from enum import Enum

from chain.rpc.types import ConsensusStep


class Health(Enum):
    """What an observer can say of a node."""

    STARTING = "starting"
    ADVANCING = "advancing"
    WAITING = "waiting for other validators"
    SYNCING = "catching up"
    UNRESPONSIVE = "not answering"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class Observation:
    """What one look at a node gave; None stands for a question that was not answered in time.

    `log_bytes` is the size of both logs together: it only counts before the RPC is up.
    """

    block_height: int | None
    app_height: int | None
    consensus: ConsensusStep | None
    catching_up: bool
    log_bytes: int

    @property
    def answered_all(self) -> bool:
        """Whether every question got its answer."""
        return None not in (self.block_height, self.app_height, self.consensus)

    @property
    def executing(self) -> bool:
        """Whether the block store is ahead of the application: a block is decided and not yet executed."""
        return self.block_height is not None and self.app_height is not None and self.block_height > self.app_height


@dataclass(slots=True)
class HealthWatch:
    """Judges a series of observations. It has no clock: `observe` is told the time (seconds, monotonic)."""

    stall_seconds: float
    started: float
    health: Health = Health.STARTING
    highest_block: int = 0
    _answered_once: bool = False
    _last_move: float = field(init=False)
    _last_mark: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self._last_move = self.started

    def observe(self, seen: Observation, now: float) -> Health:
        """Take an observation into account and say how the node is."""
        advanced = seen.block_height is not None and seen.block_height > self.highest_block
        self.highest_block = max(self.highest_block, seen.block_height or 0)
        self._answered_once = self._answered_once or seen.block_height is not None
        mark = self._mark(seen)
        if mark != self._last_mark:
            self._last_mark, self._last_move = mark, now
        self.health = self._judge(seen, advanced, now - self._last_move)
        return self.health

    def _mark(self, seen: Observation) -> tuple[object, ...]:
        """What has to change for the node to count as moving. Unanswered questions keep their old place."""
        if not self._answered_once:
            return (seen.log_bytes,)
        known = (seen.block_height, seen.app_height, seen.consensus)
        old = self._last_mark if len(self._last_mark) == len(known) else (None,) * len(known)
        return tuple(before if new is None else new for new, before in zip(known, old, strict=True))

    def _judge(self, seen: Observation, advanced: bool, still: float) -> Health:
        suspicious = not seen.answered_all or seen.executing
        if suspicious and still >= self.stall_seconds:
            return Health.STALLED
        if not self._answered_once:
            return Health.STARTING
        if seen.block_height is None:
            return Health.UNRESPONSIVE
        if seen.catching_up:
            return Health.SYNCING
        if advanced or still < self.stall_seconds:
            return Health.ADVANCING
        return Health.WAITING
