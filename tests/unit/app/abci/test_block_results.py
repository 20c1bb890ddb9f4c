"""The hand-written answer to FinalizeBlock, byte by byte what protobuf writes."""

import dataclasses
import inspect
from enum import IntEnum
from typing import get_type_hints

import pytest

from app.abci.block_results import encode_block_result, encode_event, encode_tx_result
from app.abci.proto import abci_pb2 as pb
from app.execution.consensus_updates import ConsensusUpdates, EvidenceAge
from app.execution.result import BlockResult, TxResult
from app.messages import events
from app.params import MAX_EVIDENCE_BYTES
from tests.support.abci_client import responses_of

EVENT_CLASSES = [cls for _, cls in inspect.getmembers(events, dataclasses.is_dataclass)]
SAMPLES = {bytes: b"\x01" * 600, str: "stream", int: 2**70, bool: True}


def sample(hint):
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return next(iter(hint))
    supertype = getattr(hint, "__supertype__", hint)
    return SAMPLES[getattr(supertype, "__supertype__", supertype)]


def example_of(cls):
    return cls(*[sample(get_type_hints(cls)[field.name]) for field in dataclasses.fields(cls)])


def by_protobuf(event):
    pairs = events.event_attributes(event)
    attributes = [pb.EventAttribute(key=key, value=value, index=True) for key, value in pairs]
    return pb.Event(type=events.event_name(event), attributes=attributes)


@pytest.mark.parametrize("cls", EVENT_CLASSES, ids=lambda cls: cls.__name__)
def test_every_kind_of_event_has_the_bytes_of_protobuf(cls):
    event = example_of(cls)
    assert encode_event(event) == by_protobuf(event).SerializeToString()


def test_an_attribute_without_text_has_no_value_as_in_protobuf():
    event = events.ValidatorChanged(bytes(20), b"", 0)
    assert encode_event(event) == by_protobuf(event).SerializeToString()


@pytest.mark.parametrize("gas", [0, 1, 127, 128, 2**40])
@pytest.mark.parametrize(("code", "log"), [(0, ""), (21, "nonce 3 leaves a gap; é is next")])
def test_a_result_has_the_bytes_of_protobuf(gas, code, log):
    paid = events.FeePaid(b"\x05" * 20, 10**15)
    expected = pb.ExecTxResult(
        code=code,
        log=log,
        gas_wanted=gas,
        gas_used=gas,
        events=[by_protobuf(paid)],
        codespace="headwater" if code else "",
    )
    assert encode_tx_result(TxResult(code, log, gas, [paid])) == expected.SerializeToString()


def test_a_block_is_answered_with_all_its_results_events_and_updates_in_order():
    paid = [events.FeePaid(number.to_bytes(20, "big"), number) for number in range(300)]
    results = [TxResult(0, "", number, [event]) for number, event in enumerate(paid)]
    told = [events.FeesCredited(bytes(20), 1, 2), events.Deposited(bytes(20), 3)]
    frame = encode_block_result(BlockResult(results, told, [(b"k" * 32, 7), (b"l" * 32, 0)], b"h" * 32))
    expected = pb.ResponseFinalizeBlock(
        events=[by_protobuf(event) for event in told],
        tx_results=[
            pb.ExecTxResult(gas_wanted=number, gas_used=number, events=[by_protobuf(event)])
            for number, event in enumerate(paid)
        ],
        validator_updates=[
            pb.ValidatorUpdate(pub_key=pb.PublicKey(ed25519=b"k" * 32), power=7),
            pb.ValidatorUpdate(pub_key=pb.PublicKey(ed25519=b"l" * 32), power=0),
        ],
        app_hash=b"h" * 32,
    )
    assert responses_of(frame) == [pb.Response(finalize_block=expected)]


def test_an_empty_block_is_answered_too():
    (answer,) = responses_of(encode_block_result(BlockResult([], [], [], b"h" * 32)))
    assert answer == pb.Response(finalize_block=pb.ResponseFinalizeBlock(app_hash=b"h" * 32))


@pytest.mark.parametrize(
    ("updates", "expected"),
    [
        (ConsensusUpdates(), None),
        (ConsensusUpdates(app_version=2), pb.ConsensusParams(version=pb.VersionParams(app=2))),
        (
            ConsensusUpdates(EvidenceAge(15, 15_000_000_001)),
            pb.ConsensusParams(
                evidence=pb.EvidenceParams(
                    max_age_num_blocks=15, max_age_duration={"seconds": 15, "nanos": 1}, max_bytes=MAX_EVIDENCE_BYTES
                )
            ),
        ),
    ],
)
def test_what_changes_of_the_nodes_own_parameters_is_told_and_nothing_else(updates, expected):
    (answer,) = responses_of(encode_block_result(BlockResult([], [], [], b"h" * 32, updates)))
    found = answer.finalize_block
    assert found.HasField("consensus_param_updates") is (expected is not None)
    assert found.consensus_param_updates == (expected or pb.ConsensusParams())
