"""What must always hold (protocol.md, section 12): one list for tests, simulations and a node with --check-invariants.

Each check walks the tables it needs, so that all of them cost time in proportion to the state.
"""

from collections.abc import Callable

from app.messages.records import (
    ChallengeStatus,
    ClaimStatus,
    CourtOutcome,
    Delegator,
    Elector,
    JobStatus,
    JoinedBucket,
    ProposalStatus,
    Supply,
)
from app.protocol.allocations import GROUP_SIZE
from app.protocol.claims import is_lost
from app.protocol.clock import DueKind
from app.protocol.environment import NOBODY
from app.protocol.governance.electorate import get_elector
from app.protocol.locks import get_lock_value
from app.protocol.stake import get_candidate, get_holding, get_pending_fees, get_stake, get_total_stake
from app.protocol.transcoders import consensus_address, is_candidate, is_electable
from app.protocol.validators import get_elected_validators
from app.state.tables import (
    ACCOUNTS,
    ACTIVE,
    ALLOCATIONS,
    ATTESTATIONS,
    BALLOTS,
    CANDIDATES_BY_PRICE,
    CANDIDATES_BY_STAKE,
    CHALLENGES,
    CLAIMED_ALLOCATIONS,
    CLAIMED_RANGES,
    CLAIMS,
    COMMON_POOL,
    CONSENSUS_KEYS,
    DELEGATORS,
    DEPOSITS,
    DISPUTES,
    DUE,
    ELECTORS,
    ENDED_ERAS,
    JOBS,
    JOINED,
    LOCK_BATCHES,
    LOCKS,
    OPEN_CHALLENGES,
    OPEN_DISPUTES,
    OPEN_JOBS,
    PARAMS,
    POOLS,
    PROPOSALS,
    ROUND,
    SUPPLY,
    TOTALS,
    TRANSCODERS,
    VALIDATORS,
    VERIFIERS,
    VOTES,
    VOTING_ROUNDS,
    WAITING_JOBS,
    ReadState,
)


class InvariantBroken(AssertionError):
    """The state contradicts itself: a bug of ours. The text names the invariant and the numbers."""


def find_broken(state: ReadState) -> list[str]:
    """One text for each invariant that does not hold; empty on a sound state."""
    return [f"{name}: {text}" for name, check in INVARIANTS.items() if (text := check(state))]


def require_sound(state: ReadState, last: ReadState | None = None) -> None:
    """Stop where an invariant is broken, or where money has come or gone since the last state.

    Raises:
        InvariantBroken: naming all that are.
    """
    broken = find_broken(state)
    if last is not None and (text := find_unconserved(SUPPLY.read(last), SUPPLY.read(state))):
        broken.append(text)
    if broken:
        raise InvariantBroken("; ".join(broken))


def find_unconserved(last: Supply, supply: Supply) -> str:
    """What of a change of the supply is not explained by what was minted and burned; wei never changes."""
    explained = last.lpt + (supply.minted - last.minted) - (supply.burned - last.burned)
    if supply.minted < last.minted or supply.burned < last.burned or supply.lpt != explained:
        return f"LPT supply: {supply} follows {last}; what was minted and burned gives {explained}"
    return _difference(last.wei, supply.wei, "ETH total: this block's")


def _lpt_supply(state: ReadState) -> str:
    supply, totals = SUPPLY.read(state), TOTALS.read(state)
    balances = sum(account.lpt for _, account in ACCOUNTS.items(state))
    allocations = ALLOCATIONS.get(state)
    unclaimed = 0 if allocations is None else allocations.unclaimed
    found = balances + totals.bonded + totals.unbonding + totals.verifier_bonds + totals.proposal_deposits
    found += COMMON_POOL.read(state).lpt + unclaimed + totals.challenge_bonds
    what = "balances + bonded + unbonding + bonds + deposits of proposals + CommonPool + allocations"
    return _difference(supply.lpt, found, what)


def _allocations(state: ReadState) -> str:
    allocations = ALLOCATIONS.get(state)
    bits = {number: group.bits for (number,), group in CLAIMED_ALLOCATIONS.items(state)}
    claimed = sum(group.bit_count() for group in bits.values())
    if allocations is None:
        return f"{claimed} allocations are claimed, the chain has none" if bits else ""
    highest = max((GROUP_SIZE * number + group.bit_length() for number, group in bits.items()), default=0)
    if claimed != allocations.claimed or highest > allocations.count:
        return f"{allocations.claimed} of {allocations.count} are claimed, the bits say {claimed}, up to {highest}"
    if allocations.expired_height and allocations.unclaimed:
        return f"{allocations.unclaimed} are unclaimed and have expired"
    return "" if allocations.unclaimed <= allocations.total else f"{allocations.unclaimed} of {allocations.total}"


def _wei_total(state: ReadState) -> str:
    held = sum(account.wei for _, account in ACCOUNTS.items(state)) + COMMON_POOL.read(state).wei
    held += sum(deposit.amount for _, deposit in DEPOSITS.items(state)) + sum(
        job.escrow for _, job in JOBS.items(state)
    )
    held += sum(claim.fee + claim.verification_fee for _, claim in CLAIMS.items(state))
    held += sum(era.fees for _, era in ENDED_ERAS.items(state))
    held += sum(pool.fees for _, pool in POOLS.items(state)) + sum(d.fees for _, d in DELEGATORS.items(state))
    return _difference(SUPPLY.read(state).wei, held, "balances, deposits, escrows, claims, fees and CommonPool")


def _bonded_total(state: ReadState) -> str:
    pools = sum(pool.stake + pool.joining_stake for _, pool in POOLS.items(state))
    return _difference(TOTALS.read(state).bonded, pools, "the sum of all pools")


def _unbonding_total(state: ReadState) -> str:
    batches = sum(batch.stake for _, batch in LOCK_BATCHES.items(state))
    return _difference(TOTALS.read(state).unbonding, batches, "the sum of all batches of locks")


def _locks(state: ReadState) -> str:
    sums: dict[tuple[bytes, int, int], list[int]] = {}
    counts: dict[bytes, int] = {}
    for (owner, lock_id), lock in LOCKS.items(state):
        entry = sums.setdefault((lock.candidate, lock.liable_until, lock.batch), [0, 0, 0])
        for place, amount in enumerate((lock.principal, get_lock_value(state, lock), 1)):
            entry[place] += amount
        counts[owner] = counts.get(owner, 0) + 1
        if lock_id >= DELEGATORS.read(state, owner).next_lock_id:
            return f"lock {lock_id} of 0x{owner.hex()} has a number that is not given yet"
    batches = dict(LOCK_BATCHES.items(state))
    for key, batch in batches.items():
        principal, value, count = sums.get(key, [0, 0, 0])
        if principal != batch.principal or not 0 <= batch.stake - value < max(count, 1):
            return f"batch {key} is {batch}; its {count} locks are {principal}, worth {value}"
    if set(sums) != set(batches):
        return "there are locks without a batch"
    kept = {address: d.locks for (address,), d in DELEGATORS.items(state) if d.locks}
    return "" if kept == counts else f"delegators count {kept} locks, there are {counts}"


def _verifier_bonds(state: ReadState) -> str:
    bonds = sum(verifier.bond for _, verifier in VERIFIERS.items(state))
    return _difference(TOTALS.read(state).verifier_bonds, bonds, "the sum of all verifiers' bonds")


def _proposal_deposits(state: ReadState) -> str:
    deposits = sum(proposal.proposal_deposit for _, proposal in PROPOSALS.items(state))
    return _difference(TOTALS.read(state).proposal_deposits, deposits, "the sum of all proposals' deposits")


def _open_votings(state: ReadState) -> str:
    votings = {key[0]: each for key, each in PROPOSALS.items(state) if each.status is ProposalStatus.VOTING}
    due = sorted((each.end_height, DueKind.CLOSE_VOTING, proposal_id) for proposal_id, each in votings.items())
    if due != [key[:3] for key in DUE.keys(state) if key[1] == DueKind.CLOSE_VOTING]:
        return f"{due} are the votings that are open, others are written down to end"
    counts: dict[int, int] = {}
    for each in votings.values():
        counts[each.voting_round] = counts.get(each.voting_round, 0) + 1
    kept = {key[0]: entry.open_proposals for key, entry in VOTING_ROUNDS.items(state)}
    return "" if kept == counts else f"{counts} proposals of each round are open, {kept} are counted"


def _electorates(state: ReadState) -> str:
    now = ROUND.read(state).number
    rounds = {now: {key[0]: Elector(a.stake, a.shares, a.era) for key, a in ACTIVE.items(state)}}
    for (number, address), elector in ELECTORS.items(state):
        rounds.setdefault(number, {})[address] = elector
    for number, electors in rounds.items():
        held: dict[tuple[bytes, int], int] = {}
        for (address,), _ in DELEGATORS.items(state):
            holding = get_holding(state, address, number)
            if holding is not None:
                key = (holding.candidate, holding.era)
                held[key] = held.get(key, 0) + holding.shares
        for address, elector in electors.items():
            if held.get((address, elector.era), 0) != elector.shares:
                return f"in round {number} 0x{address.hex()} began with {elector.shares} shares, held are {held}"
    return ""


def _ballots(state: ReadState) -> str:
    cast: dict[tuple[int, bytes], dict[str, int]] = {}
    for (proposal_id, _), vote in VOTES.items(state):
        entry = cast.setdefault((proposal_id, vote.transcoder), {"yes": 0, "no": 0, "abstain": 0})
        entry[vote.option.name.lower()] += vote.stake
    kept = {key: {"yes": b.yes, "no": b.no, "abstain": b.abstain} for key, b in BALLOTS.items(state)}
    if kept != cast:
        return f"ballots have {kept}, the votes are {cast}"
    for (proposal_id, transcoder), ballot in kept.items():
        proposal = PROPOSALS.read(state, proposal_id)
        elector = get_elector(state, proposal.voting_round, transcoder)
        if proposal.status is ProposalStatus.VOTING and elector and sum(ballot.values()) > elector.stake:
            return f"on proposal {proposal_id} more votes than stake are cast behind 0x{transcoder.hex()}"
    return ""


def _delegator_stakes(state: ReadState) -> str:
    sums: dict[bytes, list[int]] = {}
    for (address,), delegator in DELEGATORS.items(state):
        if _is_void(state, delegator):
            continue
        entry = sums.setdefault(delegator.candidate, [0, 0])
        entry[0] += get_stake(state, address)
        entry[1] += 1 + _is_slashed_in_the_bucket(state, delegator)
    for (candidate,), _ in POOLS.items(state):
        held, parts = sums.get(candidate, [0, 0])
        total = get_total_stake(state, candidate)
        if not 0 <= total - held < max(parts, 1):
            return f"stakes towards 0x{candidate.hex()} sum up to {held}, its pool has {total}, {parts} holders"
    return ""


def _is_slashed_in_the_bucket(state: ReadState, delegator: Delegator) -> bool:
    # Joining bonds are whole units until a slash hits them; then they are rounded down apart from what earns.
    pool = POOLS.read(state, delegator.candidate)
    return delegator.joining_shares > 0 and pool.joining_stake != pool.joining_shares


def _shares(state: ReadState) -> str:
    held: dict[tuple[bytes, int], list[int]] = {}
    unclaimed: dict[tuple[bytes, int], int] = {}
    for _, delegator in DELEGATORS.items(state):
        entry = held.setdefault((delegator.candidate, delegator.era), [0, 0])
        bucket = _bucket(state, delegator)
        entry[0] += delegator.shares
        if bucket is None:
            entry[1] += delegator.joining_shares
            continue
        entry[0] += delegator.joining_shares * (bucket.shares // bucket.joining_shares)
        key = (delegator.candidate, delegator.joining_round)
        unclaimed[key] = unclaimed.get(key, 0) + delegator.joining_shares
    for (candidate,), pool in POOLS.items(state):
        found, shares = held.pop((candidate, pool.era), [0, 0]), [pool.shares, pool.joining_shares]
        if found != shares or (pool.stake == 0) != (pool.shares == 0):
            return f"0x{candidate.hex()} has shares {shares} over {pool.stake}, its delegators have {found}"
    void = {key: [era.shares, era.joining_shares] for key, era in ENDED_ERAS.items(state)}
    if void != {key: shares for key, shares in held.items() if shares != [0, 0]}:
        return f"{void} are the shares of ended eras, delegators have {held}"
    buckets = {key: bucket.unclaimed for key, bucket in JOINED.items(state)}
    return "" if buckets == unclaimed else f"{buckets} is unclaimed in buckets, delegators could claim {unclaimed}"


def _bucket(state: ReadState, delegator: Delegator) -> JoinedBucket | None:
    ended = ENDED_ERAS.get(state, delegator.candidate, delegator.era)
    if not delegator.joining_shares or (ended is not None and ended.round == delegator.joining_round):
        return None
    return JOINED.get(state, delegator.candidate, delegator.joining_round)


def _is_void(state: ReadState, delegator: Delegator) -> bool:
    return delegator.era != POOLS.read(state, delegator.candidate).era


def _uncollected_fees(state: ReadState) -> str:
    owed: dict[tuple[bytes, int], int] = {}
    for (address,), delegator in DELEGATORS.items(state):
        uncollected = get_pending_fees(state, address) - delegator.fees
        key = (delegator.candidate, delegator.era)
        owed[key] = owed.get(key, 0) + uncollected
    fees: dict[tuple[bytes, int], int] = {key: ended.fees for key, ended in ENDED_ERAS.items(state)}
    for (candidate,), pool in POOLS.items(state):
        fees[candidate, pool.era] = pool.fees
    for (candidate, era), amount in owed.items():
        if amount > fees.get((candidate, era), 0):
            return (
                f"0x{candidate.hex()} owes fees of {amount} for its era {era} and has {fees.get((candidate, era), 0)}"
            )
    return ""


def _candidate_order(state: ReadState) -> str:
    ranked = [address for _, address in CANDIDATES_BY_STAKE.keys(state)]
    registered = {a: get_total_stake(state, a) for (a,), record in TRANSCODERS.items(state) if is_electable(record)}
    expected = sorted(registered, key=lambda address: (-registered[address], address))
    return "" if ranked == expected else "the order by stake is not the order of the stakes"


def _price_order(state: ReadState) -> str:
    registered = ((address, t) for (address,), t in TRANSCODERS.items(state) if is_candidate(t))
    prices = sorted((t.next_rates.price_per_segment, address) for address, t in registered)
    return "" if prices == list(CANDIDATES_BY_PRICE.keys(state)) else "the order by price is not that of the prices"


def _active_stake(state: ReadState) -> str:
    locked = sum(active.stake for _, active in ACTIVE.items(state))
    return _difference(ROUND.read(state).active_stake, locked, "the sum of all locked stakes")


def _election(state: ReadState) -> str:
    places = sorted((-active.stake, address, active.from_waitlist) for (address,), active in ACTIVE.items(state))
    drawn = [number for number, (_, _, from_waitlist) in enumerate(places) if from_waitlist]
    n = PARAMS.read(state).n
    if len(places) - len(drawn) > n or drawn not in ([], [n]):
        return f"{n} are to be elected; by locked stake, drawn from the waitlist or not, there are {places}"
    return ""


def _validator_power(state: ReadState) -> str:
    recorded = {key: validator for (key,), validator in VALIDATORS.items(state)}
    if not recorded:
        return "there is no validator"
    elected = {
        key: validator
        for key, validator in get_elected_validators(state).items()
        if key in recorded or not _is_new_key(state, key)
    } or recorded  # where nobody can be one, those of the last set stay
    return "" if recorded == elected else f"{recorded} are the validators; the locked stakes give {elected}"


def _is_new_key(state: ReadState, key: bytes) -> bool:
    """Whether a key was published in the running round: it has power from the next election on."""
    return CONSENSUS_KEYS.read(state, consensus_address(key)).published_height >= ROUND.read(state).start_height


def _self_bonds(state: ReadState) -> str:
    minimum = PARAMS.read(state).min_self_bond
    for (address,), record in TRANSCODERS.items(state):
        own = get_stake(state, address) if get_candidate(state, address) == address else 0
        if is_candidate(record) and own < minimum:
            return f"0x{address.hex()} is a candidate with an own stake of {own}; at least {minimum}"
    return ""


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
        settled = claim.status is ClaimStatus.PAID or (is_lost(claim) and claim.open_challenges == 0)
        if settled != (held == 0):
            return f"claim {place} is {claim.status.name.lower()} and holds {held} wei"
    return ""


def _open_challenges(state: ReadState) -> str:
    judged = (
        ChallengeStatus.VERIFIED,
        ChallengeStatus.MISSED,
        ChallengeStatus.FAILED,
        ChallengeStatus.VOID,
        ChallengeStatus.UNPROVEN,
    )
    counts: dict[tuple[int, int], int] = {}
    for (job_id, claim_id, _), challenge in CHALLENGES.items(state):
        counts[job_id, claim_id] = counts.get((job_id, claim_id), 0) + (challenge.status not in judged)
    for place, claim in CLAIMS.items(state):
        if claim.open_challenges != counts.get(place, 0):
            return f"claim {place} counts {claim.open_challenges} open challenges, there are {counts.get(place, 0)}"
    return ""


def _open_disputes(state: ReadState) -> str:
    waiting = [key[0] for key, dispute in DISPUTES.items(state) if dispute.outcome is CourtOutcome.OPEN]
    if waiting != [dispute_id for (dispute_id,) in OPEN_DISPUTES.keys(state)]:
        return f"the open disputes are {waiting}"
    challenged = sorted((DISPUTES.read(state, each).challenger, each) for each in waiting)
    challenged = [key for key in challenged if key[0] != NOBODY]
    if challenged != list(OPEN_CHALLENGES.keys(state)):
        return f"the open challenges are {challenged}"
    bonds = sum(DISPUTES.read(state, each).bond for each in waiting)
    if bonds != TOTALS.read(state).challenge_bonds:
        return f"open disputes hold {bonds}, {TOTALS.read(state).challenge_bonds} is counted"
    attested = sorted({key[0] for key in ATTESTATIONS.keys(state)})
    if not set(attested) <= set(waiting):
        return f"disputes {attested} have attestations, {waiting} are open"
    counts: dict[tuple[int, int], int] = {}
    for dispute_id in waiting:
        dispute = DISPUTES.read(state, dispute_id)
        place = (dispute.job_id, dispute.claim_id)
        counts[place] = counts.get(place, 0) + 1
    for place, claim in CLAIMS.items(state):
        if claim.open_disputes != counts.get(place, 0):
            return f"claim {place} counts {claim.open_disputes} open disputes, there are {counts.get(place, 0)}"
    return ""


def _difference(expected: int, found: int, what: str) -> str:
    return "" if expected == found else f"{expected} is recorded, {what} give {found}"


INVARIANTS: dict[str, Callable[[ReadState], str]] = {
    "LPT supply": _lpt_supply,
    "ETH total": _wei_total,
    "allocations": _allocations,
    "bonded total": _bonded_total,
    "unbonding total": _unbonding_total,
    "locks": _locks,
    "verifier bonds": _verifier_bonds,
    "proposal deposits": _proposal_deposits,
    "open votings": _open_votings,
    "electorates": _electorates,
    "ballots": _ballots,
    "delegator stakes": _delegator_stakes,
    "shares": _shares,
    "uncollected fees": _uncollected_fees,
    "candidate order": _candidate_order,
    "price order": _price_order,
    "self bonds": _self_bonds,
    "active stake": _active_stake,
    "election": _election,
    "validator power": _validator_power,
    "claimed once": _claimed_once,
    "open jobs": _open_jobs,
    "escrows": _escrows,
    "open challenges": _open_challenges,
    "open disputes": _open_disputes,
}
