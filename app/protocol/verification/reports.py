"""Reports by anybody: work that was not shown, and work that was signed twice (whitepaper, *Slashing*).

Both slash by what everybody can check on the chain, without the court, and pay the finder.

- `SlashMissedVerification`: a challenged segment whose receipt was not shown. The window opens one block after the
  claim's verification period and is `slashing_period` long. A claim is lost as a whole, so that all it misses is one
  offence, slashed once. Stake answers as of the claim's block: who unbonds between claim and deadline does not escape.
- `SlashDoubleClaim`: two receipts for one segment and one input with different outputs, both signed by a transcoder
  that has or had the job. Another input of the same number would be the broadcaster's doing, and proves nothing. One
  slash per transcoder, job and segment, however many such receipts turn up. Stake answers as of the transcoder's claim
  that holds the segment, else as of now.

A transcoder can report itself and gets the finder's fee of its own slash back; the rest is lost all the same.
"""

from dataclasses import replace

from app.messages.bodies import SlashDoubleClaim, SlashMissedVerification
from app.messages.events import DoubleClaimReported, MissedVerificationReported
from app.messages.receipt import Receipt, recover_transcoder
from app.messages.records import Challenge, ChallengeStatus, Claim, Empty, SlashReason
from app.messages.rejections import Reason, Rejection, require
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Height
from app.primitives.secp256k1 import InvalidSignature
from app.protocol.claims import get_claim_of, load_claim
from app.protocol.environment import TxEnv
from app.protocol.jobs import load_job
from app.protocol.slashing import slash
from app.protocol.verification.verdicts import load_challenge
from app.state.tables import CLAIMS, DOUBLE_CLAIMS, FORMER_TRANSCODERS, State

# --- transactions


def process_slash_missed_verification(state: State, env: TxEnv, message: SlashMissedVerification) -> None:
    """SlashMissedVerification: slash who has not shown a challenged segment, once per claim.

    Raises:
        Rejection: UNKNOWN_CLAIM, NOT_CHALLENGED, TOO_EARLY, SLASHING_PERIOD_OVER, NOT_MISSED or ALREADY_SLASHED.
    """
    claim = load_claim(state, message.job_id, message.claim_id)
    challenge = load_challenge(state, (message.job_id, message.claim_id, message.segment))
    _check_missed(claim, challenge, env.height)
    CLAIMS.put(state, replace(claim, slashed=True), message.job_id, message.claim_id)
    amount = env.params.missed_verification_slash_amount
    slash(state, env, claim.transcoder, amount, SlashReason.MISSED_VERIFICATION, claim.height, env.sender)
    env.emit(
        MissedVerificationReported(message.job_id, message.claim_id, message.segment, claim.transcoder, env.sender)
    )


def process_slash_double_claim(state: State, env: TxEnv, message: SlashDoubleClaim) -> None:
    """SlashDoubleClaim: slash who has signed two different outputs of one segment, once per segment.

    Raises:
        Rejection: NO_DOUBLE_CLAIM, UNKNOWN_JOB, RECEIPT_SIGNATURE_INVALID or ALREADY_SLASHED.
    """
    first, second = message.first, message.second
    _check_contradiction(first, second)
    job_id, segment = first.job_id, first.sequence_number
    job = load_job(state, job_id)
    transcoder = _recover_signer(first)
    if transcoder != job.transcoder and not FORMER_TRANSCODERS.has(state, job_id, transcoder):
        raise Rejection(
            Reason.RECEIPT_SIGNATURE_INVALID,
            f"{to_checksum(transcoder)} signed as the transcoder, who is {to_checksum(job.transcoder)}",
        )
    _check_signer(second, transcoder)
    require(
        not DOUBLE_CLAIMS.has(state, job_id, segment, transcoder),
        Reason.ALREADY_SLASHED,
        f"for segment {segment} of job {job_id}",
    )
    DOUBLE_CLAIMS.put(state, Empty(), job_id, segment, transcoder)
    claim = get_claim_of(state, job_id, segment)
    height = env.height if claim is None or claim.transcoder != transcoder else claim.height
    amount = env.params.double_claim_slash_amount
    slash(state, env, transcoder, amount, SlashReason.DOUBLE_CLAIM, height, env.sender)
    env.emit(DoubleClaimReported(job_id, segment, transcoder, env.sender))


# --- checks


def _check_missed(claim: Claim, challenge: Challenge, height: Height) -> None:
    if height <= claim.verify_deadline:
        raise Rejection(
            Reason.TOO_EARLY,
            f"its receipt can be shown until height {claim.verify_deadline}; this is height {height}",
        )
    if height > claim.slashing_end:
        raise Rejection(
            Reason.SLASHING_PERIOD_OVER,
            f"a miss could be reported until height {claim.slashing_end}; this is height {height}",
        )
    if challenge.status is not ChallengeStatus.MISSED:
        raise Rejection(Reason.NOT_MISSED, f"the segment is {challenge.status.name.lower()}")
    require(not claim.slashed, Reason.ALREADY_SLASHED, "for this claim; what it misses is slashed once")


def _check_contradiction(first: Receipt, second: Receipt) -> None:
    for name in ("job_id", "stream_id", "sequence_number", "data_hash"):
        if getattr(first, name) != getattr(second, name):
            raise Rejection(Reason.NO_DOUBLE_CLAIM, f"the receipts have different values of {name}")
    if first.transcoded_hash == second.transcoded_hash:
        raise Rejection(Reason.NO_DOUBLE_CLAIM, f"both receipts are of {first.transcoded_hash.hex()}")


def _recover_signer(receipt: Receipt) -> Address:
    try:
        return recover_transcoder(receipt)
    except InvalidSignature as error:
        raise Rejection(Reason.RECEIPT_SIGNATURE_INVALID, str(error)) from None


def _check_signer(receipt: Receipt, transcoder: Address) -> None:
    signer = _recover_signer(receipt)
    if signer != transcoder:
        raise Rejection(
            Reason.RECEIPT_SIGNATURE_INVALID,
            f"{to_checksum(signer)} signed as the transcoder, who is {to_checksum(transcoder)}",
        )
