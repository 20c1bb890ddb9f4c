"""What validators owe consensus: one vote per height, and every height (protocol.md, section 6).

Evidence that a transcoder has signed two blocks of one height costs `double_sign_slash_amount` of its stake and its
place for ever: it is tombstoned, and slashed for it once, whatever evidence comes later. The address of a key leads to
its transcoder for ever, so that evidence against who has left, resigned or changed its key finds it.

A validator that has missed more than (1 - `min_signed_per_window`) of the last `signed_blocks_window` blocks loses no
stake but its place: it is jailed, out of the set, and comes back by `Unjail` once `jail_duration` is over. Misses are
counted by transcoder, so that another key does not forget them, and written down one by one: who signs costs nothing.
A vote for no block counts as signed: it was there.
"""

from dataclasses import replace

from app.messages.bodies import RotateConsensusKey, Unjail
from app.messages.events import ConsensusKeyRotated, TranscoderJailed, TranscoderUnjailed
from app.messages.records import Empty, LeaveReason, SlashReason
from app.messages.rejections import Reason, Rejection, require
from app.params import Params
from app.primitives.address import Address
from app.primitives.amounts import Height
from app.primitives.fractions import ONE
from app.protocol.candidacy import leave_active_set, leave_candidates
from app.protocol.environment import BlockEnv, Evidence, TxEnv
from app.protocol.slashing import slash
from app.protocol.stake import get_total_stake, index_candidate
from app.protocol.transcoders import check_new_key, get_registered, is_candidate, own_key
from app.protocol.validators import get_operator, update_validators
from app.state.tables import ACTIVE, MISSED_BLOCKS, TRANSCODERS, VALIDATORS, State

# --- accessors


def compute_allowed_misses(params: Params) -> int:
    """How many blocks of the window a validator may miss."""
    return params.signed_blocks_window * (ONE - params.min_signed_per_window) // ONE


# --- mutators


def begin_block(state: State, env: BlockEnv) -> None:
    """Judge what CometBFT tells of its validators with a block."""
    for evidence in env.evidence:
        punish_double_sign(state, env, evidence)
    for validator in env.absent:
        operator = get_operator(state, validator)
        if operator is not None:
            count_missed_block(state, env, operator)


def punish_double_sign(state: State, env: BlockEnv, evidence: Evidence) -> None:
    """Slash and tombstone who has signed twice, once; evidence too old, or against a key of nobody, says nothing."""
    operator, age = get_operator(state, evidence.validator), env.height - evidence.height
    if operator is None or age > env.params.evidence_max_age or TRANSCODERS.read(state, operator).tombstoned:
        return
    amount = env.params.double_sign_slash_amount
    slash(state, env, operator, amount, SlashReason.DOUBLE_SIGN, evidence.height)
    if is_candidate(TRANSCODERS.read(state, operator)):
        leave_candidates(state, env, operator, LeaveReason.TOMBSTONED)
    TRANSCODERS.put(state, replace(TRANSCODERS.read(state, operator), tombstoned=True), operator)


def count_missed_block(state: State, env: BlockEnv, operator: Address) -> None:
    """Write down that a validator of this round has not signed, and jail it when that was once too often.

    The votes in a block are about the one before, whose set may be older than this round's: who is not in the set any
    more owes nothing.
    """
    active = ACTIVE.get(state, operator)
    if active is None or active.left:
        return
    height, record = Height(env.height - 1), TRANSCODERS.read(state, operator)
    forgotten = _forget_misses(state, operator, height - env.params.signed_blocks_window)
    MISSED_BLOCKS.put(state, Empty(), operator, height)
    count = record.missed_blocks - forgotten + 1
    TRANSCODERS.put(state, replace(record, missed_blocks=count), operator)
    if count > compute_allowed_misses(env.params):
        _jail(state, env, operator, count)


def _jail(state: State, env: BlockEnv, operator: Address, count: int) -> None:
    until = Height(env.height + env.params.jail_duration)
    _forget_misses(state, operator, env.height)
    record = TRANSCODERS.read(state, operator)
    TRANSCODERS.put(state, replace(record, jailed_until=until, missed_blocks=0), operator)
    index_candidate(state, operator, get_total_stake(state, operator), None)
    env.emit(TranscoderJailed(operator, count, until))
    leave_active_set(state, env, operator)


def _forget_misses(state: State, operator: Address, last: int) -> int:
    forgotten = 0
    for _, missed in MISSED_BLOCKS.keys(state, operator):
        if missed > last:
            break
        MISSED_BLOCKS.drop(state, operator, missed)
        forgotten += 1
    return forgotten


# --- transactions


def process_unjail(state: State, env: TxEnv, message: Unjail) -> None:
    """Unjail: return to the candidates when the time in jail is over; the next election may take the sender.

    Raises:
        Rejection: NOT_REGISTERED, NOT_JAILED or STILL_JAILED.
    """
    record = get_registered(state, env.sender)
    if record is None:
        raise Rejection(Reason.NOT_REGISTERED, "only a registered transcoder can be jailed, and return")
    require(bool(record.jailed_until), Reason.NOT_JAILED, "you are not jailed")
    if env.height < record.jailed_until:
        raise Rejection(
            Reason.STILL_JAILED, f"Unjail is possible from height {record.jailed_until} on; this is {env.height}"
        )
    TRANSCODERS.put(state, replace(record, jailed_until=Height(0)), env.sender)
    index_candidate(state, env.sender, None, get_total_stake(state, env.sender))
    env.emit(TranscoderUnjailed(env.sender))


def process_rotate_consensus_key(state: State, env: TxEnv, message: RotateConsensusKey) -> None:
    """RotateConsensusKey: sign blocks with another key, two blocks from now on; a validator keeps its power.

    Raises:
        Rejection: NOT_REGISTERED, INVALID_FIELD or CONSENSUS_KEY_IN_USE.
    """
    record = get_registered(state, env.sender)
    if record is None:
        raise Rejection(
            Reason.NOT_REGISTERED, "only a registered transcoder has a consensus key; send Transcoder first"
        )
    check_new_key(state, env.sender, message.consensus_pubkey)
    if message.consensus_pubkey == record.consensus_pubkey:
        raise Rejection(Reason.CONSENSUS_KEY_IN_USE, "this is your consensus key already")
    own_key(state, env.height, env.sender, message.consensus_pubkey)
    TRANSCODERS.put(state, replace(record, consensus_pubkey=message.consensus_pubkey), env.sender)
    env.emit(ConsensusKeyRotated(env.sender, record.consensus_pubkey, message.consensus_pubkey))
    if VALIDATORS.has(state, record.consensus_pubkey):
        update_validators(state, env)
