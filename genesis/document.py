"""CometBFT's genesis document around our first state.

The document says two things twice, because CometBFT and the application each need them: the validators, which follow
from the stakes, and the age up to which evidence counts. Both are derived here and compared in `genesis.check`.
Integers of 64 bits are decimal strings, as CometBFT v0.40 reads and writes them (types/genesis.go).
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.messages.genesis_state import GenesisState
from app.messages.record import RecordError, from_json, to_json
from app.params import APP_VERSION, MAX_EVIDENCE_BYTES, Params, compute_evidence_age_nanoseconds
from genesis.failures import GenesisError
from genesis.validators import GenesisValidator, derive_validators, validator_address

MAX_BLOCK_BYTES = 4 * 2**20
PUBLIC_KEY_TYPE = "tendermint/PubKeyEd25519"
VOTE_EXTENSIONS_HEIGHT = 1
"""From the first block on. CometBFT accepts every number from 0 (never) up; once past, it cannot be changed."""
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Genesis:
    """A document, read: `names` are the validators' names by public key, for display only."""

    chain_id: str
    genesis_time: str
    state: GenesisState
    names: Mapping[bytes, str] = field(default_factory=dict)


def build_document(genesis: Genesis) -> Document:
    """The document as CometBFT wants it. It is not checked: see `genesis.check`."""
    return {
        "genesis_time": genesis.genesis_time,
        "chain_id": genesis.chain_id,
        "initial_height": "1",
        "consensus_params": build_consensus_params(genesis.state.params),
        "validators": [
            build_validator(item, genesis.names.get(item.pubkey, "")) for item in derive_validators(genesis.state)
        ],
        "app_hash": "",
        "app_state": to_json(genesis.state),
    }


def build_consensus_params(params: Params) -> Document:
    """CometBFT's own parameters, as far as they follow from ours."""
    return {
        "block": {"max_bytes": str(MAX_BLOCK_BYTES), "max_gas": "-1"},
        "evidence": {
            "max_age_num_blocks": str(params.evidence_max_age),
            "max_age_duration": str(compute_evidence_age_nanoseconds(params)),
            "max_bytes": str(MAX_EVIDENCE_BYTES),
        },
        "validator": {"pub_key_types": ["ed25519"]},
        "version": {"app": str(APP_VERSION)},
        "abci": {"vote_extensions_enable_height": str(VOTE_EXTENSIONS_HEIGHT)},
    }


def build_validator(validator: GenesisValidator, name: str) -> Document:
    """One entry of CometBFT's list."""
    return {
        "address": validator_address(validator.pubkey).hex().upper(),
        "pub_key": {"type": PUBLIC_KEY_TYPE, "value": base64.b64encode(validator.pubkey).decode()},
        "power": str(validator.power),
        "name": name,
    }


def read_document(document: Any) -> Genesis:
    """Read what `build_document` has built; only its form is checked, not whether a chain could start with it.

    Raises:
        GenesisError: every missing or malformed part, with its path.
    """
    if not isinstance(document, dict):
        raise GenesisError(["genesis document: not a JSON object"])
    texts: dict[str, Any] = {name: document.get(name) for name in ("chain_id", "genesis_time")}
    problems = [
        f"{name}: {value!r} is not a text" for name, value in texts.items() if not (isinstance(value, str) and value)
    ]
    if "app_state" not in document:
        raise GenesisError([*problems, "app_state: missing; make a document with: headwater genesis init"])
    try:
        state = from_json(GenesisState, document["app_state"], "app_state")
    except RecordError as error:
        raise GenesisError([*problems, *error.problems]) from None
    if problems:
        raise GenesisError(problems)
    return Genesis(**texts, state=state, names=_names(document.get("validators") or []))


def dump_document(document: Document) -> bytes:
    """The document as the bytes of its file: the same on every node."""
    return (json.dumps(document, indent=2) + "\n").encode()


def load_document(data: bytes) -> Any:
    """Parse the bytes of a file.

    Raises:
        GenesisError: not JSON, or one name twice in one object, of which JSON readers would take either.
    """
    try:
        return json.loads(data, object_pairs_hook=_unique_names)
    except (ValueError, RecursionError) as error:
        raise GenesisError([f"genesis document: not JSON: {error}"]) from None


def is_rfc3339(text: str) -> bool:
    """Whether a text is a time as CometBFT reads it, as in 2026-01-31T12:00:00Z."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def _unique_names(pairs: list[tuple[str, Any]]) -> Document:
    found: Document = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} stands twice in one object")
        found[name] = value
    return found


def _names(validators: Any) -> dict[bytes, str]:
    found = {}
    for item in validators if isinstance(validators, list) else []:
        try:
            key = base64.b64decode(item["pub_key"]["value"], validate=True)
            found[key] = str(item.get("name", ""))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue  # `genesis.check` says what is wrong with an entry; here only its name would be lost
    return found
