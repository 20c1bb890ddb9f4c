"""A network on one machine: blocks of 1 s, a round of a minute, everything switched on.

What is not named here is the whitepaper preset's: all fractions of stake and of inflation, N, the court's and
governance's shares, and the fee schedule.
"""

from dataclasses import replace

from genesis.presets.units import MINUTE, blocks, lpt, percent
from genesis.presets.whitepaper import WHITEPAPER

BLOCK_TIME_MS = 1000
"""`timeout_commit` of 1 s. On a loopback network the rest of a block's time is a few hundredths of a second."""


def _blocks(duration_seconds: int) -> int:
    return blocks(duration_seconds, BLOCK_TIME_MS)


LOCALNET = replace(
    WHITEPAPER,
    block_time=BLOCK_TIME_MS,
    round_length=_blocks(MINUTE),  # a day in a minute: 60 s / 1 s = 60; its lock, 10 %, is 6 blocks
    # Three rounds: 180. Longer than a claim can wait for the court: 30 to be shown, 30 + 15 for its committee, 60.
    unbonding_period=_blocks(3 * MINUTE),
    verification_rate=5,  # a minute has 30 segments of 2 s: 6 challenges instead of one in 17 minutes
    verification_period=_blocks(30),  # to notice a challenge, publish input and output, send Verify: half a round
    slashing_period=_blocks(10),  # fees follow a claim after 30 + 10 blocks, within the round
    auto_initialize_round=True,
    missed_reward_threshold=3,  # three rounds are three minutes
    allocation_expiry=_blocks(60 * MINUTE),  # an hour: 60 rounds
    min_self_bond=lpt(100),
    max_segments_per_claim=300,  # 10 minutes of video, 60 challenges on average
    job_assignment_timeout=_blocks(90),  # a round and a half: a transcoder that registers now is elected in time
    claim_period=_blocks(MINUTE),  # a round, as in the whitepaper preset: 60
    signed_blocks_window=100,  # 100 s; the whitepaper preset's 10,000 would be 2.8 h
    min_signed_per_window=percent("50"),  # 50 of 100; 5 would let a validator be gone for a minute and a half
    jail_duration=_blocks(MINUTE),  # a round
    evidence_max_age=_blocks(2 * MINUTE),  # 120, less than unbonding
    min_verifier_bond=lpt(10),
    # A committee of 3 repeats 1 of 5 segments: 3 / 5 = 60 % of the work. 30 % pays for half of it, so that what a
    # transcoder earns stays the larger part of the price.
    verification_fee=percent("30"),
    # To fetch and re-execute a claim full of challenges while the same two cores run everything else: on such a machine
    # the third challenge of a claim was committed 20 to 26 blocks after its draw, too close to 30. Reveals begin once
    # all have committed, so that only a silent verifier makes anybody wait for these.
    commit_period=_blocks(MINUTE),
    reveal_period=_blocks(15),
    # Four validators on two cores re-execute a segment in 4 to 8 s, and a cheat brings several at a time.
    court_window=_blocks(MINUTE),
    challenge_bond=lpt(10),  # as a verifier's bond
    proposal_deposit=lpt(10),
    voting_period=_blocks(MINUTE),  # a round instead of ten
)
