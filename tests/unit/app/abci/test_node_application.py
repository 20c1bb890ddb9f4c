"""What CometBFT says of its validators with a block, on its way to the protocol."""

import json

import pytest

from app.abci.errors import UpgradeRequired
from app.abci.node_application import NodeApplication
from app.abci.proto import abci_pb2 as pb
from app.execution.engine import Engine
from app.execution.extensions import LastCommit
from app.execution.result import TxResult
from app.messages.bundle import decode_codes, encode_bundle
from app.messages.record import to_json
from app.messages.records import AppVersion
from app.messages.rejections import Reason, Rejection
from app.protocol.environment import Evidence
from app.state.tables import APP_VERSIONS
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, VERA, force, make_genesis, start


class Recorder:
    """An engine that keeps what it is given, and stops there."""

    owns_mempool = False

    def finalize_block(self, *given):
        self.given = given
        raise StopIteration


def told(request):
    engine = Recorder()
    try:
        NodeApplication(engine, "1").finalize_block(request)
    except StopIteration:
        return engine.given
    raise AssertionError("the engine was not asked")


def vote(address, flag):
    return pb.VoteInfo(validator=pb.Validator(address=address, power=1), block_id_flag=flag)


def test_only_who_sent_no_vote_at_all_was_absent():
    votes = [
        vote(b"a" * 20, pb.BLOCK_ID_FLAG_COMMIT),
        vote(b"b" * 20, pb.BLOCK_ID_FLAG_NIL),
        vote(b"c" * 20, pb.BLOCK_ID_FLAG_ABSENT),
    ]
    request = pb.RequestFinalizeBlock(height=7, hash=b"h", decided_last_commit=pb.CommitInfo(votes=votes))
    powers = {b"a" * 20: 1, b"b" * 20: 1, b"c" * 20: 1}
    assert told(request)[4:] == ([b"c" * 20], [], LastCommit(0, powers, frozenset([b"a" * 20])))


def test_misbehaviour_of_either_kind_is_evidence_with_the_height_of_the_offence():
    misbehavior = [
        pb.Misbehavior(type=kind, validator=pb.Validator(address=b"a" * 20, power=1), height=height)
        for kind, height in ((pb.DUPLICATE_VOTE, 3), (pb.LIGHT_CLIENT_ATTACK, 4))
    ]
    evidence = told(pb.RequestFinalizeBlock(height=7, misbehavior=misbehavior))[5]
    assert evidence == [Evidence(b"a" * 20, 3), Evidence(b"a" * 20, 4)]


class Bundles:
    """An engine that answers bundles as it is told."""

    owns_mempool = True

    def __init__(self, results):
        self.results = results

    def check_bundle(self, raw):
        if isinstance(self.results, Rejection):
            raise self.results
        return self.results


def test_a_bundle_is_answered_with_a_code_for_each_member_and_the_first_refusal_in_words():
    engine = Bundles([TxResult(), TxResult(12, "a gap"), TxResult(15, "too poor")])
    answer = NodeApplication(engine, "1").check_tx(pb.RequestCheckTx(tx=encode_bundle([b"a", b"b", b"c"], 0)))
    assert (answer.code, answer.log) == (0, "2 of 3 refused, the first: a gap")
    assert decode_codes(answer.data, 3) == [0, 12, 15]


def test_what_is_no_bundle_is_refused_as_a_whole():
    engine = Bundles(Rejection(Reason.UNDECODABLE, "cut off"))
    answer = NodeApplication(engine, "1").check_tx(pb.RequestCheckTx(tx=encode_bundle([], 0)))
    assert (answer.code, answer.log, answer.data) == (Reason.UNDECODABLE, "cut off", b"")


def test_a_block_that_needs_a_later_version_asks_for_the_upgrade():
    chain = start(TEST, [VERA])
    force(chain, lambda state: APP_VERSIONS.put(state, AppVersion(2, 0, 0, 0)))
    height = chain.next_height
    with pytest.raises(
        UpgradeRequired, match=rf"^block {height} needs version 2 of .*, and this build has version 1: "
    ):
        NodeApplication(chain.engine, "1").finalize_block(pb.RequestFinalizeBlock(height=height))


def test_a_chain_that_begins_with_a_later_version_asks_for_the_upgrade():
    request = pb.RequestInitChain(initial_height=7, consensus_params={"version": {"app": 2}})
    with pytest.raises(UpgradeRequired, match=r"^block 7 needs version 2 of .*, and this build has version 1: "):
        NodeApplication(Engine(StateStore(MemoryBackend())), "1").init_chain(request)


@pytest.mark.parametrize(("document", "build"), [(1, 1), (1, 2), (2, 2)])
def test_a_chain_begins_with_the_version_of_its_genesis_document_whatever_the_build_has(document, build):
    genesis = json.dumps(to_json(make_genesis(TEST, [ALICE], [VERA]))).encode()
    application = NodeApplication(Engine(StateStore(MemoryBackend()), version=build), "1")
    request = pb.RequestInitChain(chain_id="c", initial_height=1, app_state_bytes=genesis)
    request.consensus_params.version.app = document
    assert application.init_chain(request).consensus_params == pb.ConsensusParams(version={"app": document})
    application.finalize_block(pb.RequestFinalizeBlock(height=1, hash=b"h", proposer_address=bytes(20)))
    application.commit(pb.RequestCommit())
    assert application.info(pb.RequestInfo()).app_version == document
