"""Reward: minting each active transcoder's share of a round (whitepaper, *Token Generation*).

The share is `mintable × own stake ÷ all active stake`, with the stakes locked in when the round began. Nothing is
minted where the transcoder did too little of the last round's work: less than (1 - CompetitivenessTolerance) of what
its share of stake stands for, as long as there was any work; that is told by an event. Rounded down; what is not
minted belongs to nobody and simply does not come to be.
"""

from dataclasses import replace

from app.messages.bodies import Reward
from app.messages.events import RewardPaid, RewardWithheld
from app.messages.records import ActiveTranscoder, RoundState
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Lpt
from app.primitives.fractions import ONE, mul_ceil, mul_floor
from app.protocol.clock import require_initialized
from app.protocol.earnings import credit_reward
from app.protocol.environment import Env, TxEnv
from app.protocol.stake import settle_pool
from app.state.tables import ACTIVE, ROUND, TRANSCODERS, State

# --- accessors


def compute_reward(round_state: RoundState, active: ActiveTranscoder) -> Lpt:
    """The share of the round's mintable LPT that the locked stake stands for."""
    return Lpt(mul_floor(round_state.mintable, active.stake, round_state.active_stake))


def compute_expected_work(round_state: RoundState, active: ActiveTranscoder, tolerance: int) -> int:
    """The least work in the last round that keeps the reward, rounded up; 0 for who was not active then."""
    if round_state.previous_work == 0 or round_state.previous_active_stake == 0:
        return 0
    required = active.previous_stake * (ONE - tolerance)
    return mul_ceil(round_state.previous_work, required, round_state.previous_active_stake * ONE)


# --- mutators


def pay_reward(state: State, env: Env, address: Address, active: ActiveTranscoder, tolerance: int) -> None:
    """Mint a transcoder's reward for the round, or withhold it; once per round."""
    now = ROUND.read(state)
    amount, expected = compute_reward(now, active), compute_expected_work(now, active, tolerance)
    ACTIVE.put(state, replace(active, rewarded=True), address)
    TRANSCODERS.put(state, replace(TRANSCODERS.read(state, address), missed_rewards=0), address)
    if active.previous_work < expected or settle_pool(state, address).shares == 0:
        env.emit(RewardWithheld(address, now.number, amount, active.previous_work, expected))
        return
    cut = credit_reward(state, env, address, amount, active.rates.block_reward_cut)
    ROUND.put(state, replace(now, minted=Lpt(now.minted + amount)))
    env.emit(RewardPaid(address, now.number, amount, Lpt(cut)))


# --- transactions


def process_reward(state: State, env: TxEnv, message: Reward) -> None:
    """Reward: called by an active transcoder, once per round.

    Raises:
        Rejection: ROUND_NOT_INITIALIZED, NOT_ACTIVE or REWARD_ALREADY_CALLED.
    """
    now, active = require_initialized(state), ACTIVE.get(state, env.sender)
    if active is None or active.left:
        raise Rejection(Reason.NOT_ACTIVE, "only a transcoder of this round's active set is rewarded")
    if active.rewarded:
        raise Rejection(Reason.REWARD_ALREADY_CALLED, f"in round {now.number}")
    pay_reward(state, env, env.sender, active, env.params.competitiveness_tolerance)
