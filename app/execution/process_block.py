"""One block: what it settles for earlier ones, its transactions in order, and its fees."""

from collections.abc import Sequence

from app.execution.consensus_updates import compute_consensus_updates
from app.execution.dispatch import DUE_HANDLERS
from app.execution.extensions import NO_COMMIT, LastCommit, process_injection, split_injection
from app.execution.process_transaction import process_transaction
from app.execution.result import BlockResult
from app.execution.verdicts import Verdicts
from app.messages.events import ValidatorChanged
from app.primitives.amounts import Wei
from app.protocol import allocations, liveness, rounds
from app.protocol.clock import take_due
from app.protocol.earnings import credit_common_fees, credit_fees
from app.protocol.environment import BlockEnv
from app.protocol.governance import upgrades
from app.protocol.jobs import draw_waiting_jobs
from app.protocol.validators import compute_validator_updates, get_operator
from app.state.tables import ReadState, State
from app.store.overlay import Overlay


def process_block(
    last: ReadState,
    state: Overlay,
    env: BlockEnv,
    txs: Sequence[bytes],
    verdicts: Verdicts,
    commit: LastCommit = NO_COMMIT,
) -> BlockResult:
    """Execute a block on its overlay of the last state; the caller computes the app hash.

    What stands in front of the transactions has a result like theirs.
    """
    begin_block(state, env)
    front, transactions = split_injection(txs)
    results = [process_injection(state, env, raw, commit) for raw in front]
    results += [process_transaction(state, env, raw, verdicts) for raw in transactions]
    end_block(state, env)
    told = [event for result in results for event in result.events] + env.events
    changed = {event.pubkey for event in told if isinstance(event, ValidatorChanged)}
    validator_updates = compute_validator_updates(last, state, changed)
    return BlockResult(results, env.events, validator_updates, consensus_updates=compute_consensus_updates(last, state))


def begin_block(state: State, env: BlockEnv) -> None:
    """Settle what earlier blocks have left to this one's randomness and height."""
    upgrades.begin_block(state, env)
    liveness.begin_block(state, env)
    rounds.begin_block(state, env)
    allocations.begin_block(state, env)
    draw_waiting_jobs(state, env)
    for kind, (job_id, claim_id, segment) in take_due(state, env.height):
        DUE_HANDLERS[kind](state, env, job_id, claim_id, segment)


def end_block(state: State, env: BlockEnv) -> None:
    """Credit the block's fees to its proposer's transcoder, or to the CommonPool where it has none."""
    fees, env.fees = env.fees, Wei(0)
    if not fees:
        return
    operator = get_operator(state, env.proposer)
    if operator is None:
        credit_common_fees(state, env, fees)
    else:
        credit_fees(state, env, operator, fees)
