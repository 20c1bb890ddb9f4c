"""Why a transaction is refused: a stable number that is also the ABCI code, a name, and a text with the numbers.

A rejection is for others' mistakes. Our own are assertions, which stop the application (style.md, point 4).
"""

from enum import IntEnum, unique


@unique
class Reason(IntEnum):
    """Every reason for a refusal. Numbers are never reused; 0 is acceptance."""

    # the transaction as bytes
    UNDECODABLE = 1
    NOT_CANONICAL = 2
    LIMIT_EXCEEDED = 3
    UNKNOWN_MESSAGE = 4
    INVALID_SIGNATURE = 5
    INVALID_FIELD = 6
    # the envelope against the state
    WRONG_CHAIN = 10
    NONCE_TOO_LOW = 11
    NONCE_TOO_HIGH = 12
    EXPIRED = 13
    FEE_TOO_LOW = 14
    INSUFFICIENT_FUNDS = 15
    MEMPOOL_FULL = 16
    ALREADY_KNOWN = 17
    # rounds
    ROUND_NOT_INITIALIZED = 20
    ROUND_ALREADY_INITIALIZED = 21
    ROUND_LOCKED = 22
    # stake
    ZERO_AMOUNT = 30
    NOT_BONDED = 31
    SELF_BOND_TOO_LOW = 32
    TRANSCODER_CANNOT_DELEGATE = 33
    NOT_A_CANDIDATE = 34
    NOT_REGISTERED = 35
    TOMBSTONED = 36
    PRICE_RULE = 37
    CONSENSUS_KEY_IN_USE = 38
    NOT_ACTIVE = 39
    REWARD_ALREADY_CALLED = 40
    INSUFFICIENT_STAKE = 41
    UNKNOWN_LOCK = 42
    LOCK_NOT_RELEASED = 43
    TOO_MANY_LOCKS = 44
    NOT_JAILED = 45
    STILL_JAILED = 46
    ALREADY_BONDED = 47
    # deposits and jobs
    INSUFFICIENT_DEPOSIT = 50
    INSUFFICIENT_FEES = 51
    UNKNOWN_JOB = 52
    JOB_ENDED = 53
    NOT_A_PARTY = 54
    JOB_NOT_ASSIGNED = 55
    UNKNOWN_PROFILE = 56
    PROFILE_FROZEN = 57
    STREAM_ID_INVALID = 58
    TOO_MANY_JOBS = 59
    # claims
    UNKNOWN_CLAIM = 60
    RANGES_INVALID = 61
    SEGMENTS_ALREADY_CLAIMED = 62
    CLAIM_PERIOD_OVER = 63
    FEES_NOT_DUE = 64
    CLAIM_CLOSED = 65
    # verification
    NOT_CHALLENGED = 70
    ALREADY_SUBMITTED = 71
    DEADLINE_PASSED = 72
    RECEIPT_MISMATCH = 73
    PROOF_INVALID = 74
    NOT_DRAWN = 75
    ALREADY_COMMITTED = 76
    NOT_COMMITTED = 77
    COMMITMENT_MISMATCH = 78
    ALREADY_REVEALED = 79
    TOO_EARLY = 80
    VERIFIER_ALREADY_REGISTERED = 81
    VERIFIER_BOND_TOO_LOW = 82
    RECEIPT_SIGNATURE_INVALID = 83
    # slashing of work
    NOT_MISSED = 84
    ALREADY_SLASHED = 85
    SLASHING_PERIOD_OVER = 86
    NO_DOUBLE_CLAIM = 87
    # the court
    EXTENSIONS_INVALID = 88
    NOT_CHALLENGEABLE = 89
    CHALLENGE_BOND_TOO_LOW = 120
    TOO_MANY_CHALLENGES = 121
    # governance
    UNKNOWN_PROPOSAL = 90
    VOTING_ENDED = 91
    NO_VOTING_STAKE = 92
    UNKNOWN_PARAMETER = 93
    PARAMETERS_INVALID = 94
    TOO_MANY_PROPOSALS = 95
    UPGRADE_INVALID = 96
    # allocations
    UNKNOWN_ALLOCATION = 105
    ALLOCATIONS_EXPIRED = 106
    ALLOCATION_ALREADY_CLAIMED = 107
    ALLOCATION_PROOF_INVALID = 108
    ALLOCATIONS_EXHAUSTED = 109


RETRY_CODES = 32_000
"""CometBFT soon forgets what was answered with a code from here on, so that it may come again (CodeTypeRetry)."""

PUT_OFF = (Reason.MEMPOOL_FULL, Reason.NONCE_TOO_HIGH)
"""What may be accepted a moment later, unchanged."""


def retry_code(reason: Reason) -> int:
    """The code of a refusal by a node that keeps its own mempool: `RETRY_CODES` more for what is only put off."""
    return int(reason) + (RETRY_CODES if reason in PUT_OFF else 0)


class Rejection(Exception):
    """A refusal with its reason and a text that holds the numbers that made it fail."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(f"{reason.name}: {text}")
        self.reason = reason
        self.text = text


def require(condition: bool, reason: Reason, text: str) -> None:
    """Refuse unless the condition holds.

    For checks whose text costs nothing to build; others raise by themselves.

    Raises:
        Rejection: the condition does not hold.
    """
    if not condition:
        raise Rejection(reason, text)
