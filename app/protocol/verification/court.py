"""The court: all validators decide what a committee could not (media.md, section 3, step 5).

Every validator's node re-executes a disputed segment off to the side and attests the result in its vote extensions;
the proposers of the next blocks bring them (`app.execution.extensions`). A validator's last word counts, with its power
as CometBFT was last told. As soon as more than two thirds of all power stand behind one outcome, the case is closed:

- the transcoder's result: verified. Who revealed it is paid; who revealed another result loses a part of its bond.
- one other result: failed. The claim is lost and its fee returns to the broadcaster. Verifiers who had revealed the
  court's result are paid, and earn the finder's fee of the slash; those who had revealed another lose a part of theirs.
- unavailable: a missed verification, found by the verifiers who had said so.
- unexecutable: the input breaks the limits or the encoder. The broadcaster signed it, so the work counts as done.

Who sent a segment here with a bond (`challenges`) is its finder: it gets the bond back when the court finds the work
wrong, or nothing at all. Otherwise the bond goes to the CommonPool. Its transcoder was not asked to keep that segment's
content, so that unavailable is no miss then, but the challenger's own fault.

A verifier that could not fetch the content has said nothing untrue: it earns nothing and loses nothing, unless the
court finds the same.

A failure slashes once failures exceed `verification_failure_threshold` of all that the transcoder has had verified or
failed, so that one unlucky failure in a long run of honest work costs the claim and no stake. What one claim does wrong
is slashed once, as for missed verifications, and stake answers as of the claim's block.

Where `court_window` ends before that, the case is void, and nobody is slashed. What follows depends on how many looked:

- More than two thirds attested and do not agree: encoding was not reproducible. The fee is paid, and the profile takes
  no new jobs until governance looks at it.
- Fewer: that says nothing about the profile; if it froze it, whoever opens a dispute on a chain whose validators do not
  look could close the market. The fee is paid, unless a quorum of verifiers has looked and none agrees with the
  receipt: else a cheat so large that the court cannot look at all of it would be paid for the rest. Then the claim is
  lost without a slash. (protocol.md, section 8, pays and freezes in either case.)
"""

from collections.abc import Sequence
from dataclasses import replace

from app.messages.attestation import Attestation, Attested
from app.messages.events import (
    ChallengeSettled,
    CourtDecided,
    DisputeAttested,
    ProfileFrozen,
    SegmentFailed,
    SegmentVerified,
    VerificationMissed,
)
from app.messages.records import (
    Challenge,
    ChallengeStatus,
    Claim,
    CourtOutcome,
    Dispute,
    DisputeReason,
    Seat,
    SlashReason,
)
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import ZERO_HASH, Hash32
from app.protocol.claims import close_challenge
from app.protocol.clock import DueKind, cancel
from app.protocol.environment import BlockEnv, Env, TxEnv
from app.protocol.ledger import credit_lpt, pay_common_pool
from app.protocol.slashing import slash
from app.protocol.verification.registry import pay_verifier, slash_verifier
from app.state.tables import (
    ATTESTATIONS,
    CHALLENGES,
    CLAIMS,
    DISPUTES,
    JOBS,
    OPEN_CHALLENGES,
    OPEN_DISPUTES,
    PROFILES,
    TOTALS,
    TRANSCODERS,
    VALIDATORS,
    ReadState,
    State,
)

Word = tuple[Attested, Hash32]
"""What is attested, and the result where there is one."""

# --- predicates and accessors


def is_two_thirds(power: int, total: int) -> bool:
    """Whether a power is more than two thirds of the total."""
    return 3 * power > 2 * total


def is_slashable(failed: int, verified: int, threshold: Fraction) -> bool:
    """Whether failures exceed the threshold of all that was judged."""
    return failed * ONE > threshold * (failed + verified)


def is_disowned(challenge: Challenge, quorum: int) -> bool:
    """Whether enough verifiers have revealed and none of them agrees with the receipt."""
    results = [seat.result for seat in challenge.committee if seat.result is not None]
    return len(results) >= quorum and challenge.transcoded_hash not in results


def is_challenged(dispute: Dispute) -> bool:
    """Whether somebody sent it here with a bond, and not a committee that could not agree."""
    return dispute.reason is DisputeReason.CHALLENGED


def get_powers(state: ReadState) -> dict[Address, int]:
    """The power of each validator's operator, as CometBFT was last told."""
    return {validator.operator: validator.power for _, validator in VALIDATORS.items(state)}


def count_words(state: ReadState, dispute_id: int, powers: dict[Address, int]) -> dict[Word, int]:
    """The power behind everything that is attested of a dispute; who is no validator any more has none."""
    counts: dict[Word, int] = {}
    for (_, operator), said in ATTESTATIONS.items(state, dispute_id):
        word = (said.attested, said.result)
        counts[word] = counts.get(word, 0) + powers.get(operator, 0)
    return counts


def get_outcome(word: Word, challenge: Challenge) -> CourtOutcome:
    """What a word of two thirds means for a challenge."""
    attested, result = word
    if attested is Attested.EXECUTED:
        return CourtOutcome.UPHELD if result == challenge.transcoded_hash else CourtOutcome.OVERTURNED
    return CourtOutcome.UNAVAILABLE if attested is Attested.UNAVAILABLE else CourtOutcome.UNEXECUTABLE


# --- mutators: attesting


def attest(state: State, env: TxEnv, operator: Address, attestations: Sequence[Attestation]) -> None:
    """Take a validator's word on open disputes, and close those that it decides; what is closed is passed over."""
    for said in attestations:
        if not OPEN_DISPUTES.has(state, said.dispute_id):
            continue
        if ATTESTATIONS.get(state, said.dispute_id, operator) == said:
            continue
        ATTESTATIONS.put(state, said, said.dispute_id, operator)
        env.emit(DisputeAttested(said.dispute_id, operator, said.attested, said.result))
        _decide_if_clear(state, env, said)


def _decide_if_clear(state: State, env: Env, said: Attestation) -> None:
    powers, word = get_powers(state), (said.attested, said.result)
    total, power = sum(powers.values()), count_words(state, said.dispute_id, powers)[word]
    if not is_two_thirds(power, total):
        return
    dispute = DISPUTES.read(state, said.dispute_id)
    cancel(state, dispute.closes_height + 1, DueKind.CLOSE_COURT, said.dispute_id)
    challenge = CHALLENGES.read(state, dispute.job_id, dispute.claim_id, dispute.segment)
    outcome = get_outcome(word, challenge)
    result = said.result if said.attested is Attested.EXECUTED else None
    _close(state, env, said.dispute_id, dispute, outcome, result)
    env.emit(_decision(said.dispute_id, dispute, outcome, power, total))
    settle_bond(state, env, said.dispute_id, dispute, outcome is CourtOutcome.OVERTURNED)
    _OUTCOMES[outcome](state, env, dispute, challenge, said.result)


# --- mutators: closing


def close_court(state: State, env: BlockEnv, dispute_id: int, claim_id: int = 0, segment: int = 0) -> None:
    """Void a dispute that no two thirds have decided; due one block after its window."""
    dispute = DISPUTES.read(state, dispute_id)
    assert dispute.outcome is CourtOutcome.OPEN, f"dispute {dispute_id} is {dispute.outcome.name.lower()}"
    powers = get_powers(state)
    attested, total = sum(count_words(state, dispute_id, powers).values()), sum(powers.values())
    _close(state, env, dispute_id, dispute, CourtOutcome.VOID, None)
    env.emit(_decision(dispute_id, dispute, CourtOutcome.VOID, attested, total))
    if is_two_thirds(attested, total):
        _freeze_profile(state, env, dispute_id, dispute)
    settle_bond(state, env, dispute_id, dispute, is_returned=True)
    challenge = CHALLENGES.read(state, dispute.job_id, dispute.claim_id, dispute.segment)
    if (
        not is_challenged(dispute)
        and not is_two_thirds(attested, total)
        and is_disowned(challenge, env.params.verifier_quorum)
    ):
        _settle(state, env, dispute, challenge, ChallengeStatus.UNPROVEN, _revealed(dispute, challenge))
    else:
        _void(state, env, dispute, challenge, ZERO_HASH)


def _close(
    state: State, env: Env, dispute_id: int, dispute: Dispute, outcome: CourtOutcome, result: Hash32 | None
) -> None:
    for _, operator in list(ATTESTATIONS.keys(state, dispute_id)):
        ATTESTATIONS.drop(state, dispute_id, operator)
    OPEN_DISPUTES.drop(state, dispute_id)
    decided = replace(dispute, outcome=outcome, result=result, decided_height=env.height)
    DISPUTES.put(state, decided, dispute_id)


def settle_bond(state: State, env: Env, dispute_id: int, dispute: Dispute, is_returned: bool) -> None:
    """Return a challenger's bond, or give it to the CommonPool; nothing where the committee opened the case."""
    if not is_challenged(dispute):
        return
    OPEN_CHALLENGES.drop(state, dispute.challenger, dispute_id)
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, challenge_bonds=Lpt(totals.challenge_bonds - dispute.bond)))
    if is_returned:
        credit_lpt(state, dispute.challenger, dispute.bond)
    else:
        pay_common_pool(state, lpt=dispute.bond)
    env.emit(ChallengeSettled(dispute_id, dispute.challenger, dispute.bond, is_returned))


def _decision(dispute_id: int, dispute: Dispute, outcome: CourtOutcome, power: int, total: int) -> CourtDecided:
    return CourtDecided(dispute_id, dispute.job_id, dispute.claim_id, dispute.segment, outcome, power, total)


def _freeze_profile(state: State, env: Env, dispute_id: int, dispute: Dispute) -> None:
    profile_id = JOBS.read(state, dispute.job_id).options.profile_id
    profile = PROFILES.read(state, profile_id)
    if not profile.frozen:
        PROFILES.put(state, replace(profile, frozen=True), profile_id)
        env.emit(ProfileFrozen(profile_id, dispute_id))


# --- mutators: what an outcome brings about


def _uphold(state: State, env: Env, dispute: Dispute, challenge: Challenge, result: Hash32) -> None:
    env.emit(SegmentVerified(dispute.job_id, dispute.claim_id, dispute.segment))
    _punish_untrue(state, env, challenge, result)
    _settle(state, env, dispute, challenge, ChallengeStatus.VERIFIED, _seats_with(dispute, challenge, result))


def _overturn(state: State, env: Env, dispute: Dispute, challenge: Challenge, result: Hash32) -> None:
    right = _seats_with(dispute, challenge, result)
    _punish_untrue(state, env, challenge, result)
    claim = _settle(state, env, dispute, challenge, ChallengeStatus.FAILED, right)
    record = TRANSCODERS.read(state, claim.transcoder)
    failed, verified = record.segments_failed, record.segments_verified
    env.emit(SegmentFailed(dispute.job_id, dispute.claim_id, dispute.segment, claim.transcoder, failed, verified))
    if is_slashable(failed, verified, env.params.verification_failure_threshold):
        amount = env.params.failed_verification_slash_amount
        _slash_claim(state, env, dispute, amount, SlashReason.FAILED_VERIFICATION, right)


def _miss(state: State, env: Env, dispute: Dispute, challenge: Challenge, result: Hash32) -> None:
    if is_challenged(dispute):
        _void(state, env, dispute, challenge, result)
        return
    right = _seats_with(dispute, challenge, ZERO_HASH)
    env.emit(VerificationMissed(dispute.job_id, dispute.claim_id, dispute.segment))
    _settle(state, env, dispute, challenge, ChallengeStatus.MISSED, right)
    amount = env.params.missed_verification_slash_amount
    _slash_claim(state, env, dispute, amount, SlashReason.MISSED_VERIFICATION, right)


def _void(state: State, env: Env, dispute: Dispute, challenge: Challenge, result: Hash32) -> None:
    _settle(state, env, dispute, challenge, ChallengeStatus.VOID, _revealed(dispute, challenge))


_OUTCOMES = {
    CourtOutcome.UPHELD: _uphold,
    CourtOutcome.OVERTURNED: _overturn,
    CourtOutcome.UNAVAILABLE: _miss,
    CourtOutcome.UNEXECUTABLE: _void,
}


def _revealed(dispute: Dispute, challenge: Challenge) -> list[Seat]:
    """The seats that have a fee to get: none where the committee was paid before somebody sent its case here."""
    return [seat for seat in challenge.committee if not is_challenged(dispute) and seat.result is not None]


def _seats_with(dispute: Dispute, challenge: Challenge, result: Hash32) -> list[Seat]:
    return [seat for seat in _revealed(dispute, challenge) if seat.result == result]


def _punish_untrue(state: State, env: Env, challenge: Challenge, result: Hash32) -> None:
    for seat in challenge.committee:
        if seat.result not in (None, ZERO_HASH, result):
            slash_verifier(state, env, seat.verifier)


def _settle(
    state: State, env: Env, dispute: Dispute, challenge: Challenge, status: ChallengeStatus, paid: Sequence[Seat]
) -> Claim:
    """Give the challenge its end and these verifiers their fee; returns the claim as it stands then."""
    place = (dispute.job_id, dispute.claim_id, dispute.segment)
    CHALLENGES.put(state, replace(challenge, status=status, deadline=env.height), *place)
    fee = CLAIMS.read(state, *place[:2]).challenge_fee
    share = Wei(fee // len(paid) if paid else 0)
    for seat in paid:
        pay_verifier(state, env, seat.verifier, share, *place[:2])
    is_again = status is ChallengeStatus.VERIFIED and is_challenged(dispute)
    outcome = ChallengeStatus.VOID if is_again else status  # nobody makes a record of verified work by challenging it
    close_challenge(state, env, *place[:2], outcome, share * len(paid), by_court=True)
    return CLAIMS.read(state, *place[:2])


def _slash_claim(
    state: State, env: Env, dispute: Dispute, amount: Fraction, reason: SlashReason, right: Sequence[Seat]
) -> None:
    claim = CLAIMS.read(state, dispute.job_id, dispute.claim_id)
    if claim.slashed:
        return
    CLAIMS.put(state, replace(claim, slashed=True), dispute.job_id, dispute.claim_id)
    finders = [dispute.challenger] if is_challenged(dispute) else [seat.verifier for seat in right]
    slash(state, env, claim.transcoder, amount, reason, claim.height, *finders)
