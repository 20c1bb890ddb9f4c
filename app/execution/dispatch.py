"""Which chapter processes which message, and which work that has fallen due."""

from collections.abc import Callable
from typing import Any

from app.messages import bodies
from app.protocol.allocations import process_claim_allocation
from app.protocol.bonding import (
    process_bond,
    process_rebond,
    process_unbond,
    process_update_delegator_stake,
)
from app.protocol.candidacy import process_resign_as_transcoder
from app.protocol.claims import choose_challenges, process_claim_work
from app.protocol.clock import DueKind
from app.protocol.deposits import process_deposit, process_withdraw
from app.protocol.environment import BlockEnv, TxEnv
from app.protocol.fee_distribution import process_distribute_fees
from app.protocol.governance.proposals import process_propose
from app.protocol.governance.voting import close_voting, process_vote
from app.protocol.jobs import close_job, process_end_job, process_job
from app.protocol.ledger import process_transfer
from app.protocol.liveness import process_rotate_consensus_key, process_unjail
from app.protocol.reassignment import process_reassign_job
from app.protocol.rewards import process_reward
from app.protocol.rounds import process_initialize_round
from app.protocol.transcoders import process_transcode_availability, process_transcoder
from app.protocol.verification.challenges import process_challenge
from app.protocol.verification.committee import close_commits, draw_committee, process_commit_verdict
from app.protocol.verification.court import close_court
from app.protocol.verification.receipts import miss_receipt, process_verify
from app.protocol.verification.registry import process_register_verifier
from app.protocol.verification.reports import process_slash_double_claim, process_slash_missed_verification
from app.protocol.verification.verdicts import close_reveals, process_reveal_verdict
from app.state.tables import State

Handler = Callable[[State, TxEnv, Any], None]
DueHandler = Callable[[State, BlockEnv, int, int, int], None]

HANDLERS: dict[type, Handler] = {
    bodies.Bond: process_bond,
    bodies.Unbond: process_unbond,
    bodies.Rebond: process_rebond,
    bodies.Transcoder: process_transcoder,
    bodies.ResignAsTranscoder: process_resign_as_transcoder,
    bodies.TranscodeAvailability: process_transcode_availability,
    bodies.Job: process_job,
    bodies.EndJob: process_end_job,
    bodies.ReassignJob: process_reassign_job,
    bodies.Deposit: process_deposit,
    bodies.Withdraw: process_withdraw,
    bodies.ClaimWork: process_claim_work,
    bodies.Verify: process_verify,
    bodies.CommitVerdict: process_commit_verdict,
    bodies.RevealVerdict: process_reveal_verdict,
    bodies.Challenge: process_challenge,
    bodies.DistributeFees: process_distribute_fees,
    bodies.Reward: process_reward,
    bodies.InitializeRound: process_initialize_round,
    bodies.UpdateDelegatorStake: process_update_delegator_stake,
    bodies.SlashMissedVerification: process_slash_missed_verification,
    bodies.SlashDoubleClaim: process_slash_double_claim,
    bodies.Propose: process_propose,
    bodies.Vote: process_vote,
    bodies.Transfer: process_transfer,
    bodies.Unjail: process_unjail,
    bodies.RotateConsensusKey: process_rotate_consensus_key,
    bodies.RegisterVerifier: process_register_verifier,
    bodies.ClaimAllocation: process_claim_allocation,
}

DUE_HANDLERS: dict[DueKind, DueHandler] = {
    DueKind.CHOOSE_CHALLENGES: choose_challenges,
    DueKind.MISS_RECEIPT: miss_receipt,
    DueKind.DRAW_COMMITTEE: draw_committee,
    DueKind.CLOSE_COMMITS: close_commits,
    DueKind.CLOSE_REVEALS: close_reveals,
    DueKind.CLOSE_JOB: close_job,
    DueKind.CLOSE_COURT: close_court,
    DueKind.CLOSE_VOTING: close_voting,
}
