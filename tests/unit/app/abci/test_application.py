"""The defaults do no harm: what a node hears from an application that overrides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.abci.application import Application, describe, fit_transactions
from app.abci.proto import abci_pb2 as pb
from app.execution.proposal import proposal_size_bytes


@pytest.fixture
def application():
    return Application()


def test_info_says_that_nothing_is_committed(application):
    assert application.info(pb.RequestInfo()) == pb.ResponseInfo(last_block_height=0)


def test_a_query_is_refused_with_a_code(application):
    answer = application.query(pb.RequestQuery(path="/anything"))
    assert (answer.code, answer.codespace, answer.log) == (1, "abci", "no queries are answered here")


def test_no_peer_is_filtered_out(application):
    assert application.query(pb.RequestQuery(path="/p2p/filter/addr/10.0.0.1:26656")).code == 0


def test_every_transaction_is_accepted(application):
    assert application.check_tx(pb.RequestCheckTx(tx=b"tx")) == pb.ResponseCheckTx(code=0)


def test_an_inserted_transaction_is_accepted_and_none_is_reaped(application):
    assert application.insert_tx(pb.RequestInsertTx(tx=b"tx")).code != 0, "it would be lost"
    assert not application.reap_txs(pb.RequestReapTxs(max_bytes=1000)).txs


def test_a_raising_transaction_fails_alone_in_its_batch():
    class OneRaises(Application):
        def check_tx(self, request):
            if request.tx == b"bad":
                raise ValueError("this one")
            return pb.ResponseCheckTx()

    answers = OneRaises().check_tx_batch([pb.RequestCheckTx(tx=tx) for tx in (b"good", b"bad", b"good")])
    assert [answer.code for answer in answers] == [0, 1, 0]
    assert (answers[1].codespace, answers[1].log) == ("abci", "ValueError: this one")


def test_a_proposal_is_accepted(application):
    answer = application.process_proposal(pb.RequestProcessProposal(txs=[b"tx"]))
    assert answer.status == pb.ResponseProcessProposal.ACCEPT


def test_a_proposal_takes_what_fits(application):
    request = pb.RequestPrepareProposal(txs=[b"a" * 10, b"b" * 10, b"c" * 10], max_tx_bytes=24)
    assert list(application.prepare_proposal(request).txs) == [b"a" * 10, b"b" * 10]


def test_a_vote_is_extended_by_nothing_and_only_that_is_accepted_from_others(application):
    assert application.extend_vote(pb.RequestExtendVote()).vote_extension == b""
    verify = application.verify_vote_extension
    assert verify(pb.RequestVerifyVoteExtension()).status == pb.ResponseVerifyVoteExtension.ACCEPT
    extended = pb.RequestVerifyVoteExtension(vote_extension=b"x")
    assert verify(extended).status == pb.ResponseVerifyVoteExtension.REJECT


def test_a_block_has_as_many_results_as_transactions(application):
    assert len(application.finalize_block(pb.RequestFinalizeBlock(txs=[b"a", b"b"])).tx_results) == 2


def test_nothing_is_pruned(application):
    assert application.commit(pb.RequestCommit()).retain_height == 0


def test_the_genesis_document_is_left_as_it_is(application):
    assert application.init_chain(pb.RequestInitChain(chain_id="chain")) == pb.ResponseInitChain()


def test_there_are_no_snapshots_and_none_is_restored(application):
    assert not application.list_snapshots(pb.RequestListSnapshots()).snapshots
    assert application.load_snapshot_chunk(pb.RequestLoadSnapshotChunk(height=1)).chunk == b""
    offered = application.offer_snapshot(pb.RequestOfferSnapshot(snapshot=pb.Snapshot(height=1)))
    assert offered.result == pb.ResponseOfferSnapshot.ABORT
    applied = application.apply_snapshot_chunk(pb.RequestApplySnapshotChunk(chunk=b"x"))
    assert applied.result == pb.ResponseApplySnapshotChunk.ABORT


def test_echo_says_the_same(application):
    assert application.echo(pb.RequestEcho(message="hello")).message == "hello"


@given(st.lists(st.binary(max_size=200) | st.sampled_from([bytes(127), bytes(128), bytes(16_384)]), max_size=10))
def test_a_transactions_size_is_what_protobuf_gives_it_in_a_block(txs):
    assert sum(map(proposal_size_bytes, txs)) == len(pb.ResponsePrepareProposal(txs=txs).SerializeToString())


@given(st.lists(st.binary(max_size=200), max_size=10), st.integers(0, 2000))
def test_what_is_proposed_never_exceeds_the_limit_and_nothing_more_would_fit(txs, max_bytes):
    kept = fit_transactions(txs, max_bytes)
    assert kept == txs[: len(kept)]
    assert sum(map(proposal_size_bytes, kept)) <= max_bytes
    assert kept == txs or sum(map(proposal_size_bytes, txs[: len(kept) + 1])) > max_bytes


def test_an_errors_text_is_short_and_fits_a_protobuf_string():
    text = describe(ValueError("\ud800" + "x" * 5000))
    assert text.startswith("ValueError: ?xxx")
    assert len(text) <= 1000
