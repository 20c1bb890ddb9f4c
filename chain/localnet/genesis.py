"""The genesis of a localnet of Headwater: an account key for every validator, a faucet, and who else is to be funded.

The keys lie openly in DIR/keys (`validator0` …, `faucet`): use them with `--home DIR`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei, parse_lpt, parse_wei
from chain.failures import UsageFailure
from chain.keys.keyring import Keyring
from chain.keys.keystore import generate_private_key
from chain.localnet.create import GenesisWriter, LocalnetValidator
from genesis.localnet import build_localnet_genesis

CHAIN_ID = "headwater-localnet"
FAUCET = "faucet"
FAUCET_LPT = parse_lpt("100000LPT")
FAUCET_WEI = parse_wei("10000ETH")
FUNDED_LPT = parse_lpt("10000LPT")
FUNDED_WEI = parse_wei("100ETH")

Funded = tuple[Address, Lpt, Wei]


def headwater_genesis(
    preset: str = "localnet", accounts: Sequence[Funded] = (), chain_id: str = CHAIN_ID
) -> GenesisWriter:
    """A writer for `chain.localnet.create.create`; `accounts` are funded besides the validators and the faucet."""

    def write(root: Path, validators: Sequence[LocalnetValidator]) -> dict[str, Any]:
        keyring = Keyring(root)
        owners = [
            (_account(keyring, f"validator{number}"), validator.public_key, validator.name)
            for number, validator in enumerate(validators)
        ]
        faucet = (_account(keyring, FAUCET), FAUCET_LPT, FAUCET_WEI)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            return dict(build_localnet_genesis(chain_id, owners, [faucet, *accounts], preset, now))
        except ValueError as error:  # GenesisError is one
            raise UsageFailure(f"this localnet cannot start: {error}") from error

    return write


def _account(keyring: Keyring, name: str) -> Address:
    """The address of the key of this name, made if it is not there: a localnet that is made anew keeps its accounts."""
    if not any(entry.name == name for entry in keyring.list()):
        keyring.add(name, generate_private_key(), None)
    return keyring.show(name).address
