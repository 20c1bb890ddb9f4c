"""Questions against the real application."""

import asyncio

import pytest

from app.primitives.address import to_checksum
from chain.rpc.errors import RpcMalformed
from chain.rpc.types import QueryResult
from chain.rpc.verified import QueryRefused
from chain.tx.queries import Queries
from genesis.presets.registry import get_preset
from tests.support.engine_node import EngineNode
from tests.support.genesis_documents import address_of, localnet_document


@pytest.fixture
def queries():
    return Queries(EngineNode(localnet_document(3, "test")))


def test_parameters_come_back_as_those_of_the_genesis(queries):
    assert asyncio.run(queries.params()) == get_preset("test")


def test_an_account_has_balances_as_decimal_strings(queries):
    answer = asyncio.run(queries.account(address_of("alice")))
    assert answer["lpt"] == "500000000000000000000"
    assert answer["height"] == 1


def test_a_list_is_walked_to_its_end_page_by_page(queries):
    whole = asyncio.run(queries.transcoders())
    assert len(whole["items"]) == 3
    assert whole["next"] is None
    first = asyncio.run(queries.transcoders(limit=2))
    assert first["items"] == whole["items"][:2]
    rest = asyncio.run(queries.all_items("/transcoders", after=first["next"]))
    assert rest["items"] == whole["items"][2:]


@pytest.mark.parametrize(
    ("question", "known"),
    [
        (lambda q: q.status(), "app_hash"),
        (lambda q: q.round(), "number"),
        (lambda q: q.supply(), "common_pool"),
        (lambda q: q.deposit(address_of("alice")), "amount"),
        (lambda q: q.transcoder(address_of("node0")), "own_stake"),
        (lambda q: q.delegator(address_of("node0")), "stake"),
        (lambda q: q.profile("h264-verified-1"), "codec"),
        (lambda q: q.invariants(), "holds"),
        (lambda q: q.profiles(), "items"),
        (lambda q: q.active(), "items"),
        (lambda q: q.validators(), "items"),
        (lambda q: q.jobs(status="assigned"), "items"),
        (lambda q: q.challenges(job=1, status="committing"), "items"),
        (lambda q: q.disputes(), "items"),
        (lambda q: q.verifiers(), "items"),
        (lambda q: q.claims(1), "items"),
    ],
)
def test_every_question_has_an_answer(queries, question, known):
    answer = asyncio.run(question(queries))
    assert known in answer
    assert answer["height"] == 1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (lambda q: q.job(7), "there is no job 7"),
        (lambda q: q.claim(1, 1), "job 1 has no claim 1"),
        (lambda q: q.challenge(1, 1, 1), "segment 1 is not challenged"),
        (lambda q: q.verifier(address_of("alice")), "is not a registered verifier"),
        (lambda q: q.transcoder(address_of("alice")), "is not a registered transcoder"),
        (lambda q: q.delegator(address_of("alice")), "is not bonded"),
        (lambda q: q.profile("a/b"), "no"),
        (lambda q: q.ask("/nonsense"), "no such query: '/nonsense'"),
        (lambda q: q.ask("/account/0x12"), "is not an address"),
    ],
)
def test_a_question_without_an_answer_is_an_error_in_the_chains_words(queries, question, text):
    with pytest.raises(QueryRefused, match=text):
        asyncio.run(question(queries))


class _Foreign:
    url = "http://elsewhere"

    def __init__(self, value):
        self.value = value

    async def abci_query(self, path, data=b"", height=0, prove=False):
        return QueryResult(0, "", "", "", 0, b"", self.value, 1, ())


@pytest.mark.parametrize("value", [b"", b"not json", b"[]", b"\xff", b'"text"'])
def test_another_kind_of_node_is_recognised(value):
    with pytest.raises(RpcMalformed, match="is it a Headwater node"):
        asyncio.run(Queries(_Foreign(value)).status())


def test_parameters_of_another_version_are_refused(queries):
    with pytest.raises(RpcMalformed, match="other parameters than this version knows"):
        asyncio.run(Queries(_Foreign(b'{"height": 1, "t": 2000}')).params())


def test_addresses_of_answers_have_their_checksum(queries):
    answer = asyncio.run(queries.account(address_of("alice")))
    assert answer["address"] == to_checksum(address_of("alice"))
