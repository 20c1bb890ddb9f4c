"""Every protocol parameter: its unit, its range, and the whitepaper row it comes from.

The fields of the first block are the rows of the whitepaper's *Parameter Reference*, each under that name in snake
case; the others are ours (protocol.md, section 3). Durations are in blocks. Fractions are parts per billion.
"""

from dataclasses import dataclass, field, fields
from typing import Any

from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, Fraction

APP_VERSION = 1
"""The latest version of the state machine that this build has; it executes the blocks of all earlier ones too. The
version of a block stands in its header, and that of the first one in the genesis document."""

UPGRADE_EXIT_CODE = 4
"""With which the application's process ends where a block needs a later version than `APP_VERSION`."""

MAX_EVIDENCE_BYTES = 100 * 2**10
"""Of one block. CometBFT takes its parameters of evidence all together, so that who changes one names this as well."""

_BLOCKS = 2**40
_AMOUNT = 2**100


class ParamsError(ValueError):
    """A parameter outside its range, or two that contradict each other; the text names them."""


def _parameter(unit: str, text: str, low: int, high: int, row: str = "") -> Any:
    return field(metadata={"unit": unit, "text": text, "low": low, "high": high, "row": row})


def _fraction(text: str, row: str = "") -> Any:
    return _parameter("parts per billion", text, 0, ONE, row)


def _blocks(text: str, row: str = "", low: int = 1) -> Any:
    return _parameter("blocks", text, low, _BLOCKS, row)


def _count(text: str, high: int, row: str = "", low: int = 1) -> Any:
    return _parameter("count", text, low, high, row)


@dataclass(frozen=True, slots=True)
class Params:
    """The parameters of a chain at one moment; governance changes them between rounds."""

    t: int = _parameter("milliseconds", "segment length", 100, 60_000, "T")
    n: int = _count("active transcoders", 10_000, "N")
    round_length: int = _blocks("between two elections", "RoundLength", low=2)
    inflation_rate: Fraction = _fraction("of the supply, per round, at the start", "InflationRate")
    participation_rate: Fraction = _fraction("of the supply that should be bonded", "ParticipationRate")
    round_lock_amount: Fraction = _fraction("of a round, at its end, in which rates are locked", "RoundLockAmount")
    unbonding_period: int = _blocks("from unbonding to withdrawal", "UnbondingPeriod")
    verification_period: int = _blocks("from a claim to the deadline of Verify", "VerificationPeriod")
    verification_rate: int = _count("one segment in so many is challenged", 10**9, "VerificationRate")
    failed_verification_slash_amount: Fraction = _fraction("of the stake", "FailedVerificationSlashAmount")
    missed_reward_slash_amount: Fraction = _fraction("of the stake", "MissedRewardSlashAmount")
    missed_verification_slash_amount: Fraction = _fraction("of the stake", "MissedVerificationSlashAmount")
    competitiveness_tolerance: Fraction = _fraction(
        "of its share of the work that a transcoder may leave undone", "CompetitivenessTolerance"
    )
    verification_failure_threshold: Fraction = _fraction(
        "of verifications that may fail without slashing", "VerificationFailureThreshold"
    )
    finder_fee: Fraction = _fraction("of a slashed amount that goes to the finder", "FinderFee")
    slashing_period: int = _blocks("after the verification period, to invoke a slash", "SlashingPeriod")

    block_time: int = _parameter("milliseconds", "the block time that durations were converted with", 1, 600_000)
    inflation_change: Fraction = _fraction("by which the inflation rate moves in a round")
    missed_reward_threshold: int = _count("consecutive missed Reward calls before a slash", 10**6)
    auto_initialize_round: bool = _count("whether the chain initialises rounds by itself", 1, low=0)
    auto_reward: bool = _count("whether the chain calls Reward for those who have not, as a round closes", 1, low=0)
    allocation_expiry: int = _blocks("from the first block on, in which allocations can be claimed")
    min_self_bond: Lpt = _parameter("base units of LPT", "own stake of a transcoder", 1, _AMOUNT)
    max_segments_per_claim: int = _count("segments of one claim", 10**6)
    max_ranges_per_claim: int = _count("ranges of one claim", 1024)
    max_open_jobs: int = _count("open jobs of one broadcaster", 10**6)
    backup_transcoders: int = _count("drawn behind the first for each job", 16, low=0)
    job_assignment_timeout: int = _blocks("for which a job without a candidate waits")
    claim_period: int = _blocks("after the end of a job in which it can be claimed")
    double_claim_slash_amount: Fraction = _fraction("of the stake")
    double_sign_slash_amount: Fraction = _fraction("of the stake")
    signed_blocks_window: int = _blocks("over which signed blocks are counted")
    min_signed_per_window: Fraction = _fraction("of the window that a validator must sign")
    jail_duration: int = _blocks("before Unjail")
    evidence_max_age: int = _blocks("for which evidence against a validator is admitted")
    min_verifier_bond: Lpt = _parameter("base units of LPT", "bond of a verifier", 1, _AMOUNT)
    verifier_committee_size: int = _count("verifiers drawn for a challenged segment", 64)
    verifier_quorum: int = _count("reveals that a verdict needs", 64)
    verifier_miss_slash_amount: Fraction = _fraction("of the bond of a verifier that was drawn and stayed silent")
    verification_fee: Fraction = _fraction("of a claim's fee that pays its verifiers")
    commit_period: int = _blocks("from the draw to the last commit")
    reveal_period: int = _blocks("from the last commit to the last reveal")
    court_window: int = _blocks("in which validators attest a disputed leaf")
    challenge_bond: Lpt = _parameter("base units of LPT", "bond of who sends a leaf to the court", 1, _AMOUNT)
    proposal_deposit: Lpt = _parameter("base units of LPT", "deposit of a proposal", 1, _AMOUNT)
    voting_period: int = _blocks("in which a proposal can be voted on")
    quorum: Fraction = _fraction("of the active stake that must vote")
    threshold: Fraction = _fraction("of yes and no votes that must say yes")
    base_fee_wei: Wei = _parameter("wei", "of every transaction", 0, _AMOUNT)
    fee_per_byte_wei: Wei = _parameter("wei", "for each byte of a transaction", 0, _AMOUNT)
    fee_per_weight_wei: Wei = _parameter("wei", "for each unit of work of a transaction's messages", 0, _AMOUNT)


def check_params(params: Params) -> None:
    """Check every range and every relation between parameters.

    Raises:
        ParamsError: naming the parameters, their values and the bound, of the first problem.
    """
    problems = find_problems(params)
    if problems:
        raise ParamsError(problems[0])


def find_problems(params: Params) -> list[str]:
    """Everything that is wrong: each value outside its range; where there is none, each relation that does not hold."""
    outside = []
    for parameter in fields(params):
        value, bounds = getattr(params, parameter.name), parameter.metadata
        if not bounds["low"] <= value <= bounds["high"]:
            outside.append(f"{parameter.name} is {value}; {bounds['low']} to {bounds['high']} {bounds['unit']}")
    return outside or [text for holds, text in _relations(params) if not holds]


def compute_lock_length(params: Params) -> int:
    """How many blocks at the end of a round are its lock period."""
    return params.round_length * params.round_lock_amount // ONE


def compute_evidence_age_nanoseconds(params: Params) -> int:
    """`evidence_max_age` as a time: CometBFT drops evidence only when it is too old by blocks and by time."""
    return params.evidence_max_age * params.block_time * 10**6


def _relations(p: Params) -> list[tuple[bool, str]]:
    judged = p.verification_period + p.slashing_period
    judged_late = max(p.commit_period + p.reveal_period, p.slashing_period)
    decided = p.verification_period + judged_late + p.court_window
    return [
        (
            compute_lock_length(p) < p.round_length,
            f"round_lock_amount leaves no block of a round of {p.round_length} unlocked",
        ),
        (
            judged < p.unbonding_period,
            f"verification_period + slashing_period is {judged} blocks, not less than unbonding_period, "
            f"{p.unbonding_period}: stake could leave before its work is judged",
        ),
        (
            p.evidence_max_age <= p.unbonding_period,
            f"evidence_max_age, {p.evidence_max_age}, is longer than unbonding_period, {p.unbonding_period}",
        ),
        (
            p.verifier_quorum <= p.verifier_committee_size,
            f"verifier_quorum, {p.verifier_quorum}, is more than verifier_committee_size, {p.verifier_committee_size}",
        ),
        (
            decided < p.unbonding_period,
            f"a claim can wait {decided} blocks for the court (verification_period, commit_period + reveal_period or "
            f"slashing_period, court_window), not less than unbonding_period, {p.unbonding_period}",
        ),
        (
            p.voting_period <= p.unbonding_period,
            f"voting_period, {p.voting_period}, is longer than unbonding_period, {p.unbonding_period}: stake could be "
            "withdrawn while its vote still counts",
        ),
        (p.verification_fee < ONE, "verification_fee leaves nothing for the transcoder"),
    ]
