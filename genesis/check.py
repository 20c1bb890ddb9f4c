"""Whether a chain could start from a document: every field, every relation, everything found at once.

A problem is one line, `path: what is wrong and what is expected`. What a running chain refuses in a message is refused
here in its first state by the same functions.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.messages.allocation import MAX_ALLOCATIONS
from app.messages.genesis_state import GenesisProfile, GenesisState, GenesisTranscoder
from app.messages.limits import MAX_CHAIN_ID_LENGTH, MAX_TX_BYTES, MAX_URI_LENGTH, check_service_uri
from app.messages.rejections import Rejection
from app.params import APP_VERSION, compute_evidence_age_nanoseconds, find_problems
from app.primitives.address import to_checksum
from app.primitives.amounts import MAX_AMOUNT, UNITS_PER_TOKEN, format_lpt
from app.primitives.fractions import ONE
from app.primitives.hashing import ZERO_HASH
from genesis.document import (
    Document,
    Genesis,
    build_validator,
    is_rfc3339,
    read_document,
)
from genesis.failures import GenesisError
from genesis.validators import MAX_TOTAL_POWER, derive_validators, supply_lpt

Problems = Iterator[str]
LARGEST_BLOCK_BYTES = 100 * 2**20
MAX_CODEC_WEIGHT = 10**6
_MEMBERS = frozenset(
    {"genesis_time", "chain_id", "initial_height", "consensus_params", "validators", "app_hash", "app_state"}
)
_DECIMAL = re.compile(r"-?[0-9]{1,19}")
_PUBKEY_LENGTH = 32
_ZERO = bytes(20)


def check_document(document: Any) -> list[str]:
    """All problems of a document; an empty list means that a chain can start from it."""
    try:
        genesis = read_document(document)
    except GenesisError as error:
        return list(error.problems)
    return [*_check_envelope(document, genesis), *check_state(genesis.state), *_check_derived(document, genesis.state)]


def require_valid(document: Any) -> Genesis:
    """The document, read.

    Raises:
        GenesisError: with all problems.
    """
    problems = check_document(document)
    if problems:
        raise GenesisError(problems)
    return read_document(document)


def check_state(state: GenesisState) -> list[str]:
    """All problems of the first state itself."""
    checks: tuple[Callable[[GenesisState], Problems], ...] = (
        _check_params,
        _check_accounts,
        _check_transcoders,
        _check_bonds,
        _check_profiles,
        _check_allocations,
        _check_supply,
        _check_power,
    )
    return [problem for check in checks for problem in check(state)]


# --- the first state


def _check_params(state: GenesisState) -> Problems:
    for problem in find_problems(state.params):
        yield f"app_state.params: {problem}"


def _check_accounts(state: GenesisState) -> Problems:
    yield from _repeated("app_state.accounts", "address", [item.address for item in state.accounts])
    for place, item in enumerate(state.accounts):
        if item.address == _ZERO:
            yield f"app_state.accounts[{place}].address: the zero address belongs to nobody"


def _check_transcoders(state: GenesisState) -> Problems:
    path = "app_state.transcoders"
    yield from _repeated(path, "address", [item.address for item in state.transcoders])
    yield from _repeated(path, "consensus_pubkey", [item.consensus_pubkey for item in state.transcoders])
    for place, item in enumerate(state.transcoders):
        yield from _check_transcoder(f"{path}[{place}]", item, state)


def _check_transcoder(path: str, item: GenesisTranscoder, state: GenesisState) -> Problems:
    least = state.params.min_self_bond
    if item.address == _ZERO:
        yield f"{path}.address: the zero address belongs to nobody"
    if item.stake < least:
        yield f"{path}.stake: {format_lpt(item.stake)} is less than min_self_bond, {format_lpt(least)}"
    for name, fraction in (("block_reward_cut", item.block_reward_cut), ("fee_share", item.fee_share)):
        if fraction > ONE:
            yield f"{path}.{name}: {fraction} parts per billion is more than the whole"
    yield from _check_key(path, item)
    yield from _check_uri(path, item.service_uri)


def _check_key(path: str, item: GenesisTranscoder) -> Problems:
    if item.consensus_pubkey and len(item.consensus_pubkey) != _PUBKEY_LENGTH:
        length = len(item.consensus_pubkey)
        yield f"{path}.consensus_pubkey: an ed25519 key has {_PUBKEY_LENGTH} bytes, this one {length}"
    if item.consensus_pubkey and item.stake < UNITS_PER_TOKEN:
        yield f"{path}.stake: {format_lpt(item.stake)} gives no consensus power; a validator needs 1LPT"


def _check_uri(path: str, uri: str) -> Problems:
    try:
        check_service_uri(uri)
    except Rejection as rejection:
        yield f"{path}.service_uri: {rejection.text}"
    if len(uri) > MAX_URI_LENGTH:
        yield f"{path}.service_uri: {len(uri)} characters; at most {MAX_URI_LENGTH}"


def _check_bonds(state: GenesisState) -> Problems:
    transcoders = {item.address for item in state.transcoders}
    yield from _repeated("app_state.bonds", "delegator", [item.delegator for item in state.bonds])
    for place, item in enumerate(state.bonds):
        path = f"app_state.bonds[{place}]"
        if item.candidate not in transcoders:
            yield f"{path}.candidate: {to_checksum(item.candidate)} is no transcoder of this document"
        if item.delegator in transcoders:
            yield f"{path}.delegator: {to_checksum(item.delegator)} is a transcoder, which is bonded to itself"
        if not item.amount:
            yield f"{path}.amount: 0; a bond is more than nothing"


def _check_profiles(state: GenesisState) -> Problems:
    yield from _repeated("app_state.profiles", "profile_id", [item.profile_id for item in state.profiles])
    if not state.profiles:
        yield "app_state.profiles: none; without a profile no job could be ordered"
    for place, item in enumerate(state.profiles):
        yield from _check_profile(f"app_state.profiles[{place}]", item)


def _check_profile(path: str, item: GenesisProfile) -> Problems:
    for name, text, longest in (
        ("profile_id", item.profile_id, 64),
        ("codec", item.codec, 64),
        ("parameters", item.parameters, 10_000),
    ):
        if not text or len(text) > longest or not (text.isascii() and text.isprintable()):
            yield f"{path}.{name}: {text[:80]!r} is not 1 to {longest} characters of printable ASCII"
    if not 1 <= item.codec_weight <= MAX_CODEC_WEIGHT:
        yield f"{path}.codec_weight: {item.codec_weight}; 1 to {MAX_CODEC_WEIGHT}, H.264 is 1000"


def _check_allocations(state: GenesisState) -> Problems:
    item = state.allocations
    if item is None:
        return
    if not 1 <= item.count <= MAX_ALLOCATIONS:
        yield f"app_state.allocations.count: {item.count}; 1 to {MAX_ALLOCATIONS}, or null for no allocations"
    if item.total < item.count:
        yield f"app_state.allocations.total: {item.total} base units for {item.count} holders; nobody is given nothing"
    if item.root == ZERO_HASH:
        yield "app_state.allocations.root: zero; make it with: headwater genesis allocations build FILE.csv"


def _check_supply(state: GenesisState) -> Problems:
    lpt = supply_lpt(state)
    for name, total in (("LPT", lpt), ("ETH", sum(item.wei for item in state.accounts))):
        if total > MAX_AMOUNT:
            yield f"app_state: all {name} together is {total} base units, more than 128 bits can hold"


def _check_power(state: GenesisState) -> Problems:
    validators = derive_validators(state)
    total = sum(item.power for item in validators)
    if not validators:
        yield (
            "app_state.transcoders: none of the first N has a consensus key, so nobody could make a block; "
            "add one with: headwater genesis add-validator"
        )
    if total >= MAX_TOTAL_POWER:
        yield f"app_state.transcoders: a total power of {total}; CometBFT allows less than {MAX_TOTAL_POWER}"


def _repeated(path: str, name: str, values: Iterable[Any]) -> Problems:
    seen: dict[Any, int] = {}
    for place, value in enumerate(values):
        if value in seen and value:
            shown = value if isinstance(value, str) else "0x" + value.hex()
            yield f"{path}[{place}].{name}: {shown} is that of {path}[{seen[value]}] already"
        seen.setdefault(value, place)


# --- what CometBFT reads


def _check_envelope(document: Document, genesis: Genesis) -> Problems:
    for name in sorted(set(document) - _MEMBERS):
        yield f"{name}: unknown; a genesis document has {', '.join(sorted(_MEMBERS))}"
    yield from check_names(genesis.chain_id, genesis.genesis_time)
    if document.get("initial_height", "1") != "1":
        yield f'initial_height: {document["initial_height"]!r}; chains start at "1"'
    if document.get("app_hash", "") != "":
        yield "app_hash: must be empty; the application computes it from app_state"


def check_names(chain_id: str, genesis_time: str) -> Problems:
    """What is wrong with a chain's name and with its first block's time."""
    if not chain_id or len(chain_id) > MAX_CHAIN_ID_LENGTH or not _is_plain(chain_id):
        yield f"chain_id: {chain_id!r}; letters, digits, '-', '_' and '.', 1 to {MAX_CHAIN_ID_LENGTH}"
    if not is_rfc3339(genesis_time):
        yield f"genesis_time: {genesis_time!r} is not a time as in 2026-01-31T12:00:00Z"


def _is_plain(text: str) -> bool:
    return text.isascii() and all(c.isalnum() or c in "-_." for c in text)


def _check_derived(document: Document, state: GenesisState) -> Problems:
    yield from _check_consensus_params(document.get("consensus_params"), state)
    yield from _check_validators(document.get("validators"), state)


def _check_consensus_params(value: Any, state: GenesisState) -> Problems:
    if not isinstance(value, dict):
        yield f"consensus_params: {value!r} is not an object"
        return
    age, duration = state.params.evidence_max_age, compute_evidence_age_nanoseconds(state.params)
    bounds = (
        ("block.max_bytes", 2 * MAX_TX_BYTES, LARGEST_BLOCK_BYTES, "bytes, room for the largest transaction twice"),
        ("block.max_gas", -1, 2**63 - 1, "gas, -1 for no limit"),
        ("evidence.max_age_num_blocks", age, age, "blocks, as app_state.params.evidence_max_age"),
        ("evidence.max_age_duration", duration, duration, "nanoseconds, evidence_max_age × block_time"),
        ("evidence.max_bytes", 1, 2**20, "bytes"),
        ("version.app", 1, APP_VERSION, "the application's version, which headers hold"),
        ("abci.vote_extensions_enable_height", 1, 2**62, "the height from which validators attest disputed work"),
    )
    for path, low, high, meaning in bounds:
        yield from _check_bounded(value, path, low, high, meaning)
    validator = value.get("validator")
    if not isinstance(validator, dict) or validator.get("pub_key_types") != ["ed25519"]:
        yield 'consensus_params.validator.pub_key_types: ["ed25519"] is expected'


def _check_bounded(value: Document, path: str, low: int, high: int, meaning: str) -> Problems:
    section, _, name = path.partition(".")
    part = value.get(section)
    found = part.get(name) if isinstance(part, dict) else None
    if not isinstance(found, str) or not _DECIMAL.fullmatch(found):
        yield f"consensus_params.{path}: {found!r} is not a decimal string of 64 bits"
    elif not low <= int(found) <= high:
        expected = str(low) if low == high else f"{low} to {high}"
        yield f"consensus_params.{path}: {found}; {expected} ({meaning})"


def _check_validators(value: Any, state: GenesisState) -> Problems:
    expected = {str(v["pub_key"]): v for v in (build_validator(item, "") for item in derive_validators(state))}
    found: dict[str, Any] = {}
    for place, item in enumerate(value if isinstance(value, list) else []):
        path, key = f"validators[{place}]", str(item.get("pub_key")) if isinstance(item, dict) else repr(item)
        if key not in expected:
            yield f"{path}: no transcoder of app_state with enough stake has this key: {key}"
        elif key in found:
            yield f"{path}: this key stands twice"
        elif {**item, "name": ""} != expected[key]:
            yield f"{path}: power {item.get('power')!r}; by the stakes it is {expected[key]['power']!r}"
        found[key] = item
    for key, item in expected.items():
        if key not in found:
            yield f"validators: {item['address']} is missing, whose stake of {item['power']} LPT makes it a validator"
