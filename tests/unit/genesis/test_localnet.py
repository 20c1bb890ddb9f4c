"""The genesis of a network on one machine."""

import pytest

from app.primitives.amounts import Lpt, Wei
from genesis.check import require_valid
from genesis.failures import GenesisError
from genesis.localnet import build_localnet_genesis
from tests.support.genesis_documents import TIME, address_of, consensus_key, localnet_document


def test_each_validator_is_bonded_to_itself_and_has_a_balance():
    state = require_valid(localnet_document(4)).state
    assert len(state.transcoders) == 4
    accounts = {item.address: item for item in state.accounts}
    assert all(accounts[item.address].wei > 0 for item in state.transcoders)


def test_a_validator_among_the_accounts_has_those_balances():
    validators = [(address_of("a"), consensus_key("a"), "a")]
    document = build_localnet_genesis("c", validators, [(address_of("a"), Lpt(7), Wei(8))], "localnet", TIME)
    (account,) = require_valid(document).state.accounts
    assert (account.lpt, account.wei) == (7, 8)


def test_a_localnet_without_validators_is_refused():
    with pytest.raises(GenesisError, match="nobody could make a block"):
        build_localnet_genesis("c", [], [], "localnet", TIME)


def test_two_validators_with_one_key_are_refused():
    validators = [(address_of(name), consensus_key("a"), name) for name in ("a", "b")]
    with pytest.raises(GenesisError, match="consensus key"):
        build_localnet_genesis("c", validators, [], "localnet", TIME)
