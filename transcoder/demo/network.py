"""The demonstration's chain: a localnet with the accounts of everybody who takes part."""

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.primitives.address import Address
from chain.keys.keyring import Keyring, Signer
from chain.keys.keystore import generate_private_key
from chain.localnet.create import GenesisWriter, LocalnetValidator, create
from chain.localnet.genesis import headwater_genesis
from chain.localnet.layout import Localnet, LocalnetSettings
from genesis.check import require_valid
from genesis.presets.registry import get_preset
from transcoder.demo.script import FUNDS_LPT, FUNDS_WEI, Script

PRESET = "localnet"


def make_keys(script: Script) -> dict[str, Signer]:
    """A home with an open key for everybody; the names are those of the cast."""
    return {name: _make_key(script.root / name, name) for name in script.names.everybody}


def make_localnet(script: Script, signers: Mapping[str, Signer]) -> Localnet:
    """A new localnet in which everybody has money."""
    funded = [(signer.address, FUNDS_LPT, FUNDS_WEI) for signer in signers.values()]
    chain_id = f"headwater-demo-{secrets.token_hex(4)}"  # a name of its own: a neighbour's node is not ours
    writer = _with_verification_rate(headwater_genesis(PRESET, funded, chain_id), script)
    return create(script.root / "chain", script.validators, writer, LocalnetSettings(), usual_ports=False)


def _make_key(home: Path, name: str) -> Signer:
    keyring = Keyring(home)
    keyring.add(name, generate_private_key(), None)
    return keyring.load(name, _no_passphrase)


def _no_passphrase(name: str) -> str:
    raise AssertionError(f"the key of {name} is open")


def _with_verification_rate(write: GenesisWriter, script: Script) -> GenesisWriter:
    def wrapped(root: Path, validators: Sequence[LocalnetValidator]) -> dict[str, Any]:
        document = write(root, validators)
        params = get_preset(PRESET)
        document["app_state"]["params"]["verification_rate"] = script.verification_rate(params.t)
        require_valid(document)
        return document

    return wrapped


def addresses(signers: Mapping[str, Signer]) -> dict[Address, str]:
    """Everybody's name by address."""
    return {signer.address: name for name, signer in signers.items()}
