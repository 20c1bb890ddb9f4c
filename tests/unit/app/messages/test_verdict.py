"""A commitment opens to one verdict of one verifier on one segment."""

import pytest

from app.messages.verdict import verdict_commitment
from app.primitives.hashing import sha256

GIVEN = {
    "verifier": b"\x01" * 20,
    "place": (1, 2, 3),
    "result": sha256(b"result"),
    "keyed_digest": sha256(b"digest"),
    "finding": (0, 0),
    "salt": sha256(b"salt"),
}
OTHERS = {
    "verifier": b"\x02" * 20,
    "place": (1, 3, 2),
    "result": sha256(b"other"),
    "keyed_digest": sha256(b"other"),
    "finding": (0, 1),
    "salt": sha256(b"other"),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_commitment_opens_to_nothing_else(name):
    assert verdict_commitment(**GIVEN) != verdict_commitment(**{**GIVEN, name: OTHERS[name]})


def test_a_commitment_is_the_same_for_the_same_verdict():
    assert verdict_commitment(**GIVEN) == verdict_commitment(**GIVEN)
    assert len(verdict_commitment(**GIVEN)) == 32
