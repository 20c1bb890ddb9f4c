"""The validators of a document are those that the application itself elects from the same stakes."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from app.execution.engine import Engine
from app.messages.genesis_state import GenesisAccount, GenesisBond, GenesisTranscoder
from app.messages.record import to_json
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from app.store.memory import MemoryBackend
from app.store.state_store import StateStore
from genesis.check import check_state
from genesis.edit import new_genesis
from genesis.presets.registry import get_preset
from genesis.validators import derive_validators
from tests.support.genesis_documents import TIME, address_of, consensus_key

MILLI = 10**15


def _state(stakes, keyed, bonds, n):
    transcoders = tuple(
        GenesisTranscoder(
            address_of(f"t{place}"),
            Lpt(stake * MILLI),
            Wei(1),
            Fraction(0),
            Fraction(0),
            "http://h:1",
            consensus_key(f"t{place}") if has_key else b"",
        )
        for place, (stake, has_key) in enumerate(zip(stakes, keyed, strict=False))
    )
    towards = tuple(
        GenesisBond(address_of(f"d{place}"), transcoders[candidate % len(transcoders)].address, Lpt(amount * MILLI))
        for place, (candidate, amount) in enumerate(bonds)
    )
    params = replace(get_preset("test"), n=n)
    empty = new_genesis("chain", TIME, params).state
    accounts = (GenesisAccount(address_of("alice"), Lpt(1), Wei(1)),)
    return replace(empty, accounts=accounts, transcoders=transcoders, bonds=towards)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([1000, 1500, 2000, 2001]), min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3000)), max_size=4),
    st.integers(1, 4),
)
def test_document_and_application_derive_the_same_validators(stakes, keyed, bonds, n):
    state = _state(stakes, keyed, bonds, n)
    derived = [(item.pubkey, item.power) for item in derive_validators(state)]
    if not derived:
        assert any("nobody could make a block" in problem for problem in check_state(state))
        return
    assert check_state(state) == []
    engine = Engine(StateStore(MemoryBackend()))
    result = engine.init_chain("chain", 1, json.dumps(to_json(state)).encode())
    assert result.validator_updates == derived
