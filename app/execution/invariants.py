"""What must always hold (protocol.md, section 12): one list for tests, simulations and a node with --check-invariants.

Each check walks the tables it needs, so that all of them cost time in proportion to the state.
"""

from collections.abc import Callable

from app.messages.records import ChallengeStatus, ClaimStatus, JobStatus
from app.primitives.amounts import UNITS_PER_TOKEN
from app.protocol.stake import get_pending_fees, get_stake, get_total_stake
from app.state.tables import (
    ACCOUNTS,
    ACTIVE,
    CANDIDATES_BY_PRICE,
    CANDIDATES_BY_STAKE,
    CHALLENGES,
    CLAIMED_RANGES,
    CLAIMS,
    COMMON_POOL,
    DELEGATORS,
    DEPOSITS,
    JOBS,
    JOINED,
    OPEN_JOBS,
    POOLS,
    ROUND,
    SUPPLY,
    TOTALS,
    TRANSCODERS,
    VALIDATORS,
    VERIFIERS,
    WAITING_JOBS,
    ReadState,
)


class InvariantBroken(AssertionError):
    """The state contradicts itself: a bug of ours. The text names the invariant and the numbers."""


def find_broken(state: ReadState) -> list[str]:
    """One text for each invariant that does not hold; empty on a sound state."""
    return [f"{name}: {text}" for name, check in INVARIANTS.items() if (text := check(state))]


def require_sound(state: ReadState) -> None:
    """Stop where an invariant is broken.

    Raises:
        InvariantBroken: naming all that are.
    """
    broken = find_broken(state)
    if broken:
        raise InvariantBroken("; ".join(broken))


def _lpt_supply(state: ReadState) -> str:
    supply, totals = SUPPLY.read(state), TOTALS.read(state)
    balances = sum(account.lpt for _, account in ACCOUNTS.items(state))
    found = balances + totals.bonded + totals.verifier_bonds + COMMON_POOL.read(state).lpt
    return _difference(supply.lpt, found, "balances + bonded + verifier bonds + CommonPool")


def _wei_total(state: ReadState) -> str:
    held = sum(account.wei for _, account in ACCOUNTS.items(state)) + COMMON_POOL.read(state).wei
    held += sum(deposit.amount for _, deposit in DEPOSITS.items(state)) + sum(
        job.escrow for _, job in JOBS.items(state)
    )
    held += sum(claim.fee + claim.verification_fee for _, claim in CLAIMS.items(state))
    held += sum(pool.fees for _, pool in POOLS.items(state)) + sum(d.fees for _, d in DELEGATORS.items(state))
    return _difference(SUPPLY.read(state).wei, held, "balances, deposits, escrows, claims, fees and CommonPool")


def _bonded_total(state: ReadState) -> str:
    pools = sum(pool.stake + pool.joining_stake for _, pool in POOLS.items(state))
    return _difference(TOTALS.read(state).bonded, pools, "the sum of all pools")


def _verifier_bonds(state: ReadState) -> str:
    bonds = sum(verifier.bond for _, verifier in VERIFIERS.items(state))
    return _difference(TOTALS.read(state).verifier_bonds, bonds, "the sum of all verifiers' bonds")


def _delegator_stakes(state: ReadState) -> str:
    sums: dict[bytes, list[int]] = {}
    for (address,), delegator in DELEGATORS.items(state):
        entry = sums.setdefault(delegator.candidate, [0, 0])
        entry[0] += get_stake(state, address)
        entry[1] += (delegator.shares > 0) + (delegator.joining_shares > 0)
    for (candidate,), _ in POOLS.items(state):
        held, parts = sums.get(candidate, [0, 0])
        total = get_total_stake(state, candidate)
        if not 0 <= total - held < max(parts, 1):
            return f"stakes towards 0x{candidate.hex()} sum up to {held}, its pool has {total}, {parts} holders"
    return ""


def _shares(state: ReadState) -> str:
    held: dict[bytes, list[int]] = {}
    unclaimed: dict[tuple[bytes, int], int] = {}
    for _, delegator in DELEGATORS.items(state):
        entry = held.setdefault(delegator.candidate, [0, 0])
        bucket = JOINED.get(state, delegator.candidate, delegator.joining_round) if delegator.joining_shares else None
        entry[0] += delegator.shares
        if bucket is None:
            entry[1] += delegator.joining_shares
            continue
        entry[0] += delegator.joining_shares * (bucket.shares // bucket.joining_shares)
        key = (delegator.candidate, delegator.joining_round)
        unclaimed[key] = unclaimed.get(key, 0) + delegator.joining_shares
    for (candidate,), pool in POOLS.items(state):
        found, shares = held.get(candidate, [0, 0]), [pool.shares, pool.joining_shares]
        if found != shares or (pool.stake == 0) != (pool.shares == 0):
            return f"0x{candidate.hex()} has shares {shares} over {pool.stake}, its delegators have {found}"
    buckets = {key: bucket.unclaimed for key, bucket in JOINED.items(state)}
    return "" if buckets == unclaimed else f"{buckets} is unclaimed in buckets, delegators could claim {unclaimed}"


def _uncollected_fees(state: ReadState) -> str:
    owed: dict[bytes, int] = {}
    for (address,), delegator in DELEGATORS.items(state):
        uncollected = get_pending_fees(state, address) - delegator.fees
        owed[delegator.candidate] = owed.get(delegator.candidate, 0) + uncollected
    for (candidate,), pool in POOLS.items(state):
        if owed.get(candidate, 0) > pool.fees:
            return f"0x{candidate.hex()} owes fees of {owed[candidate]} and has {pool.fees}"
    return ""


def _candidate_order(state: ReadState) -> str:
    ranked = [address for _, address in CANDIDATES_BY_STAKE.keys(state)]
    registered = {address: get_total_stake(state, address) for (address,), _ in TRANSCODERS.items(state)}
    expected = sorted(registered, key=lambda address: (-registered[address], address))
    return "" if ranked == expected else "the order by stake is not the order of the stakes"


def _price_order(state: ReadState) -> str:
    prices = sorted((t.next_rates.price_per_segment, address) for (address,), t in TRANSCODERS.items(state))
    return "" if prices == list(CANDIDATES_BY_PRICE.keys(state)) else "the order by price is not that of the prices"


def _active_stake(state: ReadState) -> str:
    locked = sum(active.stake for _, active in ACTIVE.items(state))
    return _difference(ROUND.read(state).active_stake, locked, "the sum of all locked stakes")


def _validator_power(state: ReadState) -> str:
    powers = {validator.operator: validator.power for _, validator in VALIDATORS.items(state)}
    for (address,), active in ACTIVE.items(state):
        # Where an election left no validator the last set stays, so that the drawn one may have an older power.
        power = 0 if active.from_waitlist else active.stake // UNITS_PER_TOKEN
        if power and powers.get(address, power) != power:
            return f"0x{address.hex()} has a power of {powers[address]} and a stake of {active.stake}"
    return "" if powers else "there is no validator"


def _claimed_once(state: ReadState) -> str:
    last_job, last_end = -1, -1
    for (job_id, first), claimed in CLAIMED_RANGES.items(state):
        if job_id == last_job and first <= last_end:
            return f"segment {first} of job {job_id} is claimed twice"
        last_job, last_end = job_id, claimed.last
    return ""


def _open_jobs(state: ReadState) -> str:
    jobs = [(key[0], job) for key, job in JOBS.items(state)]
    waiting = [job_id for job_id, job in jobs if job.status is JobStatus.WAITING]
    if waiting != [job_id for (job_id,) in WAITING_JOBS.keys(state)]:
        return f"the jobs that wait are {waiting}"
    still_open = sorted((job.broadcaster, job_id) for job_id, job in jobs if job.status <= JobStatus.ASSIGNED)
    return "" if still_open == list(OPEN_JOBS.keys(state)) else f"{still_open} are the open jobs"


def _escrows(state: ReadState) -> str:
    for (job_id,), job in JOBS.items(state):
        if job.status is JobStatus.CLOSED and job.escrow:
            return f"job {job_id} is closed and holds {job.escrow} wei"
    for place, claim in CLAIMS.items(state):
        held = claim.fee + claim.verification_fee
        settled = claim.status is ClaimStatus.PAID or (
            claim.status is ClaimStatus.MISSED and claim.open_challenges == 0
        )
        if settled != (held == 0):
            return f"claim {place} is {claim.status.name.lower()} and holds {held} wei"
    return ""


def _open_challenges(state: ReadState) -> str:
    judged = (ChallengeStatus.VERIFIED, ChallengeStatus.DISPUTED, ChallengeStatus.MISSED)
    counts: dict[tuple[int, int], int] = {}
    for (job_id, claim_id, _), challenge in CHALLENGES.items(state):
        counts[job_id, claim_id] = counts.get((job_id, claim_id), 0) + (challenge.status not in judged)
    for place, claim in CLAIMS.items(state):
        if claim.open_challenges != counts.get(place, 0):
            return f"claim {place} counts {claim.open_challenges} open challenges, there are {counts.get(place, 0)}"
    return ""


def _difference(expected: int, found: int, what: str) -> str:
    return "" if expected == found else f"{expected} is recorded, {what} give {found}"


INVARIANTS: dict[str, Callable[[ReadState], str]] = {
    "LPT supply": _lpt_supply,
    "ETH total": _wei_total,
    "bonded total": _bonded_total,
    "verifier bonds": _verifier_bonds,
    "delegator stakes": _delegator_stakes,
    "shares": _shares,
    "uncollected fees": _uncollected_fees,
    "candidate order": _candidate_order,
    "price order": _price_order,
    "active stake": _active_stake,
    "validator power": _validator_power,
    "claimed once": _claimed_once,
    "open jobs": _open_jobs,
    "escrows": _escrows,
    "open challenges": _open_challenges,
}
