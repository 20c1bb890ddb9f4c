"""The first state, from the genesis document's `app_state`."""

import json
from dataclasses import replace
from typing import Any

from app.execution.result import BlockResult
from app.messages.events import ValidatorChanged
from app.messages.genesis_state import GenesisState, GenesisTranscoder
from app.messages.record import RecordError, from_json
from app.messages.records import AppVersion, CommonPool, Profile, Rates, RoundState, Supply, Totals, Transcoder
from app.params import APP_VERSION, ParamsError, check_params
from app.primitives.amounts import MAX_AMOUNT, Height, Lpt, Round, Wei
from app.protocol.allocations import open_allocations
from app.protocol.environment import BlockEnv
from app.protocol.inflation import compute_mintable
from app.protocol.ledger import credit_lpt, credit_wei
from app.protocol.rounds import elect
from app.protocol.stake import add_to_pool
from app.protocol.transcoders import register
from app.protocol.validators import update_validators
from app.state.tables import APP_VERSIONS, COMMON_POOL, PARAMS, PROFILES, ROUND, SUPPLY, TOTALS, State


class GenesisError(Exception):
    """The genesis document's `app_state` cannot be started from; the text names the field."""


def parse_genesis_state(app_state: bytes) -> GenesisState:
    """Read `app_state` from its JSON.

    Raises:
        GenesisError: not JSON, not the right fields, or parameters out of range.
    """
    try:
        genesis = from_json(GenesisState, json.loads(app_state, parse_float=_refuse_float), "app_state")
        check_params(genesis.params)
    except (ValueError, RecordError, ParamsError) as error:
        raise GenesisError(f"{error}; `headwater genesis check` says more") from error
    return genesis


def init_chain(
    state: State, initial_height: int, genesis: GenesisState, env: BlockEnv, version: int = APP_VERSION
) -> BlockResult:
    """Write the first state, of a chain that begins with this version; round 0 begins with the first block."""
    APP_VERSIONS.put(state, AppVersion(version, 0, Height(0), 0))
    PARAMS.put(state, genesis.params)
    COMMON_POOL.put(state, CommonPool(Lpt(0), Wei(0)))
    TOTALS.put(state, Totals(Lpt(0), Lpt(0), 1, 1))
    SUPPLY.put(state, _count_supply(genesis))
    ROUND.put(state, _first_round(genesis, initial_height))
    _write_accounts(state, genesis)
    if genesis.allocations is not None:
        open_allocations(state, genesis.allocations, initial_height)
    for transcoder in genesis.transcoders:
        _write_transcoder(state, env, transcoder)
    for bond in genesis.bonds:
        add_to_pool(state, env, bond.delegator, bond.candidate, bond.amount)
    _begin_first_round(state, env)
    changed = {event.pubkey: event.power for event in env.events if isinstance(event, ValidatorChanged)}
    return BlockResult([], env.events, sorted(changed.items()))


def _refuse_float(text: str) -> Any:
    raise ValueError(f"app_state holds {text}; numbers are whole, amounts are decimal strings")


def _count_supply(genesis: GenesisState) -> Supply:
    balances = sum(account.lpt for account in genesis.accounts)
    staked = sum(t.stake for t in genesis.transcoders) + sum(bond.amount for bond in genesis.bonds)
    allocated = genesis.allocations.total if genesis.allocations is not None else 0
    wei = sum(account.wei for account in genesis.accounts)
    supply = Supply(Lpt(balances + staked + allocated), Wei(wei), Lpt(0), Lpt(0))
    if max(supply.lpt, supply.wei) > MAX_AMOUNT:
        raise GenesisError(f"app_state holds {supply.lpt} units of LPT and {supply.wei} wei; at most 2^128 - 1 of each")
    return supply


def _first_round(genesis: GenesisState, initial_height: int) -> RoundState:
    return RoundState(
        number=Round(0),
        start_height=Height(initial_height),
        length=genesis.params.round_length,
        initialized=True,
        inflation_rate=genesis.params.inflation_rate,
        mintable=Lpt(0),
        minted=Lpt(0),
        active_stake=Lpt(0),
        previous_active_stake=Lpt(0),
        work=0,
        previous_work=0,
        lowest_price=None,
    )


def _write_accounts(state: State, genesis: GenesisState) -> None:
    for account in genesis.accounts:
        credit_lpt(state, account.address, account.lpt)
        credit_wei(state, account.address, account.wei)
    for profile in genesis.profiles:
        record = Profile(profile.codec, profile.codec_weight, profile.parameters, False)
        PROFILES.put(state, record, profile.profile_id)


def _write_transcoder(state: State, env: BlockEnv, genesis: GenesisTranscoder) -> None:
    rates = Rates(genesis.price_per_segment, genesis.block_reward_cut, genesis.fee_share)
    add_to_pool(state, env, genesis.address, genesis.address, genesis.stake)
    transcoder = Transcoder(
        rates, rates, Round(0), genesis.service_uri, genesis.consensus_pubkey, 0, Height(0), False, 0
    )
    register(state, Height(0), genesis.address, transcoder)


def _begin_first_round(state: State, env: BlockEnv) -> None:
    now = ROUND.read(state)
    ROUND.put(state, replace(now, mintable=compute_mintable(state, now.inflation_rate)))
    elect(state, env)
    update_validators(state, env)
