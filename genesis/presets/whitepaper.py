"""The whitepaper's example values (*Parameter Reference*), with blocks of 5 s; what it leaves open has its reason here.

Values of the real network are those of its first deployment in 2018 unless another year is named.
"""

from app.params import Params
from app.primitives.amounts import Wei
from app.primitives.fractions import Fraction
from genesis.presets.units import DAY, GWEI, HOUR, MINUTE, blocks, lpt, percent

BLOCK_TIME_MS = 5000
"""CometBFT's default `timeout_commit` of 1 s is too short for validators on every continent; 5 s is what large
Tendermint networks run at."""


def _blocks(duration_seconds: int) -> int:
    return blocks(duration_seconds, BLOCK_TIME_MS)


WHITEPAPER = Params(
    # The whitepaper's own rows.
    t=2000,
    n=144,
    round_length=_blocks(DAY),  # 86,400 s / 5 s = 17,280
    inflation_rate=percent("0.04"),
    participation_rate=percent("50"),
    round_lock_amount=percent("10"),
    unbonding_period=_blocks(30 * DAY),  # "1 month": 2,592,000 s / 5 s = 518,400
    verification_period=_blocks(6 * HOUR),  # 21,600 s / 5 s = 4,320
    verification_rate=500,
    failed_verification_slash_amount=percent("5"),
    missed_reward_slash_amount=percent("3"),
    missed_verification_slash_amount=percent("10"),
    competitiveness_tolerance=percent("90"),
    verification_failure_threshold=percent("1"),
    finder_fee=percent("5"),
    slashing_period=_blocks(HOUR),  # 3,600 s / 5 s = 720
    # Ours.
    block_time=BLOCK_TIME_MS,
    # The real network's step: 3 of 10^6 a round = 3,000 parts per billion. From 0.04 % it takes 133 rounds to 0.
    inflation_change=Fraction(3_000),
    # "Maybe only in the case of n consecutive misses": three rounds are three days, longer than a weekend's outage.
    missed_reward_threshold=3,
    auto_initialize_round=False,  # the whitepaper has it called
    auto_reward=False,
    allocation_expiry=_blocks(540 * DAY),  # a year and a half, for who hears of it late: 46,656,000 s / 5 s = 9,331,200
    # What a transcoder can lose must be worth more than what it could take (`genesis.incentives`, at 0.001 ETH an LPT).
    # Faking the dearest segment, 37 units at 100 gwei, gains 3,700 gwei; one time in 500 it costs 5 % of a stake. That
    # asks for 37 LPT. Not calling Reward saves 3,980 gwei and costs 0.04 % of the stake: 10 LPT. 100 leave room for an
    # LPT that is worth a third of that.
    min_self_bond=lpt(100),
    # 1,000 segments of 2 s are 33 minutes of video, of which 2 are challenged on average.
    max_segments_per_claim=1000,
    max_ranges_per_claim=64,  # 64 ranges of at most 20 bytes: about 1.3 kB of a transaction
    max_open_jobs=100,
    backup_transcoders=2,
    job_assignment_timeout=_blocks(10 * MINUTE),  # 600 s / 5 s = 120
    claim_period=_blocks(DAY),  # a round: 17,280
    double_claim_slash_amount=percent("3"),  # the real network's
    double_sign_slash_amount=percent("5"),  # what the Cosmos Hub takes
    signed_blocks_window=10_000,  # the Cosmos Hub's window: 50,000 s, about 14 h
    min_signed_per_window=percent("5"),  # the Cosmos Hub's share
    jail_duration=_blocks(10 * MINUTE),  # the Cosmos Hub's 600 s / 5 s = 120
    evidence_max_age=_blocks(30 * DAY),  # as long as the stake that it would slash can be reached: unbonding_period
    min_verifier_bond=lpt(100),  # what the real network asks of who proposes (governor threshold, now)
    verifier_committee_size=3,
    verifier_quorum=2,
    verifier_miss_slash_amount=percent("1"),
    # A committee of 3 repeats 1 of 500 segments: 3 / 500 = 0.6 % of the work. 2 % pays it three times over, because a
    # verifier also waits, fetches and is drawn seldom.
    verification_fee=percent("2"),
    commit_period=_blocks(10 * MINUTE),  # 120
    reveal_period=_blocks(5 * MINUTE),  # 60
    court_window=_blocks(10 * MINUTE),  # 120
    challenge_bond=lpt(100),
    proposal_deposit=lpt(100),  # the real network's threshold for a proposal, now
    voting_period=_blocks(10 * DAY),  # the real network's 10 rounds: 172,800
    quorum=Fraction(333_300_000),  # 33.33 %, the real network's, now
    threshold=percent("50"),
    # A transfer of about 160 bytes and weight 2: 1,000 + 160 × 10 + 2 × 100 = 2,800 gwei = 2.8 × 10^-6 ETH.
    base_fee_wei=Wei(1_000 * GWEI),
    fee_per_byte_wei=Wei(10 * GWEI),
    fee_per_weight_wei=Wei(100 * GWEI),
)
