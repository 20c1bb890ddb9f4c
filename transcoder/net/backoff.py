"""How long to wait before trying again: pure arithmetic, so that roles and tests need no clock and no chance."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow by `factor` from `first_seconds` up to `limit_seconds`.

    Half of each delay is fixed and half is scaled by the caller's jitter: many clients of one server that failed
    together do not come back together, and none comes back at once.
    """

    first_seconds: float = 0.2
    limit_seconds: float = 10.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        if not (0 < self.first_seconds <= self.limit_seconds and self.factor >= 1):
            raise ValueError(f"{self}: 0 < first_seconds <= limit_seconds and factor >= 1 must hold")

    def delay_seconds(self, attempt: int, jitter: float) -> float:
        """The wait after failed attempt number `attempt` (from 0), for a `jitter` in 0..1."""
        if attempt < 0 or not 0 <= jitter <= 1:
            raise ValueError(f"attempt {attempt} must not be negative and jitter {jitter} must lie in 0..1")
        ceiling = self.first_seconds
        for _ in range(attempt):
            # Stepwise rather than by a power: a service that has failed for a week must not overflow.
            ceiling = min(ceiling * self.factor, self.limit_seconds)
            if ceiling == self.limit_seconds:
                break
        return ceiling * (1 + jitter) / 2
