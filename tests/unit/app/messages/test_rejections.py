"""Reasons: stable numbers, which are ABCI codes, and texts with the numbers."""

import pytest

from app.messages.rejections import Reason, Rejection, require

PINNED = {
    "UNDECODABLE": 1,
    "NOT_CANONICAL": 2,
    "LIMIT_EXCEEDED": 3,
    "UNKNOWN_MESSAGE": 4,
    "INVALID_SIGNATURE": 5,
    "INVALID_FIELD": 6,
    "WRONG_CHAIN": 10,
    "NONCE_TOO_LOW": 11,
    "NONCE_TOO_HIGH": 12,
    "EXPIRED": 13,
    "FEE_TOO_LOW": 14,
    "INSUFFICIENT_FUNDS": 15,
    "ROUND_NOT_INITIALIZED": 20,
    "ROUND_ALREADY_INITIALIZED": 21,
    "ROUND_LOCKED": 22,
    "ZERO_AMOUNT": 30,
    "NOT_BONDED": 31,
    "SELF_BOND_TOO_LOW": 32,
    "TRANSCODER_CANNOT_DELEGATE": 33,
    "NOT_A_CANDIDATE": 34,
    "NOT_REGISTERED": 35,
    "TOMBSTONED": 36,
    "PRICE_RULE": 37,
    "CONSENSUS_KEY_IN_USE": 38,
    "NOT_ACTIVE": 39,
    "REWARD_ALREADY_CALLED": 40,
}


def test_the_numbers_of_reasons_never_change():
    assert {reason.name: int(reason) for reason in Reason if reason.name in PINNED} == PINNED


def test_no_reason_is_acceptance():
    assert min(Reason) > 0


def test_a_rejection_tells_its_reason_and_its_text():
    rejection = Rejection(Reason.ZERO_AMOUNT, "a transfer of nothing")
    assert (rejection.reason, rejection.text) == (Reason.ZERO_AMOUNT, "a transfer of nothing")
    assert str(rejection) == "ZERO_AMOUNT: a transfer of nothing"


def test_a_requirement_that_holds_refuses_nothing():
    require(True, Reason.TOMBSTONED, "unused")
    with pytest.raises(Rejection, match="TOMBSTONED: said"):
        require(False, Reason.TOMBSTONED, "said")
