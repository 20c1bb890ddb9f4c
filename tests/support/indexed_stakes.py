"""Stakes of single delegators, from events: exact fractions, where the chain holds shares.

All that is bonded towards a candidate changes in proportion: by rewards, by slashes. What was bonded in a round earns
from the next one on. The chain's shares round each stake, and whoever leaves a pool leaves with whole units: by a few
units, and not more, a stake there can differ.
"""

from dataclasses import dataclass, field
from fractions import Fraction as Exact
from math import floor
from typing import Any

from app.messages import events

WHOLE = 10**9


@dataclass
class Pool:
    """What is bonded towards one candidate, of each delegator: what earns, and what joins with the next round."""

    earning: dict[bytes, Exact] = field(default_factory=dict)
    joining: dict[bytes, Exact] = field(default_factory=dict)


class IndexedStakes:
    """The stake of everybody."""

    def __init__(self) -> None:
        self._pools: dict[bytes, Pool] = {}

    def start(self, owner: bytes, candidate: bytes, amount: int) -> None:
        """A stake of the genesis document, which earns from the first round on."""
        _add(self._pool(candidate).earning, owner, Exact(amount))

    def of(self, owner: bytes) -> Exact:
        """An account's stake."""
        return sum((p.earning.get(owner, Exact(0)) + p.joining.get(owner, Exact(0)) for p in self._all()), Exact(0))

    def apply(self, event: Any) -> None:
        """Take in one event."""
        match event:
            case events.RoundInitialized():
                self._join()
            case events.Bonded() | events.Rebonded():
                _add(self._pool(event.candidate).joining, event.delegator, Exact(event.amount))
            case events.Unbonded():
                self._take(event.delegator, event.candidate, event.amount)
            case events.BondMoved():
                self._take(event.delegator, event.from_candidate, event.amount)
                _add(self._pool(event.to_candidate).joining, event.delegator, Exact(event.amount))
            case events.RewardPaid():
                earning = self._pool(event.transcoder).earning
                _grow(earning, event.amount - event.transcoder_cut)
                _add(earning, event.transcoder, Exact(event.transcoder_cut))
            case events.StakeSlashed():
                self._slash(event)

    def _all(self) -> list[Pool]:
        return list(self._pools.values())

    def _pool(self, candidate: bytes) -> Pool:
        return self._pools.setdefault(candidate, Pool())

    def _join(self) -> None:
        for each in self._all():
            for owner, amount in each.joining.items():
                _add(each.earning, owner, amount)
            each.joining.clear()

    def _take(self, owner: bytes, candidate: bytes, amount: int) -> None:
        """Take whole units, from what joins first; of a part that is left, what is less than a unit stays there."""
        pool = self._pool(candidate)
        for part in (pool.joining, pool.earning):
            had = part.get(owner, Exact(0))
            if amount < floor(had):
                part[owner] = had - amount
                return
            part.pop(owner, None)
            _grow(part, had - floor(had))
            amount -= floor(had)

    def _slash(self, event: events.StakeSlashed) -> None:
        pool = self._pool(event.transcoder)
        total = sum(pool.earning.values()) + sum(pool.joining.values())
        if event.bonded >= total - 1 and event.bonded:
            pool.earning.clear()
            pool.joining.clear()
            return
        for part in (pool.earning, pool.joining):
            amount = sum(part.values())
            if amount:
                _grow(part, -(amount * event.fraction // WHOLE))


def _add(part: dict[bytes, Exact], owner: bytes, amount: Exact) -> None:
    part[owner] = part.get(owner, Exact(0)) + amount


def _grow(part: dict[bytes, Exact], amount: Exact | int) -> None:
    total = sum(part.values())
    if amount == 0 or total == 0:
        return
    for owner in part:
        part[owner] *= 1 + Exact(amount) / total
