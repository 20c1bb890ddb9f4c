"""Transcoders: candidates, their rates, and what they offer (whitepaper, *Transcoder() Transaction*).

New rates apply from the next round. Inside the lock period, the last `round_lock_amount` of a round, only a candidate
that is already registered may change anything, and only its price: downwards, and not below the lowest price that any
candidate had when the lock began. The first registration tells whether the stake suffices for the active set.
"""

from dataclasses import replace

from app.messages.bodies import TranscodeAvailability
from app.messages.bodies import Transcoder as TranscoderMessage
from app.messages.events import AvailabilityChanged, TranscoderUpdated
from app.messages.limits import check_service_uri
from app.messages.records import ConsensusKeyOwner, Empty, Rates, RoundState, Transcoder
from app.messages.rejections import Reason, Rejection, require
from app.params import compute_lock_length
from app.primitives.address import Address
from app.primitives.amounts import MAX_AMOUNT, Height, Round, Wei, format_lpt, format_wei
from app.primitives.hashing import sha256
from app.protocol.clock import is_locked, require_initialized
from app.protocol.environment import TxEnv
from app.protocol.stake import get_candidate, get_stake, get_total_stake, index_candidate
from app.state.tables import (
    CANDIDATES_BY_PRICE,
    CANDIDATES_BY_STAKE,
    CONSENSUS_KEYS,
    TRANSCODERS,
    ReadState,
    State,
)

MAX_SLOTS = 10_000
PUBKEY_LENGTH = 32

# --- predicates and accessors


def is_candidate(transcoder: Transcoder) -> bool:
    """Whether a transcoder stands for election; one that has resigned can register again, a double-signer cannot."""
    return not transcoder.tombstoned and not transcoder.resigned_height


def is_electable(transcoder: Transcoder) -> bool:
    """Whether a transcoder can be elected: a candidate that is not jailed."""
    return is_candidate(transcoder) and not transcoder.jailed_until


def get_registered(state: ReadState, address: Address) -> Transcoder | None:
    """The record of a candidate; none for who has never registered, and for who has left."""
    record = TRANSCODERS.get(state, address)
    return record if record is not None and is_candidate(record) else None


def effective_rates(transcoder: Transcoder, now: Round) -> Rates:
    """The rates that hold in a round."""
    return transcoder.next_rates if now >= transcoder.next_rates_round else transcoder.rates


def get_waiting_position(state: ReadState, candidate: Address, n: int) -> int:
    """How many candidates stand between this one and the active set; 0 when its stake is in it."""
    own = CANDIDATES_BY_STAKE.layout.key(MAX_AMOUNT - get_total_stake(state, candidate), candidate)
    ahead = sum(1 for _ in state.iterate(CANDIDATES_BY_STAKE.layout.prefix, own))
    return max(0, ahead + 1 - n)


def consensus_address(pubkey: bytes) -> Address:
    """CometBFT's address of an ed25519 key."""
    return Address(sha256(pubkey)[:20])


def get_lowest_price(state: ReadState) -> Wei | None:
    """The lowest price that any candidate offers, or none without candidates."""
    for price, _ in CANDIDATES_BY_PRICE.keys(state):
        return Wei(price)
    return None


# --- mutators


def register(state: State, height: Height, address: Address, transcoder: Transcoder) -> None:
    """Write a transcoder, and keep the two orders and the owner of its consensus key with it."""
    last = TRANSCODERS.get(state, address)
    before = get_registered(state, address)
    if before is None and is_electable(transcoder):
        index_candidate(state, address, None, get_total_stake(state, address))
    if before is not None:
        CANDIDATES_BY_PRICE.drop(state, before.next_rates.price_per_segment, address)
    CANDIDATES_BY_PRICE.put(state, Empty(), transcoder.next_rates.price_per_segment, address)
    if transcoder.consensus_pubkey and (last is None or last.consensus_pubkey != transcoder.consensus_pubkey):
        own_key(state, height, address, transcoder.consensus_pubkey)
    TRANSCODERS.put(state, transcoder, address)


def own_key(state: State, height: Height, address: Address, key: bytes) -> None:
    """Write down whose consensus key this is, for ever: evidence comes late, and nobody else may use it."""
    known = CONSENSUS_KEYS.get(state, consensus_address(key)) or ConsensusKeyOwner(address, key, Height(0))
    CONSENSUS_KEYS.put(state, replace(known, published_height=height), consensus_address(key))


# --- transactions


def process_transcoder(state: State, env: TxEnv, message: TranscoderMessage) -> None:
    """Transcoder: register, or publish other rates for the next round.

    Raises:
        Rejection: INVALID_FIELD, ROUND_NOT_INITIALIZED, NOT_BONDED, SELF_BOND_TOO_LOW, TOMBSTONED,
            ROUND_LOCKED, PRICE_RULE or CONSENSUS_KEY_IN_USE.
    """
    check_service_uri(message.service_uri)
    now = require_initialized(state)
    _check_self_bond(state, env)
    before, registered = TRANSCODERS.get(state, env.sender), get_registered(state, env.sender)
    rates = Rates(message.price_per_segment, message.block_reward_cut, message.fee_share)
    require(before is None or not before.tombstoned, Reason.TOMBSTONED, "a double-signer cannot register again")
    _check_consensus_key(state, env.sender, before, message.consensus_pubkey)
    if is_locked(now, env.height, compute_lock_length(env.params)):
        _check_lock(registered, rates, message, now)
    next_round = Round(now.number + 1)
    updated = _updated(before, rates, message, now.number)
    register(state, env.height, env.sender, updated)
    env.emit(
        TranscoderUpdated(
            env.sender,
            rates.price_per_segment,
            rates.block_reward_cut,
            rates.fee_share,
            next_round,
            get_waiting_position(state, env.sender, env.params.n),
        )
    )


def process_transcode_availability(state: State, env: TxEnv, message: TranscodeAvailability) -> None:
    """TranscodeAvailability: offer job slots; 0 withdraws what is on offer.

    Raises:
        Rejection: NOT_REGISTERED or LIMIT_EXCEEDED.
    """
    transcoder = get_registered(state, env.sender)
    if transcoder is None:
        raise Rejection(Reason.NOT_REGISTERED, "only a registered transcoder can offer slots; send Transcoder first")
    slots = transcoder.slots + message.slots if message.slots else 0
    if slots > MAX_SLOTS:
        raise Rejection(Reason.LIMIT_EXCEEDED, f"{slots} slots; at most {MAX_SLOTS}")
    withdrawn = transcoder.withdrawn_height if message.slots else env.height
    TRANSCODERS.put(state, replace(transcoder, slots=slots, withdrawn_height=withdrawn), env.sender)
    env.emit(AvailabilityChanged(env.sender, slots))


# --- checks


def _check_self_bond(state: State, env: TxEnv) -> None:
    if get_candidate(state, env.sender) != env.sender:
        raise Rejection(Reason.NOT_BONDED, "a transcoder is bonded to itself; send Bond with your own address first")
    own = get_stake(state, env.sender)
    if own < env.params.min_self_bond:
        raise Rejection(
            Reason.SELF_BOND_TOO_LOW,
            f"{format_lpt(own)} of own stake; min_self_bond is {format_lpt(env.params.min_self_bond)}",
        )


def _check_consensus_key(state: State, sender: Address, before: Transcoder | None, pubkey: bytes) -> None:
    if not pubkey:
        return
    check_new_key(state, sender, pubkey)
    if before is not None and before.consensus_pubkey not in (b"", pubkey):
        raise Rejection(
            Reason.CONSENSUS_KEY_IN_USE, "another consensus key is published already; RotateConsensusKey replaces it"
        )


def check_new_key(state: ReadState, sender: Address, pubkey: bytes) -> None:
    """Refuse a consensus key that is none, or that belongs or has belonged to somebody else.

    Raises:
        Rejection: INVALID_FIELD or CONSENSUS_KEY_IN_USE.
    """
    if len(pubkey) != PUBKEY_LENGTH:
        raise Rejection(Reason.INVALID_FIELD, f"an ed25519 key has {PUBKEY_LENGTH} bytes, this one {len(pubkey)}")
    owner = CONSENSUS_KEYS.get(state, consensus_address(pubkey))
    if owner is not None and owner.operator != sender:
        raise Rejection(
            Reason.CONSENSUS_KEY_IN_USE, "this consensus key belongs, or has belonged, to another transcoder"
        )


def _check_lock(before: Transcoder | None, rates: Rates, message: TranscoderMessage, now: RoundState) -> None:
    if before is None:
        raise Rejection(Reason.ROUND_LOCKED, f"round {now.number} is in its lock period; register in the next one")
    others = (rates.block_reward_cut, rates.fee_share, message.service_uri, message.consensus_pubkey or None)
    locked = (
        before.next_rates.block_reward_cut,
        before.next_rates.fee_share,
        before.service_uri,
        before.consensus_pubkey if message.consensus_pubkey else None,
    )
    require(others == locked, Reason.ROUND_LOCKED, "in the lock period only the price may change")
    old, lowest = before.next_rates.price_per_segment, now.lowest_price or Wei(0)
    if not lowest <= rates.price_per_segment <= old:
        raise Rejection(
            Reason.PRICE_RULE,
            f"in the lock period the price may go down from {format_wei(old)} to the lowest offer, "
            f"{format_wei(lowest)}; not to {format_wei(rates.price_per_segment)}",
        )


def _updated(before: Transcoder | None, rates: Rates, message: TranscoderMessage, now: Round) -> Transcoder:
    next_round = Round(now + 1)
    if before is None:
        return Transcoder(
            rates, rates, next_round, message.service_uri, message.consensus_pubkey, 0, Height(0), False, 0
        )
    return replace(
        before,
        rates=effective_rates(before, now),
        next_rates=rates,
        next_rates_round=next_round,
        service_uri=message.service_uri,
        consensus_pubkey=message.consensus_pubkey or before.consensus_pubkey,
        resigned_height=Height(0),
    )
