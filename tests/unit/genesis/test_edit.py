"""Changes to a document, and what follows from them."""

import pytest

from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from genesis.check import check_document
from genesis.document import build_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.failures import GenesisError
from genesis.presets.registry import get_preset
from tests.support.genesis_documents import TIME, address_of, consensus_key


def _empty():
    return new_genesis("chain", TIME, get_preset("localnet"))


def _account(name, lpt=1, wei=1):
    return GenesisAccount(address_of(name), Lpt(lpt), Wei(wei))


def _transcoder(name, key=None, stake=1000):
    pubkey = consensus_key(key or name)
    return GenesisTranscoder(
        address_of(name), Lpt(stake * 10**18), Wei(1), Fraction(0), Fraction(0), "http://localhost:1", pubkey
    )


def test_a_new_document_lacks_only_a_validator():
    assert [problem.split(":")[0] for problem in check_document(build_document(_empty()))] == ["app_state.transcoders"]


def test_with_a_validator_it_can_start():
    genesis = add_transcoder(_empty(), _transcoder("a"), "node0")
    document = build_document(genesis)
    assert check_document(document) == []
    assert document["validators"][0]["name"] == "node0"


def test_the_document_before_stays_as_it_was():
    before = _empty()
    add_account(before, _account("a"))
    assert before.state.accounts == ()


def test_an_account_is_not_overwritten_unless_asked_for():
    genesis = add_account(_empty(), _account("a", 1))
    with pytest.raises(GenesisError, match="has balances in this document already"):
        add_account(genesis, _account("a", 2))
    assert add_account(genesis, _account("a", 2), replaces=True).state.accounts == (_account("a", 2),)


def test_a_transcoder_is_not_overwritten_unless_asked_for():
    genesis = add_transcoder(_empty(), _transcoder("a"))
    with pytest.raises(GenesisError, match="is registered in this document already"):
        add_transcoder(genesis, _transcoder("a", stake=5))
    again = add_transcoder(genesis, _transcoder("a", stake=500), replaces=True)
    assert build_document(again)["validators"][0]["power"] == "500"


def test_one_consensus_key_is_not_two_validators():
    genesis = add_transcoder(_empty(), _transcoder("a"))
    with pytest.raises(GenesisError, match="this consensus key is that of"):
        add_transcoder(genesis, _transcoder("b", key="a"))
