"""The records of stake and of allocations (`app.messages.records` has all of them)."""

from dataclasses import dataclass

from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round, Wei
from app.primitives.hashing import Hash32


@dataclass(frozen=True, slots=True)
class DelegationPool:
    """What is bonded towards one candidate (stake).

    Attributes:
        stake: what earns in the running round; belongs to the holders of `shares` in proportion.
        fee_factor: fees per share since ever, over `stake.FEE_SCALE`.
        fees: fees of delegators that they have not collected.
        joining_round, joining_stake, joining_shares: the bonds made in one round; they earn from the next round on.
        era: how often a slash has left nothing; shares of earlier eras are worth nothing.
    """

    stake: Lpt
    shares: int
    fee_factor: int
    fees: Wei
    joining_round: Round
    joining_stake: Lpt
    joining_shares: int
    era: int = 0


@dataclass(frozen=True, slots=True)
class EndedEra:
    """What a pool was when a slash left nothing of it; its fees are still their owners' (stake).

    Attributes:
        round: in which it ended; bonds that joined in this round never earned.
        fee_factor, fees: as the pool's.
        shares, joining_shares: void, and held by those who have not collected since.
    """

    round: Round
    fee_factor: int
    fees: Wei
    shares: int
    joining_shares: int


@dataclass(frozen=True, slots=True)
class JoinedBucket:
    """The bonds of one round after they became shares (stake).

    Attributes:
        joining_shares, shares: so many joining shares became so many shares.
        fee_factor: from which on they collect fees.
        unclaimed: joining shares whose holders have not taken their shares yet.
    """

    joining_shares: int
    shares: int
    fee_factor: int
    unclaimed: int


@dataclass(frozen=True, slots=True)
class Delegator:
    """One account's bond (stake).

    Attributes:
        candidate: towards whom it is bonded.
        shares, fee_factor: its part of the candidate's pool, and the fee factor up to which it has collected.
        joining_round, joining_shares: its part of the bonds of that round.
        fees: collected, to be withdrawn.
        era: of the candidate's pool, to which the shares belong.
        locks, next_lock_id: how many locks it has, and the number of its next one.
        unsaved_round: the first round in which a change has to save what it held as that round began (holdings).
    """

    candidate: Address
    shares: int
    fee_factor: int
    joining_round: Round
    joining_shares: int
    fees: Wei
    era: int = 0
    locks: int = 0
    next_lock_id: int = 1
    unsaved_round: Round = Round(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account held as a round began, written down when it first changed in that round (holdings)."""

    candidate: Address
    era: int
    shares: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Stake on its way out (locks).

    Attributes:
        candidate: towards whom it was bonded; `liable_until` and `batch` say in which of its batches the stake is.
        principal: what was unbonded; worth its part of the batch, less where that was slashed.
        liable_until: the last height whose offences can reach it.
        release_height: from which on it can be withdrawn.
    """

    candidate: Address
    liable_until: Height
    batch: int
    principal: Lpt
    release_height: Height


@dataclass(frozen=True, slots=True)
class LockBatch:
    """The locks of one round that were slashed alike, if at all: their principals, and what is left (locks)."""

    principal: Lpt
    stake: Lpt


@dataclass(frozen=True, slots=True)
class Allocations:
    """What the genesis document allocates to those who claim it (allocations).

    Attributes:
        count, total, root: of the document.
        claimed: how many have been.
        unclaimed: what is left to claim; nothing once it has expired.
        start_height: of the chain; the time to claim runs from here.
        expired_height: when what was left went to the CommonPool; 0 before.
    """

    count: int
    total: Lpt
    root: Hash32
    claimed: int
    unclaimed: Lpt
    start_height: Height
    expired_height: Height = Height(0)


@dataclass(frozen=True, slots=True)
class AllocationBits:
    """Which allocations of one group have been claimed: bit i stands for the i-th of them (allocations)."""

    bits: int
