"""Rounds: the election of the active set, and everything that a round's start settles (protocol.md, section 4).

A round begins every `round_length` blocks and must be initialised once, by anybody or by the chain itself. Until then
every message that reads the round is refused. Initialising goes in this order: close the old round, apply the changes
of parameters that governance has adopted, move inflation, elect, derive the consensus validators.

Who has not called Reward in `missed_reward_threshold` rounds in a row is slashed as the last of them is closed, and
the stake that unbonded in it with it.
"""

from dataclasses import replace

from app.messages.bodies import InitializeRound
from app.messages.events import RewardMissed, RoundInitialized
from app.messages.records import ActiveTranscoder, RoundState, SlashReason
from app.messages.rejections import Reason, Rejection
from app.params import compute_lock_length
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Round
from app.protocol.clock import is_locked, is_over
from app.protocol.environment import BlockEnv, Env, TxEnv
from app.protocol.governance.electorate import keep_electorate
from app.protocol.governance.parameters import apply_adopted_changes
from app.protocol.inflation import compute_mintable, move_inflation_rate
from app.protocol.rewards import pay_reward
from app.protocol.slashing import slash
from app.protocol.sortition import draw_number
from app.protocol.stake import settle_pool
from app.protocol.transcoders import effective_rates, get_lowest_price
from app.protocol.validators import update_validators
from app.state.tables import ACTIVE, CANDIDATES_BY_STAKE, ROUND, TRANSCODERS, ReadState, State

# --- predicates and accessors


def get_candidates_in_order(state: ReadState) -> list[Address]:
    """All who can be elected, most stake first, ties by address; their records are not read, they may be very many."""
    return [address for _, address in CANDIDATES_BY_STAKE.keys(state)]


# --- mutators


def begin_block(state: State, env: BlockEnv) -> None:
    """Let the round follow the height: see that it is over, initialise the next one, note the price at the lock."""
    now = ROUND.read(state)
    if now.initialized and is_over(now, env.height):
        now = replace(now, initialized=False)
        ROUND.put(state, now)
    if not now.initialized and env.params.auto_initialize_round:
        initialize_round(state, env)
    elif env.height == now.start_height + now.length - compute_lock_length(env.params):
        ROUND.put(state, replace(now, lowest_price=get_lowest_price(state)))


def initialize_round(state: State, env: Env) -> None:
    """Close the round that is over and initialise the one that the height is in.

    Rounds that have passed in between mint nothing. Where the lock period has begun already, the lowest price is that
    of now: until a round is initialised nobody can change any.
    """
    close_round(state, env)
    keep_electorate(state)
    apply_adopted_changes(state, env)
    last = ROUND.read(state)
    passed = (env.height - last.start_height) // last.length
    rate = move_inflation_rate(state, env, last.inflation_rate)
    begun = RoundState(
        number=Round(last.number + passed),
        start_height=Height(last.start_height + passed * last.length),
        length=env.params.round_length,
        initialized=True,
        inflation_rate=rate,
        mintable=compute_mintable(state, rate),
        minted=Lpt(0),
        active_stake=Lpt(0),
        previous_active_stake=last.active_stake,
        work=0,
        previous_work=last.work,
        lowest_price=None,
    )
    if is_locked(begun, env.height, compute_lock_length(env.params)):
        begun = replace(begun, lowest_price=get_lowest_price(state))
    ROUND.put(state, begun)
    elect(state, env)
    update_validators(state, env)


def close_round(state: State, env: Env) -> None:
    """Settle the rewards of the round that is over: paid by the chain itself, or counted as missed."""
    for (address,), active in list(ACTIVE.items(state)):
        if active.rewarded or active.left:
            continue
        if env.params.auto_reward:
            pay_reward(state, env, address, active, env.params.competitiveness_tolerance)
        else:
            _miss_reward(state, env, address)


def _miss_reward(state: State, env: Env, address: Address) -> None:
    """Count a missed reward, and slash for the last of so many in a row; after that the count begins anew.

    Where governance has made the threshold smaller than what is counted already, the next miss is the last one.
    """
    now, transcoder = ROUND.read(state), TRANSCODERS.read(state, address)
    missed, threshold = transcoder.missed_rewards + 1, env.params.missed_reward_threshold
    TRANSCODERS.put(state, replace(transcoder, missed_rewards=0 if missed >= threshold else missed), address)
    env.emit(RewardMissed(address, now.number, missed))
    if missed >= threshold:
        last_height = Height(now.start_height + now.length - 1)
        slash(state, env, address, env.params.missed_reward_slash_amount, SlashReason.MISSED_REWARD, last_height)


def elect(state: State, env: Env) -> None:
    """Elect the N candidates with the most stake and one drawn from the rest; lock their stakes and rates."""
    now, last = ROUND.read(state), {address: active for (address,), active in ACTIVE.items(state)}
    for address in last:
        ACTIVE.drop(state, address)
    ranked = get_candidates_in_order(state)
    elected, rest = ranked[: env.params.n], ranked[env.params.n :]
    if rest:
        elected.append(rest[draw_number(env.randomness, b"waitlist", now.number) % len(rest)])
    total = 0
    for position, address in enumerate(elected):
        active = _lock_in(state, address, now.number, last.get(address), position >= env.params.n)
        ACTIVE.put(state, active, address)
        total += active.stake
    ROUND.put(state, replace(now, active_stake=Lpt(total)))
    env.emit(RoundInitialized(now.number, len(elected), Lpt(total), now.inflation_rate, now.mintable))


def add_work(state: State, transcoder: Address, work: int) -> None:
    """Count claimed work for a transcoder and for the round, in pixel rate × segments."""
    now, active = ROUND.read(state), ACTIVE.get(state, transcoder)
    ROUND.put(state, replace(now, work=now.work + work))
    if active is not None:
        ACTIVE.put(state, replace(active, work=active.work + work), transcoder)


def _lock_in(
    state: State, address: Address, now: Round, last: ActiveTranscoder | None, from_waitlist: bool
) -> ActiveTranscoder:
    rates = effective_rates(TRANSCODERS.read(state, address), now)
    pool = settle_pool(state, address)
    before = (last.stake, last.work) if last else (Lpt(0), 0)
    return ActiveTranscoder(pool.stake, rates, from_waitlist, False, 0, *before, shares=pool.shares, era=pool.era)


# --- transactions


def process_initialize_round(state: State, env: TxEnv, message: InitializeRound) -> None:
    """InitializeRound: from anybody, once per round.

    Raises:
        Rejection: ROUND_ALREADY_INITIALIZED.
    """
    now = ROUND.read(state)
    if now.initialized:
        raise Rejection(Reason.ROUND_ALREADY_INITIALIZED, f"round {now.number} is running")
    initialize_round(state, env)
