"""The verdict on a challenge, by the protocol's committee and court.

Left out is what takes signatures and video: the receipt, the commitments, the re-execution. The simulation knows which
segments were faked, so it puts in what a receipt would say and what every verifier and every validator would find:
none of them lies. The draw of the committee, its judgement, the dispute, the court's decision, and all that follows for
claim, stake and fees are the chapters' own.
"""

from dataclasses import replace

from app.messages.attestation import Attestation, Attested
from app.messages.records import ChallengeStatus, Claim
from app.primitives.amounts import Height
from app.primitives.hashing import ZERO_HASH, sha256
from app.protocol.clock import DueKind, cancel
from app.protocol.environment import NOBODY, BlockEnv, TxEnv
from app.protocol.verification.committee import draw_committee
from app.protocol.verification.court import attest
from app.protocol.verification.registry import count_revealed
from app.protocol.verification.verdicts import Place, judge
from app.state.tables import CHALLENGES, OPEN_DISPUTES, TOTALS, VALIDATORS, State

WORK = sha256(b"what re-execution gives")
FAKE = sha256(b"what was never computed")


def give_verdict(state: State, env: BlockEnv, place: Place, claim: Claim, is_faked: bool) -> None:
    """Bring a challenge to its end, within one block."""
    cancel(state, claim.verify_deadline + 1, DueKind.MISS_RECEIPT, *place)
    shown = replace(
        CHALLENGES.read(state, *place),
        status=ChallengeStatus.AWAITING_COMMITTEE,
        deadline=Height(env.height),
        transcoded_hash=FAKE if is_faked else WORK,
    )
    CHALLENGES.put(state, shown, *place)
    draw_committee(state, env, *place)
    _reveal(state, env, place)
    if CHALLENGES.read(state, *place).status is ChallengeStatus.DISPUTED:
        _hold_court(state, env, TOTALS.read(state).next_dispute_id - 1)


def _reveal(state: State, env: BlockEnv, place: Place) -> None:
    drawn = CHALLENGES.read(state, *place)
    if drawn.status is not ChallengeStatus.COMMITTING:
        return  # too few verifiers: it is before the court already
    cancel(state, drawn.deadline + 1, DueKind.CLOSE_COMMITS, *place)
    seats = tuple([replace(seat, commitment=ZERO_HASH, result=WORK) for seat in drawn.committee])
    for seat in seats:
        count_revealed(state, seat.verifier)
    judge(state, env, place, replace(drawn, status=ChallengeStatus.REVEALING, committee=seats))


def _hold_court(state: State, env: BlockEnv, dispute_id: int) -> None:
    """Let validators attest, those with the most power first, until the case is decided."""
    bench, said = TxEnv(env, NOBODY), Attestation(dispute_id, Attested.EXECUTED, WORK)
    validators = sorted((-validator.power, validator.operator) for _, validator in VALIDATORS.items(state))
    for _, operator in validators:
        if OPEN_DISPUTES.has(state, dispute_id):
            attest(state, bench, operator, [said])
    env.events += bench.events
