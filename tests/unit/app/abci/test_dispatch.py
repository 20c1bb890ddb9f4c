"""What an exception in the application becomes: a code where there is one to give, the end of the process elsewhere."""

import pytest

from app.abci.application import Application
from app.abci.codec import CHECK_TX_OK, METHODS
from app.abci.dispatch import call_check_tx, call_method
from app.abci.errors import ApplicationFailure, UpgradeRequired
from app.abci.proto import abci_pb2 as pb
from tests.support.abci_client import responses_of

CODED = {"query", "insert_tx"}
FATAL = sorted(set(METHODS) - CODED - {"flush", "check_tx"})


class Raising(Application):
    """Every method raises."""

    def __getattribute__(self, name):
        if name in METHODS or name == "check_tx_batch":
            return self.explode
        return super().__getattribute__(name)

    def explode(self, request):
        raise RuntimeError("no luck \ud800")


def request_of(method):
    return type(getattr(pb.Request(), method))()


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"flush", "check_tx"}))
def test_a_request_is_answered_by_the_method_of_its_name(method):
    (answer,) = responses_of(call_method(Application(), method, request_of(method)))
    assert answer.WhichOneof("value") == method


def test_an_exception_in_query_becomes_a_code_and_a_log():
    (answer,) = responses_of(call_method(Raising(), "query", pb.RequestQuery()))
    assert (answer.query.code, answer.query.codespace, answer.query.log) == (1, "abci", "RuntimeError: no luck ?")


def test_an_exception_in_insert_tx_becomes_a_code_that_asks_for_no_retry():
    (answer,) = responses_of(call_method(Raising(), "insert_tx", pb.RequestInsertTx()))
    assert answer.insert_tx.code == 1


def test_the_need_of_an_upgrade_is_no_failure_of_the_application():
    class TooOld(Application):
        def finalize_block(self, request):
            raise UpgradeRequired("block 7 needs version 2")

    with pytest.raises(UpgradeRequired, match=r"^block 7 needs version 2$"):
        call_method(TooOld(), "finalize_block", pb.RequestFinalizeBlock())


@pytest.mark.parametrize("method", FATAL)
def test_an_exception_elsewhere_is_a_failure_that_names_the_method(method):
    with pytest.raises(ApplicationFailure, match=f"^{method} failed: RuntimeError: no luck") as caught:
        call_method(Raising(), method, request_of(method))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_method_that_returns_another_methods_answer_is_a_failure():
    class Confused(Application):
        def commit(self, request):
            return pb.ResponseInfo()

    with pytest.raises(ApplicationFailure, match="commit returned ResponseInfo"):
        call_method(Confused(), "commit", pb.RequestCommit())


def test_a_batch_that_raises_is_refused_as_a_whole():
    answers = responses_of(b"".join(call_check_tx(Raising(), [pb.RequestCheckTx()] * 3)))
    assert [(answer.check_tx.code, answer.check_tx.log) for answer in answers] == [(1, "RuntimeError: no luck ?")] * 3


def test_a_batch_with_too_few_answers_is_refused_as_a_whole():
    class Forgetful(Application):
        def check_tx_batch(self, requests):
            return [CHECK_TX_OK]

    answers = responses_of(b"".join(call_check_tx(Forgetful(), [pb.RequestCheckTx()] * 2)))
    assert [answer.check_tx.log for answer in answers] == [
        "RuntimeError: check_tx_batch gave 1 answers to 2 requests"
    ] * 2


def test_a_batch_may_mix_frames_and_messages():
    class Mixed(Application):
        def check_tx_batch(self, requests):
            return [CHECK_TX_OK, pb.ResponseCheckTx(code=7)]

    answers = responses_of(b"".join(call_check_tx(Mixed(), [pb.RequestCheckTx()] * 2)))
    assert [answer.check_tx.code for answer in answers] == [0, 7]
