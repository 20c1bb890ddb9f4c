"""The genesis of a network on one machine."""

from collections.abc import Sequence

from app.messages.genesis_state import GenesisAccount, GenesisTranscoder
from app.primitives.address import Address
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import Fraction
from genesis.check import require_valid
from genesis.document import Document, build_document
from genesis.edit import add_account, add_transcoder, new_genesis
from genesis.presets.registry import get_preset
from genesis.presets.units import GWEI, lpt, percent

VALIDATOR_STAKE = lpt(1000)
VALIDATOR_BALANCE_LPT = lpt(100)
VALIDATOR_BALANCE_WEI = Wei(10 * 10**18)
NO_WORK_URI = "http://127.0.0.1:1"
"""Where a validator that offers no slots would be reached; no job is ever drawn for it."""


def build_localnet_genesis(
    chain_id: str,
    validators: Sequence[tuple[Address, bytes, str]],
    accounts: Sequence[tuple[Address, Lpt, Wei]],
    preset: str,
    genesis_time: str,
) -> Document:
    """The document of a localnet, checked.

    Args:
        chain_id: 1 to 50 letters, digits, dashes, dots and underscores.
        validators: account, ed25519 public key and name of each; it bonds 1000 LPT to itself and keeps 100 LPT and
            10 ETH. Its rates are 50 % and 50 %; it offers no job slots until it asks for some.
        accounts: further accounts with LPT and wei; one that is also a validator's has these balances instead.
        preset: name of the parameters (`genesis.presets.registry`).
        genesis_time: RFC 3339, as in 2026-01-31T12:00:00Z.

    Raises:
        GenesisError: for example a key that stands twice, or no validator at all.
        ValueError: no such preset.
    """
    genesis = new_genesis(chain_id, genesis_time, get_preset(preset))
    for address, pubkey, name in validators:
        genesis = add_transcoder(genesis, validator_transcoder(address, pubkey), name)
        genesis = add_account(genesis, GenesisAccount(address, VALIDATOR_BALANCE_LPT, VALIDATOR_BALANCE_WEI))
    named = {address for address, _, _ in validators}
    for address, amount_lpt, amount_wei in accounts:
        genesis = add_account(genesis, GenesisAccount(address, amount_lpt, amount_wei), replaces=address in named)
    document = build_document(genesis)
    require_valid(document)
    return document


def validator_transcoder(address: Address, pubkey: bytes) -> GenesisTranscoder:
    """A localnet's validator as the transcoder that it is."""
    half: Fraction = percent("50")
    price = Wei(100 * GWEI)
    return GenesisTranscoder(address, VALIDATOR_STAKE, price, half, half, NO_WORK_URI, pubkey)
