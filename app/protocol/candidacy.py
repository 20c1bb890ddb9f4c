"""How a transcoder stops being a candidate (protocol.md, section 5), and leaves the set before its round ends.

A transcoder leaves when it resigns, when its own stake falls below `min_self_bond`, by unbonding or by a slash, and for
good when it has signed two blocks of one height. Its record stays, so that nobody loses a bad one by resigning and
registering again. From that moment on:

- it is not elected, takes no jobs, is not rewarded, and has no power in consensus, unless it is the last validator;
- its jobs go on until either side ends them. It claims and verifies what it did, is paid for it, and answers for it;
- those bonded to it can move or unbond at once, and so can it unbond; but its own stake does not move to another
  candidate before `unbonding_period` is over: there it would be out of reach of slashes for what it did before;
- rewards and shares of the running round are not divided anew: nobody gains when another one leaves.
"""

from dataclasses import replace

from app.messages.bodies import ResignAsTranscoder
from app.messages.events import TranscoderLeft
from app.messages.records import LeaveReason, Transcoder
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.protocol.environment import Env, TxEnv
from app.protocol.stake import get_candidate, get_stake, get_total_stake, index_candidate
from app.protocol.transcoders import get_registered, is_candidate
from app.protocol.validators import update_validators
from app.state.tables import ACTIVE, CANDIDATES_BY_PRICE, TRANSCODERS, State

# --- mutators


def leave_active_set(state: State, env: Env, address: Address) -> None:
    """Take a transcoder out of the running round, and out of consensus, unless it is not in it."""
    active = ACTIVE.get(state, address)
    if active is None or active.left:
        return
    ACTIVE.put(state, replace(active, left=True), address)
    update_validators(state, env)


def leave_candidates(state: State, env: Env, address: Address, reason: LeaveReason) -> None:
    """Take a registered transcoder out of the candidates, and out of the running round."""
    record = TRANSCODERS.read(state, address)
    index_candidate(state, address, get_total_stake(state, address), None)
    CANDIDATES_BY_PRICE.drop(state, record.next_rates.price_per_segment, address)
    TRANSCODERS.put(state, _departed(record, env), address)
    env.emit(TranscoderLeft(address, reason))
    leave_active_set(state, env, address)


def require_self_bond(state: State, env: Env, address: Address) -> None:
    """Let a transcoder leave whose own stake has become too little."""
    record = TRANSCODERS.get(state, address)
    if record is None or not is_candidate(record):
        return
    own = get_stake(state, address) if get_candidate(state, address) == address else 0
    if own < env.params.min_self_bond:
        leave_candidates(state, env, address, LeaveReason.SELF_BOND_TOO_LOW)


def _departed(record: Transcoder, env: Env) -> Transcoder:
    return replace(record, resigned_height=env.height, slots=0, withdrawn_height=env.height)


# --- transactions


def process_resign_as_transcoder(state: State, env: TxEnv, message: ResignAsTranscoder) -> None:
    """ResignAsTranscoder: stop being a candidate, also in the middle of a round or of a job.

    Raises:
        Rejection: NOT_REGISTERED.
    """
    if get_registered(state, env.sender) is None:
        raise Rejection(Reason.NOT_REGISTERED, "only a registered transcoder can resign")
    leave_candidates(state, env, env.sender, LeaveReason.RESIGNED)
