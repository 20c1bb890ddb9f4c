"""An indexer: it knows the genesis document and the events, and rebuilds every balance from them alone.

All money is somewhere: in a balance, a deposit, an escrow, a pool. Each event moves some of it from one place to
another, and `MOVES` says how; what an event mints comes from nowhere. Stakes of single delegators follow from the moves
of their pool in proportion (`tests.support.indexed_stakes`), locks from those of their batch.

`app.messages.events` says what each event means; nothing else of the chain is used here.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from app.messages import events
from app.messages.bodies import Denom
from app.messages.genesis_state import GenesisState
from tests.support.indexed_stakes import IndexedStakes

LPT, ETH = Denom.LPT, Denom.ETH
Place = tuple[Any, ...]
COMMON, ALLOCATIONS, TRANSIT, NOWHERE = ("common pool",), ("allocations",), ("transit",), ("nowhere",)
NOBODY = bytes(20)


class Move(NamedTuple):
    """Money that goes from one place to another."""

    denom: Denom
    amount: int
    source: Place
    target: Place


def account(address: bytes) -> Place:
    return ("account", address)


def deposit(address: bytes) -> Place:
    return ("deposit", address)


def escrow(job_id: int) -> Place:
    return ("escrow", job_id)


def claim(job_id: int, claim_id: int) -> Place:
    return ("claim", job_id, claim_id)


def pool(candidate: bytes) -> Place:
    return ("pool", candidate)


def pool_fees(candidate: bytes) -> Place:
    return ("fees of pool", candidate)


def own_fees(address: bytes) -> Place:
    return ("fees", address)


def batch(event: events.Unbonded | events.LockBatchSlashed) -> Place:
    return ("lock batch", event.candidate, event.liable_until, event.batch)


def proposal(proposal_id: int) -> Place:
    return ("proposal", proposal_id)


def case(dispute_id: int) -> Place:
    return ("case", dispute_id)


def verifier(address: bytes) -> Place:
    return ("verifier", address)


def _credited(known: "Indexer", event: events.FeesCredited) -> Iterable[Move]:
    if event.transcoder == NOBODY:
        return [Move(ETH, event.own, TRANSIT, COMMON)]
    owner = (account if event.to_balance else own_fees)(event.transcoder)
    return [
        Move(ETH, event.delegators, TRANSIT, pool_fees(event.transcoder)),
        Move(ETH, event.own, TRANSIT, owner),
    ]


def _slashed(known: "Indexer", event: events.StakeSlashed) -> Iterable[Move]:
    # what was unbonding came through `LockBatchSlashed`, one for each batch; what finders get goes on with `FinderPaid`
    return [
        Move(LPT, event.bonded, pool(event.transcoder), TRANSIT),
        Move(LPT, event.bonded + event.unbonding - event.finder_fee, TRANSIT, COMMON),
    ]


MOVES: dict[type, Callable[[Any, Any], Iterable[Move]]] = {
    events.TransferEvent: lambda k, e: [Move(e.denom, e.amount, account(e.sender), account(e.recipient))],
    events.FeePaid: lambda k, e: [Move(ETH, e.amount, account(e.payer), TRANSIT)],
    events.FeesCredited: _credited,
    events.FeesCollected: lambda k, e: [Move(ETH, e.amount, pool_fees(e.candidate), own_fees(e.delegator))],
    events.FeesLeftOver: lambda k, e: [Move(ETH, e.amount, pool_fees(e.candidate), COMMON)],
    events.Bonded: lambda k, e: [Move(LPT, e.amount, account(e.delegator), pool(e.candidate))],
    events.BondMoved: lambda k, e: [Move(LPT, e.amount, pool(e.from_candidate), pool(e.to_candidate))],
    events.Unbonded: lambda k, e: [Move(LPT, e.amount, pool(e.candidate), batch(e))],
    events.Rebonded: lambda k, e: [Move(LPT, e.amount, k.locks[e.delegator, e.lock_id].place, pool(e.candidate))],
    events.LockWithdrawn: lambda k, e: [
        Move(LPT, e.amount, k.locks[e.delegator, e.lock_id].place, account(e.delegator))
    ],
    events.LockBatchSlashed: lambda k, e: [Move(LPT, e.amount, batch(e), TRANSIT)],
    events.StakeSlashed: _slashed,
    events.FinderPaid: lambda k, e: [Move(LPT, e.amount, TRANSIT, account(e.finder))],
    events.RewardPaid: lambda k, e: [Move(LPT, e.amount, NOWHERE, pool(e.transcoder))],
    events.Deposited: lambda k, e: [Move(ETH, e.amount, account(e.account), deposit(e.account))],
    events.Withdrawn: lambda k, e: [
        Move(ETH, e.deposit, deposit(e.account), account(e.account)),
        Move(ETH, e.fees, own_fees(e.account), account(e.account)),
    ],
    events.JobCreated: lambda k, e: [Move(ETH, e.escrow, deposit(e.broadcaster), escrow(e.job_id))],
    events.JobClosed: lambda k, e: [Move(ETH, e.returned, escrow(e.job_id), deposit(k.broadcasters[e.job_id]))],
    events.WorkClaimed: lambda k, e: [
        Move(ETH, e.from_escrow, escrow(e.job_id), claim(e.job_id, e.claim_id)),
        Move(ETH, e.from_deposit, deposit(k.broadcasters[e.job_id]), claim(e.job_id, e.claim_id)),
    ],
    events.VerifierRegistered: lambda k, e: [Move(LPT, e.bond, account(e.verifier), verifier(e.verifier))],
    events.VerifierPaid: lambda k, e: [Move(ETH, e.amount, claim(e.job_id, e.claim_id), account(e.verifier))],
    events.VerifierSlashed: lambda k, e: [Move(LPT, e.amount, verifier(e.verifier), COMMON)],
    events.ClaimPaid: lambda k, e: [Move(ETH, e.amount, claim(e.job_id, e.claim_id), TRANSIT)],
    events.ClaimRefunded: lambda k, e: [Move(ETH, e.amount, claim(e.job_id, e.claim_id), deposit(e.broadcaster))],
    events.ProposalMade: lambda k, e: [Move(LPT, e.deposit, account(e.proposer), proposal(e.proposal_id))],
    events.ProposalDepositReturned: lambda k, e: [Move(LPT, e.amount, proposal(e.proposal_id), account(e.proposer))],
    events.ProposalDepositLost: lambda k, e: [Move(LPT, e.amount, proposal(e.proposal_id), COMMON)],
    events.CommonPoolSpent: lambda k, e: [
        Move(LPT, e.lpt, COMMON, account(e.recipient)),
        Move(ETH, e.wei, COMMON, account(e.recipient)),
    ],
    events.CommonPoolBurned: lambda k, e: [Move(LPT, e.amount, COMMON, NOWHERE)],
    events.SegmentChallenged: lambda k, e: [Move(LPT, e.bond, account(e.challenger), case(e.dispute_id))],
    events.ChallengeSettled: lambda k, e: [
        Move(LPT, e.bond, case(e.dispute_id), account(e.challenger) if e.returned else COMMON)
    ],
    events.AllocationClaimed: lambda k, e: [Move(LPT, e.amount, ALLOCATIONS, account(e.account))],
    events.AllocationsExpired: lambda k, e: [Move(LPT, e.amount, ALLOCATIONS, COMMON)],
}
"""What each event moves. An event that moves money and does not stand here would leave a difference."""


class IndexedLock(NamedTuple):
    """Where the stake of a lock lies, and its part of that place."""

    place: Place
    principal: int


class Indexer:
    """Every balance, from events.

    Attributes:
        held: what lies where, by denomination and place.
        minted, burned: of LPT, since genesis.
        kinds: of the events that have moved something.
        stakes: of each delegator, exactly, as far as a stake is a part of its pool.
    """

    def __init__(self, genesis: GenesisState) -> None:
        self.held: dict[tuple[Denom, Place], int] = defaultdict(int)
        self.broadcasters: dict[int, bytes] = {}
        self.locks: dict[tuple[bytes, int], IndexedLock] = {}
        self.principals: dict[Place, int] = defaultdict(int)
        self.stakes = IndexedStakes()
        self.minted = self.burned = 0
        self.kinds: set[type] = set()
        for each in genesis.accounts:
            self._put(LPT, account(each.address), each.lpt)
            self._put(ETH, account(each.address), each.wei)
        stakes = [(each.address, each.address, each.stake) for each in genesis.transcoders]
        for owner, candidate, amount in [*stakes, *((b.delegator, b.candidate, b.amount) for b in genesis.bonds)]:
            self._put(LPT, pool(candidate), amount)
            self.stakes.start(owner, candidate, amount)
        if genesis.allocations is not None:
            self._put(LPT, ALLOCATIONS, genesis.allocations.total)

    def apply(self, told: Iterable[Any]) -> None:
        """Take in the events of a block: its own, then those of its transactions in their order."""
        for event in told:
            self._remember(event)
            for move in MOVES.get(type(event), _no_moves)(self, event):
                self._move(move)
                if move.amount and move.source != move.target:
                    self.kinds.add(type(event))
            self.stakes.apply(event)
            self._forget(event)
        assert not any(amount for (_, place), amount in self.held.items() if place == TRANSIT), "money under way"

    def balances(self) -> dict[tuple[Denom, Place], int]:
        """What lies where."""
        return {where: amount for where, amount in self.held.items() if amount}

    def total(self, denom: Denom, kind: str = "") -> int:
        """All there is of a denomination, or all in places of one kind."""
        return sum(v for (found, place), v in self.held.items() if found is denom and kind in ("", place[0]))

    def lock_value(self, owner: bytes, lock_id: int) -> int:
        """What a lock is worth: its part of its batch, rounded down."""
        lock = self.locks[owner, lock_id]
        return lock.principal * self.held[LPT, lock.place] // self.principals[lock.place]

    def _move(self, move: Move) -> None:
        self.minted += move.amount * (move.source == NOWHERE)
        self.burned += move.amount * (move.target == NOWHERE)
        self._put(move.denom, move.source, -move.amount)
        self._put(move.denom, move.target, move.amount)

    def _put(self, denom: Denom, place: Place, amount: int) -> None:
        if place != NOWHERE:
            self.held[denom, place] += amount

    def _remember(self, event: Any) -> None:
        match event:
            case events.JobCreated():
                self.broadcasters[event.job_id] = event.broadcaster
            case events.Unbonded():
                place = batch(event)
                self.locks[event.delegator, event.lock_id] = IndexedLock(place, event.amount)
                self.principals[place] += event.amount

    def _forget(self, event: Any) -> None:
        if isinstance(event, events.Rebonded | events.LockWithdrawn):
            lock = self.locks.pop((event.delegator, event.lock_id))
            self.principals[lock.place] -= lock.principal


def _no_moves(indexer: Indexer, event: Any) -> Iterable[Move]:
    return ()
