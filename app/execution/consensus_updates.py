"""What of CometBFT's own parameters a block changes: those that follow from ours.

The age up to which CometBFT admits evidence is a parameter of the protocol, and the version of the application stands
in every header. Both are told with the block that changes them and hold from the next block on.
"""

from dataclasses import dataclass

from app.params import compute_evidence_age_nanoseconds
from app.state.tables import APP_VERSIONS, PARAMS, ReadState


@dataclass(frozen=True, slots=True)
class EvidenceAge:
    """Up to which age CometBFT admits evidence; it drops it when it is too old by both."""

    blocks: int
    nanoseconds: int


@dataclass(frozen=True, slots=True)
class ConsensusUpdates:
    """What is different from the next block on; none where it stays as it is."""

    evidence_age: EvidenceAge | None = None
    app_version: int | None = None


def compute_consensus_updates(last: ReadState, state: ReadState) -> ConsensusUpdates:
    """The difference between the state before a block and after it."""
    before, after = _evidence_age(last), _evidence_age(state)
    versions = APP_VERSIONS.read(last).version, APP_VERSIONS.read(state).version
    return ConsensusUpdates(
        after if before != after else None,
        versions[1] if versions[0] != versions[1] else None,
    )


def _evidence_age(state: ReadState) -> EvidenceAge:
    params = PARAMS.read(state)
    return EvidenceAge(params.evidence_max_age, compute_evidence_age_nanoseconds(params))
