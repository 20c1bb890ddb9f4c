"""The answer to FinalizeBlock, written by hand where it repeats: a result and its events for every transaction.

Building protobuf objects for a transfer's two events costs half as much as executing the transfer. The bytes are those
that protobuf would write (tendermint.abci: ExecTxResult, Event, EventAttribute), which a test compares.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from app.abci.codec import Frame, wrap_response
from app.abci.framing import encode_uvarint
from app.abci.proto import abci_pb2 as pb
from app.execution.consensus_updates import ConsensusUpdates
from app.execution.result import BlockResult, TxResult
from app.messages.events import event_attributes, event_name
from app.params import MAX_EVIDENCE_BYTES

CODESPACE = "headwater"
"""Of every code that is not 0."""

_EVENT_TYPE = _ATTRIBUTE_KEY = b"\x0a"
_ATTRIBUTE = _ATTRIBUTE_VALUE = b"\x12"
_IS_INDEXED = b"\x18\x01"
_EVENT_OF_RESULT = b"\x3a"
_EVENT_OF_BLOCK = b"\x0a"
_RESULT_OF_BLOCK = b"\x12"
_LENGTHS = tuple(encode_uvarint(length) for length in range(1024))


def encode_block_result(result: BlockResult) -> Frame:
    """The frame that answers FinalizeBlock."""
    fields = [_field(_EVENT_OF_BLOCK, encode_event(event)) for event in result.events]
    fields += [_field(_RESULT_OF_BLOCK, encode_tx_result(tx)) for tx in result.tx_results]
    rest = pb.ResponseFinalizeBlock(
        validator_updates=validator_updates(result.validator_updates),
        consensus_param_updates=consensus_param_updates(result.consensus_updates),
        app_hash=result.app_hash,
    )
    fields.append(rest.SerializeToString())
    return wrap_response("finalize_block", b"".join(fields))


def encode_tx_result(result: TxResult) -> bytes:
    """One ExecTxResult."""
    parts = [_head(result.code, result.log, result.gas) if result.code else _accepted_head(result.gas)]
    parts += [_field(_EVENT_OF_RESULT, encode_event(event)) for event in result.events]
    if result.code:
        parts.append(_CODESPACE_FIELD)
    return b"".join(parts)


def encode_event(event: Any) -> bytes:
    """One Event of `app.messages.events`, every attribute of it indexed."""
    parts = [_text(_EVENT_TYPE, event_name(event))]
    for name, text in event_attributes(event):
        value = _field(_ATTRIBUTE_VALUE, text.encode()) if text else b""
        parts.append(_field(_ATTRIBUTE, _text(_ATTRIBUTE_KEY, name) + value + _IS_INDEXED))
    return b"".join(parts)


def validator_updates(updates: Iterable[tuple[bytes, int]]) -> list[pb.ValidatorUpdate]:
    """Pairs of ed25519 key and power as CometBFT takes them."""
    return [pb.ValidatorUpdate(pub_key=pb.PublicKey(ed25519=key), power=power) for key, power in updates]


def consensus_param_updates(updates: ConsensusUpdates) -> pb.ConsensusParams | None:
    """CometBFT's parameters that change, or none; what is left out stays as it is."""
    found = pb.ConsensusParams()
    if updates.evidence_age is not None:
        found.evidence.max_age_num_blocks = updates.evidence_age.blocks
        found.evidence.max_age_duration.FromNanoseconds(updates.evidence_age.nanoseconds)
        found.evidence.max_bytes = MAX_EVIDENCE_BYTES
    if updates.app_version is not None:
        found.version.app = updates.app_version
    return found if found.ByteSize() else None


def _field(tag: bytes, data: bytes) -> bytes:
    length = len(data)
    return tag + (_LENGTHS[length] if length < len(_LENGTHS) else encode_uvarint(length)) + data


@cache
def _text(tag: bytes, name: str) -> bytes:
    """A field that holds one of our own names."""
    return _field(tag, name.encode())


def _head(code: int, log: str, gas: int) -> bytes:
    """What stands before the events of a result."""
    head: bytes = pb.ExecTxResult(code=code, log=log, gas_wanted=gas, gas_used=gas).SerializeToString()
    return head


@lru_cache(maxsize=4096)
def _accepted_head(gas: int) -> bytes:
    return _head(0, "", gas)


_CODESPACE_FIELD = _field(b"\x42", CODESPACE.encode())
