"""What a document says, for people and for scripts."""

from dataclasses import asdict
from typing import Any

from app.messages.genesis_state import GenesisState
from app.messages.record import to_json
from app.primitives.address import to_checksum
from app.primitives.amounts import format_lpt, format_wei
from app.primitives.fractions import format_fraction
from genesis.document import Genesis
from genesis.presets.registry import PRESETS
from genesis.validators import derive_validators, supply_lpt, total_stakes


def summarize(genesis: Genesis) -> dict[str, Any]:
    """The document in one object, amounts as decimal strings of base units."""
    state = genesis.state
    return {
        "chain_id": genesis.chain_id,
        "genesis_time": genesis.genesis_time,
        "preset": matching_preset(state),
        "supply_lpt": str(supply_lpt(state)),
        "supply_wei": str(sum(item.wei for item in state.accounts)),
        "validators": [
            {
                "name": genesis.names.get(item.pubkey, ""),
                "operator": to_checksum(item.operator),
                "consensus_pubkey": item.pubkey.hex(),
                "power": item.power,
            }
            for item in derive_validators(state)
        ],
        **to_json(state),
    }


def matching_preset(state: GenesisState) -> str | None:
    """The preset whose values the document has, or none where some were changed."""
    return next((name for name, params in PRESETS.items() if params == state.params), None)


def describe(genesis: Genesis) -> str:
    """The document as lines of text."""
    state = genesis.state
    lines = [
        f"chain       {genesis.chain_id}, from {genesis.genesis_time}",
        f"parameters  {_describe_params(state)}",
        f"supply      {format_lpt(supply_lpt(state))}, {format_wei(sum(item.wei for item in state.accounts))}",
        f"profiles    {', '.join(item.profile_id for item in state.profiles)}",
        *_describe_transcoders(genesis),
        *(f"account     {to_checksum(a.address)}  {format_lpt(a.lpt)}  {format_wei(a.wei)}" for a in state.accounts),
        *(f"bond        {to_checksum(b.delegator)}  {format_lpt(b.amount)}" for b in state.bonds),
        *_describe_allocations(state),
    ]
    return "\n".join(lines)


def _describe_allocations(state: GenesisState) -> list[str]:
    item = state.allocations
    if item is None:
        return []
    return [f"allocations {item.count} holders, {format_lpt(item.total)}, root {item.root.hex()}"]


def _describe_params(state: GenesisState) -> str:
    name = matching_preset(state)
    if name:
        return f"preset {name}"
    nearest = min(PRESETS, key=lambda item: len(_differences(state, item)))
    return f"preset {nearest} but for {', '.join(_differences(state, nearest))}"


def _differences(state: GenesisState, name: str) -> list[str]:
    own, other = asdict(state.params), asdict(PRESETS[name])
    return [field for field in own if own[field] != other[field]]


def _describe_transcoders(genesis: Genesis) -> list[str]:
    powers = {item.operator: item.power for item in derive_validators(genesis.state)}
    stakes = total_stakes(genesis.state)
    return [
        f"transcoder  {to_checksum(item.address)}  stake {format_lpt(stakes[item.address])}"
        f"  price {format_wei(item.price_per_segment)}  cut {format_fraction(item.block_reward_cut)}"
        f"  share {format_fraction(item.fee_share)}  "
        + (
            f"validator {genesis.names.get(item.consensus_pubkey, '')} with power {powers[item.address]}"
            if item.address in powers
            else "no validator"
        )
        for item in genesis.state.transcoders
    ]
