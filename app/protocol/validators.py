"""Transcoders as consensus validators (protocol.md, section 6).

An elected transcoder that published an ed25519 key is a CometBFT validator; its power is its stake in whole LPT. The
one drawn from the waitlist gets work, not power. The set is never empty: where an election would leave nobody, those
of the last set who still have a place stay, and where that is nobody, all of it stays. Who leaves within a round
leaves the set at once. Updates are differences to what CometBFT was last told, which is the pending set, because they
take effect two blocks later.
"""

from collections.abc import Collection
from dataclasses import replace

from app.messages.events import ValidatorChanged
from app.messages.records import Validator
from app.primitives.address import Address
from app.primitives.amounts import UNITS_PER_TOKEN, Height
from app.protocol.environment import Env
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, CONSENSUS_KEYS, TRANSCODERS, VALIDATORS, ReadState, State

# --- accessors


def get_operator(state: ReadState, consensus: Address) -> Address | None:
    """The transcoder behind CometBFT's address of a consensus key, or none."""
    owner = CONSENSUS_KEYS.get(state, consensus)
    return None if owner is None else owner.operator


def get_elected_validators(state: ReadState) -> dict[bytes, Validator]:
    """The validators that the active set stands for, by key."""
    elected = {}
    for (address,), active in ACTIVE.items(state):
        key, power = TRANSCODERS.read(state, address).consensus_pubkey, active.stake // UNITS_PER_TOKEN
        if key and power and not active.from_waitlist and not active.left:
            elected[key] = Validator(address, power)
    return elected


def get_remaining_validators(state: ReadState) -> dict[bytes, Validator]:
    """The validators of the last set that still have a place in the round, with their power of then, by key."""
    remaining = {}
    for _, validator in VALIDATORS.items(state):
        active = ACTIVE.get(state, validator.operator)
        if active is not None and not active.left:
            remaining[TRANSCODERS.read(state, validator.operator).consensus_pubkey] = validator
    return remaining


def compute_validator_updates(last: ReadState, state: ReadState, changed: Collection[bytes]) -> list[tuple[bytes, int]]:
    """What CometBFT must be told of the keys that a block has changed, sorted by key; 0 removes.

    The set of the last block is what it was told last. A key that a block adds and removes again was never in its set,
    and to remove it there would end the node.
    """
    updates = []
    for key in sorted(changed):
        before, after = VALIDATORS.get(last, key), VALIDATORS.get(state, key)
        powers = before.power if before else 0, after.power if after else 0
        if powers[0] != powers[1]:
            updates.append((key, powers[1]))
    return updates


# --- mutators


def update_validators(state: State, env: Env) -> None:
    """Make the consensus set follow the active set; the changes go to CometBFT with the block's events."""
    elected = get_elected_validators(state) or get_remaining_validators(state)
    if not elected:
        return
    for (key,), validator in list(VALIDATORS.items(state)):
        if key not in elected:
            VALIDATORS.drop(state, key)
            _note_removal(state, key, env.height)
            env.emit(ValidatorChanged(validator.operator, key, 0))
    for key in sorted(elected):
        if VALIDATORS.get(state, key) != elected[key]:
            VALIDATORS.put(state, elected[key], key)
            _note_removal(state, key, Height(0))
            env.emit(ValidatorChanged(elected[key].operator, key, elected[key].power))


def _note_removal(state: State, key: bytes, height: Height) -> None:
    address = consensus_address(key)
    CONSENSUS_KEYS.put(state, replace(CONSENSUS_KEYS.read(state, address), removed_height=height), address)
