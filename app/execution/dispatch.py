"""Which chapter processes which message, and which work that has fallen due."""

from collections.abc import Callable
from typing import Any

from app.messages import bodies
from app.protocol.bonding import process_bond
from app.protocol.clock import DueKind
from app.protocol.environment import BlockEnv, TxEnv
from app.protocol.ledger import process_transfer
from app.protocol.rewards import process_reward
from app.protocol.rounds import process_initialize_round
from app.protocol.transcoders import process_transcode_availability, process_transcoder
from app.state.tables import State

Handler = Callable[[State, TxEnv, Any], None]
DueHandler = Callable[[State, BlockEnv, int, int, int], None]

HANDLERS: dict[type, Handler] = {
    bodies.Bond: process_bond,
    bodies.Transcoder: process_transcoder,
    bodies.TranscodeAvailability: process_transcode_availability,
    bodies.Reward: process_reward,
    bodies.InitializeRound: process_initialize_round,
    bodies.Transfer: process_transfer,
}

DUE_HANDLERS: dict[DueKind, DueHandler] = {}
