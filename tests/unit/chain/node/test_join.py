"""What a node's answer must be for another one to join its chain."""

import asyncio
import json

import pytest

from chain.failures import UsageFailure
from chain.node.join import JoinRefused, ask_for_mempool, is_private, name_peers, parse_hash, read_answer
from chain.rpc.types import NodeStatus, Peer, QueryResult
from genesis.document import dump_document
from genesis.localnet import build_localnet_genesis
from tests.support.genesis_documents import address_of

CHAIN = "a-chain"


@pytest.fixture
def document():
    validators = [(address_of("v"), bytes(range(32)), "v")]
    return build_localnet_genesis(CHAIN, validators, [], "localnet", "2026-01-31T12:00:00Z")


def _status(listen_address: str) -> NodeStatus:
    return NodeStatus("a" * 40, "n", CHAIN, 1, b"", b"", "", 1, False, b"", b"", 0, listen_address)


def test_what_cometbft_answers_gives_the_bytes_of_the_file_again(document):
    answered = json.loads(json.dumps(document))
    answered["consensus_params"]["authority"] = {"authority": ""}
    assert read_answer(json.dumps(answered).encode(), CHAIN) == dump_document(document)


def test_a_document_that_no_chain_could_start_from_is_refused_with_the_field(document):
    document["validators"] = []
    with pytest.raises(JoinRefused, match=r"validators: .* is missing"):
        read_answer(json.dumps(document).encode(), CHAIN)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"\xff"])
def test_an_answer_that_is_no_document_is_refused(data):
    with pytest.raises(JoinRefused):
        read_answer(data, CHAIN)


def test_a_document_of_another_chain_than_the_nodes_is_refused(document):
    with pytest.raises(JoinRefused, match="runs another, but its genesis document is of a-chain"):
        read_answer(dump_document(document), "another")


def test_a_node_that_listens_everywhere_is_reached_where_it_was_asked():
    assert name_peers("node.example.org", _status("tcp://0.0.0.0:26656"), ()) == ("a" * 40 + "@node.example.org:26656",)
    assert name_peers("::1", _status("tcp://[::]:26656"), ()) == ("a" * 40 + "@[::1]:26656",)


def test_what_a_node_announces_is_believed():
    assert name_peers("10.0.0.1", _status("tcp://203.0.113.7:1000"), ()) == ("a" * 40 + "@203.0.113.7:1000",)


def test_peers_are_taken_too_but_not_those_that_only_the_node_itself_can_reach():
    near = Peer("b" * 40, "near", "127.0.0.1", True, "tcp://127.0.0.1:2")
    far = Peer("c" * 40, "far", "203.0.113.9", False, "tcp://0.0.0.0:3")
    status = _status("tcp://0.0.0.0:1")
    assert [peer[0] for peer in name_peers("203.0.113.7", status, (near, far))] == ["a", "c"]
    assert [peer[0] for peer in name_peers("127.0.0.1", status, (near, far))] == ["a", "b", "c"]


def test_a_hash_is_64_hexadecimal_digits():
    assert parse_hash("0x" + "AB" * 32) == "ab" * 32
    for wrong in ("", "ab", "zz" * 32, "ab" * 33):
        with pytest.raises(UsageFailure, match="sha256sum"):
            parse_hash(wrong)


def test_loopback_and_local_networks_are_private_and_unknown_names_are_not():
    async def look():
        return [await is_private(host) for host in ("127.0.0.1", "192.168.1.2", "8.8.8.8", "no-such-host.invalid")]

    assert asyncio.run(look()) == [True, True, False, False]


class Answering:
    """A node that answers the question for its mempool in one way."""

    def __init__(self, code, value):
        self.answer = QueryResult(code, "", "", "", 0, b"", value, 1, ())

    async def abci_query(self, path):
        assert path == "mempool"
        return self.answer


@pytest.mark.parametrize(
    ("code", "value", "mempool"),
    [
        (0, b'{"type": "app"}', "app"),
        (0, b'{"type": "flood"}', "flood"),
        (6, b"", "flood"),
        (0, b"does not exist", "flood"),
        (0, b"[]", "flood"),
        (0, b'{"type": "x"}', "flood"),
    ],
)
def test_a_node_that_does_not_know_the_question_for_its_mempool_has_cometbfts(code, value, mempool):
    assert asyncio.run(ask_for_mempool(Answering(code, value))) == mempool
