"""Challenge: anybody sends a segment of a claim to the court, sampled or not (media.md, section 3, step 6).

Until a claim's slashing period ends, whoever holds the receipt of one of its segments can bond LPT and have all
validators look at it: a broadcaster, who has every receipt, above all. The bond doubles with each case that its owner
has open, and a block opens at most `MAX_CHALLENGES_PER_BLOCK`, so that nobody can bury the court.

Differences from protocol.md, section 2: the case is about a segment with all its renditions, whose receipt is a leaf of
the claim's tree; and since a transcoder need not keep what was not drawn, the challenger names where the input can be
fetched besides. What the court finds of a claim that is paid already slashes the transcoder; what was paid stays paid.
"""

from dataclasses import replace
from itertools import islice

from app.messages.bodies import Challenge as ChallengeMessage
from app.messages.events import SegmentChallenged
from app.messages.limits import check_service_uri
from app.messages.records import Challenge, ChallengeStatus, Claim, ClaimStatus, Dispute, DisputeReason, Empty
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, format_lpt
from app.protocol.claims import dispute_challenge, get_leaf_index, is_lost, load_claim
from app.protocol.environment import TxEnv
from app.protocol.ledger import debit_lpt
from app.protocol.verification.receipts import check_proof, check_receipt, check_signatures
from app.protocol.verification.verdicts import Place, open_case
from app.state.tables import CHALLENGES, DISPUTES, JOBS, OPEN_CHALLENGES, OPEN_DISPUTES, ReadState, State

MAX_CHALLENGES_PER_BLOCK = 4
"""Cases with a bond that one block opens; on two cores the court of a localnet decides one in some seconds."""

MAX_OPEN_CHALLENGES = 16
"""Of one account; the bond of the last is 32,768 times that of the first."""

# --- accessors


def get_required_bond(state: ReadState, challenger: Address, challenge_bond: int) -> int:
    """What the next case of a challenger costs: twice as much for each that it has open.

    Raises:
        Rejection: TOO_MANY_CHALLENGES.
    """
    count = len(list(islice(OPEN_CHALLENGES.keys(state, challenger), MAX_OPEN_CHALLENGES)))
    if count >= MAX_OPEN_CHALLENGES:
        raise Rejection(Reason.TOO_MANY_CHALLENGES, f"you have {count} open; wait until the court has decided one")
    return challenge_bond << count


def count_challenges(state: ReadState, height: Height) -> int:
    """How many cases with a bond a block has opened so far."""
    count = 0
    for dispute_id, _ in OPEN_DISPUTES.items(state, reverse=True):
        dispute = DISPUTES.read(state, *dispute_id)
        if dispute.opened_height < height:
            break
        count += dispute.reason is DisputeReason.CHALLENGED
    return count


# --- transactions


def process_challenge(state: State, env: TxEnv, message: ChallengeMessage) -> None:
    """Challenge: bond, and send a segment of a claim to the court.

    Raises:
        Rejection: UNKNOWN_CLAIM, NOT_CHALLENGEABLE, DEADLINE_PASSED, INVALID_FIELD, TOO_MANY_CHALLENGES,
            CHALLENGE_BOND_TOO_LOW, RECEIPT_MISMATCH, PROOF_INVALID, RECEIPT_SIGNATURE_INVALID or INSUFFICIENT_FUNDS.
    """
    place = (message.job_id, message.claim_id, message.segment)
    claim = load_claim(state, message.job_id, message.claim_id)
    before = CHALLENGES.get(state, *place)
    _check_window(claim, before, message.segment, env.height)
    if message.source_uri:
        check_service_uri(message.source_uri)
    _check_bond(state, env, message.bond)
    job = JOBS.read(state, message.job_id)
    receipt = message.receipt
    check_receipt(receipt, job, place, receipt.data_hash)
    check_proof(receipt, message.proof, claim, message.segment)
    check_signatures(receipt, job.broadcaster, claim.transcoder)
    debit_lpt(state, env.sender, message.bond)
    shown = Challenge(
        ChallengeStatus.DISPUTED,
        env.height,
        data_hash=receipt.data_hash,
        transcoded_hash=receipt.transcoded_hash,
        input_cid=receipt.data_hash,
        toolchain=receipt.toolchain,
    )
    _open(state, env, place, shown if before is None else before, message)


def _open(state: State, env: TxEnv, place: Place, challenge: Challenge, message: ChallengeMessage) -> None:
    case = Dispute(*place, DisputeReason.CHALLENGED, env.height, env.height)
    bonded = replace(case, challenger=env.sender, bond=message.bond, source_uri=message.source_uri)
    dispute_id = open_case(state, env, place, challenge, bonded)
    OPEN_CHALLENGES.put(state, Empty(), env.sender, dispute_id)
    dispute_challenge(state, *place[:2], anew=True)
    env.emit(SegmentChallenged(dispute_id, env.sender, Lpt(message.bond)))


# --- checks


def _check_window(claim: Claim, before: Challenge | None, segment: int, height: Height) -> None:
    if is_lost(claim) or claim.status is ClaimStatus.PENDING:
        raise Rejection(Reason.NOT_CHALLENGEABLE, f"the claim is {claim.status.name.lower()}")
    if get_leaf_index(claim.ranges, segment) is None:
        raise Rejection(Reason.NOT_CHALLENGEABLE, f"the claim does not hold segment {segment}")
    if before is not None and before.status is not ChallengeStatus.VERIFIED:
        raise Rejection(Reason.NOT_CHALLENGEABLE, f"the segment is {before.status.name.lower()}")
    if height > claim.slashing_end:
        raise Rejection(
            Reason.DEADLINE_PASSED,
            f"the claim could be challenged until height {claim.slashing_end}; this is height {height}",
        )


def _check_bond(state: ReadState, env: TxEnv, bond: int) -> None:
    required = get_required_bond(state, env.sender, env.params.challenge_bond)
    if bond < required:
        raise Rejection(
            Reason.CHALLENGE_BOND_TOO_LOW, f"a bond of {format_lpt(bond)}; at least {format_lpt(required)} now"
        )
    if count_challenges(state, env.height) >= MAX_CHALLENGES_PER_BLOCK:
        raise Rejection(
            Reason.TOO_MANY_CHALLENGES, f"this block has opened {MAX_CHALLENGES_PER_BLOCK} cases; try the next one"
        )
