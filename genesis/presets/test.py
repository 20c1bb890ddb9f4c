"""Small numbers, for tests that run a chain in memory: blocks of 1 s, a round of 10 of them, fees that fit in a head.

What is not named here is the localnet preset's.
"""

from dataclasses import replace

from app.primitives.amounts import Wei
from genesis.presets.localnet import LOCALNET
from genesis.presets.units import lpt, percent

TEST = replace(
    LOCALNET,
    n=4,  # small enough that a fifth candidate waits
    round_length=10,
    round_lock_amount=percent("20"),  # 2 of 10 blocks; 10 % would be a single one
    unbonding_period=20,  # two rounds
    verification_period=6,
    slashing_period=3,  # 6 + 3 is less than a round and than the unbonding period
    verification_rate=2,  # every other segment
    missed_reward_threshold=2,
    allocation_expiry=40,  # four rounds
    min_self_bond=lpt(1),
    max_segments_per_claim=100,
    max_ranges_per_claim=8,
    max_open_jobs=4,
    job_assignment_timeout=5,
    claim_period=10,
    signed_blocks_window=10,
    jail_duration=10,
    evidence_max_age=20,
    min_verifier_bond=lpt(1),
    commit_period=3,
    reveal_period=2,
    court_window=5,
    challenge_bond=lpt(1),
    proposal_deposit=lpt(1),
    voting_period=10,
    # A transfer of 160 bytes and weight 2 pays 100 + 160 + 2 = 262 wei.
    base_fee_wei=Wei(100),
    fee_per_byte_wei=Wei(1),
    fee_per_weight_wei=Wei(1),
)
