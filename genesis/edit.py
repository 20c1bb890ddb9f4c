"""Changing a document: each function returns a new one, with everything derived anew."""

from dataclasses import replace

from app.messages.genesis_state import GenesisAccount, GenesisAllocations, GenesisState, GenesisTranscoder
from app.params import Params
from app.primitives.address import to_checksum
from genesis.document import Genesis
from genesis.failures import GenesisError
from genesis.profiles import FIRST_PROFILES


def new_genesis(chain_id: str, genesis_time: str, params: Params) -> Genesis:
    """A chain with parameters and profiles, and nobody on it yet."""
    return Genesis(chain_id, genesis_time, GenesisState(params, (), (), (), FIRST_PROFILES))


def add_account(genesis: Genesis, account: GenesisAccount, replaces: bool = False) -> Genesis:
    """Give an account its balances.

    Raises:
        GenesisError: it has balances already, and `replaces` is not set.
    """
    others = tuple(item for item in genesis.state.accounts if item.address != account.address)
    if len(others) < len(genesis.state.accounts) and not replaces:
        raise GenesisError([f"accounts: {to_checksum(account.address)} has balances in this document already"])
    return _with_state(genesis, replace(genesis.state, accounts=(*others, account)))


def add_transcoder(genesis: Genesis, transcoder: GenesisTranscoder, name: str = "", replaces: bool = False) -> Genesis:
    """Register a transcoder, bonded to itself; with a consensus key it is a validator, `name` is shown for it.

    Raises:
        GenesisError: it is registered already and `replaces` is not set, or its key is another one's.
    """
    others = tuple(item for item in genesis.state.transcoders if item.address != transcoder.address)
    if len(others) < len(genesis.state.transcoders) and not replaces:
        raise GenesisError([f"transcoders: {to_checksum(transcoder.address)} is registered in this document already"])
    pubkey = transcoder.consensus_pubkey
    for item in others:
        if pubkey and item.consensus_pubkey == pubkey:
            raise GenesisError([f"transcoders: this consensus key is that of {to_checksum(item.address)} already"])
    names = {**genesis.names, pubkey: name} if pubkey else genesis.names
    state = replace(genesis.state, transcoders=(*others, transcoder))
    return replace(_with_state(genesis, state), names=names)


def set_allocations(genesis: Genesis, allocations: GenesisAllocations, replaces: bool = False) -> Genesis:
    """Give LPT to those who will claim it.

    Raises:
        GenesisError: the document has other allocations, and `replaces` is not set.
    """
    if genesis.state.allocations not in (None, allocations) and not replaces:
        raise GenesisError(["allocations: this document has others already"])
    return _with_state(genesis, replace(genesis.state, allocations=allocations))


def _with_state(genesis: Genesis, state: GenesisState) -> Genesis:
    return replace(genesis, state=state)
