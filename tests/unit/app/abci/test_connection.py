"""The order of answers, the batches of CheckTx, and the end of a connection."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.abci.application import Application
from app.abci.codec import METHODS
from app.abci.connection import Connection
from app.abci.dispatch import call_check_tx, call_method
from app.abci.errors import MalformedMessage, TruncatedFrame, UnknownRequest
from app.abci.framing import encode_frame
from app.abci.proto import abci_pb2 as pb
from tests.support.abci_client import request_frame, responses_of

FLUSH = request_frame("flush")


def check(tx):
    return request_frame("check_tx", tx=tx)


class Tracing(Application):
    """Answers each CheckTx with its transaction, and notes the batches."""

    def __init__(self):
        self.batches = []

    def check_tx(self, request):
        return pb.ResponseCheckTx(data=request.tx)

    def check_tx_batch(self, requests):
        self.batches.append([request.tx for request in requests])
        return super().check_tx_batch(requests)


def answer_all(connection, application):
    """What the server does: call after call, until nothing waits."""
    while (call := connection.next_call()) is not None:
        if call.method == "check_tx":
            connection.answer(call_check_tx(application, call.requests))
        else:
            connection.answer([call_method(application, call.method, call.requests[0])])
    return connection.take_output()


def exchange(*frames, limit=512):
    """Answers and batches for frames that arrive at once."""
    connection, application = Connection(check_tx_batch_limit=limit), Tracing()
    connection.receive(b"".join(frames))
    return responses_of(answer_all(connection, application)), application.batches


def kinds(responses):
    return [response.WhichOneof("value") for response in responses]


@given(st.lists(st.sampled_from(METHODS), max_size=30), st.lists(st.integers(0, 400), max_size=10))
def test_answers_come_in_the_order_of_requests_however_these_arrive(methods, cuts):
    stream = b"".join(map(request_frame, methods))
    connection, application, output = Connection(check_tx_batch_limit=3), Tracing(), b""
    bounds = [0, *sorted(min(place, len(stream)) for place in cuts), len(stream)]
    for start, stop in itertools.pairwise(bounds):
        connection.receive(stream[start:stop])
        output += answer_all(connection, application)
    assert kinds(responses_of(output)) == methods


def test_check_tx_requests_that_have_all_come_are_one_batch():
    answers, batches = exchange(*(check(tx) for tx in (b"a", b"b", b"c")))
    assert batches == [[b"a", b"b", b"c"]]
    assert [answer.check_tx.data for answer in answers] == [b"a", b"b", b"c"]


def test_a_batch_goes_across_flushes_which_are_answered_in_their_places():
    answers, batches = exchange(check(b"a"), FLUSH, check(b"b"), FLUSH, FLUSH, check(b"c"), FLUSH)
    assert batches == [[b"a", b"b", b"c"]]
    assert kinds(answers) == ["check_tx", "flush", "check_tx", "flush", "flush", "check_tx", "flush"]
    assert [answer.check_tx.data for answer in answers if answer.HasField("check_tx")] == [b"a", b"b", b"c"]


def test_another_request_ends_a_batch_and_keeps_its_place():
    answers, batches = exchange(check(b"a"), check(b"b"), request_frame("commit"), check(b"c"))
    assert batches == [[b"a", b"b"], [b"c"]]
    assert kinds(answers) == ["check_tx", "check_tx", "commit", "check_tx"]


def test_a_batch_is_never_larger_than_the_limit():
    answers, batches = exchange(*(check(bytes([number])) for number in range(10)), limit=4)
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert [answer.check_tx.data for answer in answers] == [bytes([number]) for number in range(10)]


def test_no_further_call_is_made_while_one_is_out():
    connection = Connection()
    connection.receive(request_frame("query") + request_frame("info"))
    call = connection.next_call()
    assert call.method == "query"
    assert connection.next_call() is None
    assert connection.has_waiting
    connection.answer([call_method(Application(), "query", call.requests[0])])
    assert connection.next_call().method == "info"


def test_a_flush_behind_a_call_waits_for_its_answer():
    connection = Connection()
    connection.receive(request_frame("query") + FLUSH)
    call = connection.next_call()
    assert connection.take_output() == b""
    connection.answer([call_method(Application(), "query", call.requests[0])])
    assert connection.next_call() is None
    assert kinds(responses_of(connection.take_output())) == ["query", "flush"]


def test_an_answer_to_nothing_is_our_own_mistake():
    with pytest.raises(AssertionError):
        Connection().answer([])


def test_too_few_answers_are_our_own_mistake():
    connection = Connection()
    connection.receive(check(b"a") + check(b"b"))
    connection.next_call()
    with pytest.raises(AssertionError, match="as many answers as requests"):
        connection.answer([b"one"])


@pytest.mark.parametrize("first", [b"", check(b"a")])
def test_a_frame_that_is_no_request_is_malformed_also_inside_a_batch(first):
    connection = Connection()
    connection.receive(first + encode_frame(b"\xff\xff"))
    with pytest.raises(MalformedMessage):
        connection.next_call()


def test_an_empty_frame_is_an_unknown_request():
    connection = Connection()
    connection.receive(b"\x00")
    with pytest.raises(UnknownRequest):
        connection.next_call()


def test_the_stream_may_end_between_two_frames_and_not_inside_one():
    connection = Connection()
    connection.receive(FLUSH)
    connection.receive_eof()
    connection.receive(check(b"abc")[:-1])
    with pytest.raises(TruncatedFrame):
        connection.receive_eof()
