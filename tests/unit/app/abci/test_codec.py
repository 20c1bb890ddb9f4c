"""Requests and answers: every method both ways, and payloads that are no requests."""

import pytest

from app.abci import codec
from app.abci.application import Application
from app.abci.errors import MalformedMessage, UnknownRequest
from app.abci.proto import abci_pb2 as pb
from tests.support.abci_client import responses_of

METHODS_OF_COMETBFT = {
    *("echo", "flush", "info", "init_chain", "query", "check_tx", "commit", "list_snapshots", "offer_snapshot"),
    *("load_snapshot_chunk", "apply_snapshot_chunk", "prepare_proposal", "process_proposal", "extend_vote"),
    *("verify_vote_extension", "finalize_block", "insert_tx", "reap_txs"),
}


def test_every_method_of_cometbft_is_known():
    assert set(codec.METHODS) == METHODS_OF_COMETBFT


@pytest.mark.parametrize("method", codec.METHODS)
def test_a_request_decodes_to_its_method_and_message(method):
    request = type(getattr(pb.Request(), method))()
    assert codec.decode_request(pb.Request(**{method: request}).SerializeToString()) == (method, request)


@pytest.mark.parametrize("method", codec.METHODS)
def test_the_hand_written_envelope_is_the_one_of_protobuf(method):
    answer = type(getattr(pb.Response(), method))()
    assert responses_of(codec.encode_response(method, answer)) == [pb.Response(**{method: answer})]


def test_a_large_answer_survives_the_hand_written_envelope():
    answer = pb.ResponseFinalizeBlock(tx_results=[pb.ExecTxResult(code=1, log="x" * 300)] * 1000, app_hash=bytes(32))
    frame = codec.wrap_response("finalize_block", answer.SerializeToString())
    assert responses_of(frame) == [pb.Response(finalize_block=answer)]


def test_prepared_frames_are_what_they_say():
    assert responses_of(codec.CHECK_TX_OK + codec.FLUSH_FRAME) == [
        pb.Response(check_tx=pb.ResponseCheckTx()),
        pb.Response(flush=pb.ResponseFlush()),
    ]


def test_a_frame_is_sent_as_it_is():
    assert codec.encode_response("check_tx", codec.CHECK_TX_OK) is codec.CHECK_TX_OK


@pytest.mark.parametrize("wrong", [None, pb.ResponseQuery(), "text"])
def test_another_methods_answer_is_refused(wrong):
    with pytest.raises(TypeError, match=r"commit returned .*, not ResponseCommit"):
        codec.encode_response("commit", wrong)


@pytest.mark.parametrize("payload", [b"", b"\xa2\x1f\x00", pb.Request().SerializeToString()])
def test_a_request_without_a_known_method_is_unknown(payload):
    with pytest.raises(UnknownRequest, match="names no method"):
        codec.decode_request(payload)


@pytest.mark.parametrize("payload", [b"\xff", b"\x42\x7f", b"\x0a\x03\x0a\x01\xff"])
def test_a_payload_that_is_no_protobuf_request_is_malformed(payload):
    with pytest.raises(MalformedMessage, match="is not a protobuf Request"):
        codec.decode_request(payload)


def test_the_last_method_of_a_request_that_names_two_counts():
    check = pb.Request(check_tx=pb.RequestCheckTx(tx=b"tx")).SerializeToString()
    assert codec.decode_request(check + codec.FLUSH_PAYLOAD)[0] == "flush"


def test_the_application_has_one_method_per_request_but_flush():
    assert all(callable(getattr(Application, method)) for method in METHODS_OF_COMETBFT - {"flush"})
