"""DistributeFees: paying a claim (whitepaper, *The Job*, step 16: release of escrowed fees).

A claim of which no segment was challenged can be paid at once; one whose challenges all passed, when its slashing
period is over, so that until then any of its work can still be called into question. What verifiers did not take of
their part goes to the transcoder. Anyone may call it; fees go to the round in which they are distributed.
"""

from dataclasses import replace

from app.messages.bodies import DistributeFees
from app.messages.events import ClaimPaid
from app.messages.records import Claim, ClaimStatus
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import Height, Wei
from app.protocol.claims import count_segments_of, is_lost, load_claim
from app.protocol.clock import require_initialized
from app.protocol.earnings import credit_fees
from app.protocol.environment import TxEnv
from app.state.tables import CLAIMS, JOBS, State

# --- predicates


def are_fees_due(claim: Claim, height: Height) -> bool:
    """Whether a claim can be paid at a height."""
    return claim.status is ClaimStatus.VERIFIED and (not claim.challenged or height > claim.slashing_end)


# --- transactions


def process_distribute_fees(state: State, env: TxEnv, message: DistributeFees) -> None:
    """DistributeFees: pay out a claim to its transcoder and to those bonded to it.

    Raises:
        Rejection: UNKNOWN_CLAIM, CLAIM_CLOSED, FEES_NOT_DUE or ROUND_NOT_INITIALIZED.
    """
    claim = load_claim(state, message.job_id, message.claim_id)
    _check_due(claim, env.height)
    require_initialized(state)
    amount = Wei(claim.fee + claim.verification_fee)
    paid = replace(claim, status=ClaimStatus.PAID, fee=Wei(0), verification_fee=Wei(0))
    CLAIMS.put(state, paid, message.job_id, message.claim_id)
    job = JOBS.read(state, message.job_id)
    JOBS.put(state, replace(job, segments_paid=job.segments_paid + claim.segments), message.job_id)
    count_segments_of(state, claim.transcoder, paid=claim.segments)
    credit_fees(state, env, claim.transcoder, amount)
    env.emit(ClaimPaid(message.job_id, message.claim_id, claim.transcoder, amount))


def _check_due(claim: Claim, height: Height) -> None:
    if claim.status is ClaimStatus.PAID or is_lost(claim):
        raise Rejection(Reason.CLAIM_CLOSED, f"the claim is {claim.status.name.lower()}; nothing is left to distribute")
    if claim.status is ClaimStatus.VERIFIED and not are_fees_due(claim, height):
        raise Rejection(
            Reason.FEES_NOT_DUE,
            f"its slashing period ends with height {claim.slashing_end}; this is height {height}",
        )
    if claim.status is not ClaimStatus.VERIFIED:
        raise Rejection(
            Reason.FEES_NOT_DUE,
            f"the claim is {claim.status.name.lower()}, with {claim.open_challenges} of {len(claim.challenged)} "
            "challenged segments not judged yet",
        )
