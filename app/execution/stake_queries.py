"""Queries about stake: delegators and their locks, pools, the next election, what a stake would earn in a year.

All of it is as of now, whether or not anybody has touched a record: joined bonds, rewards and fees included.
"""

from typing import Any

from app.execution.query_parts import (
    Answer,
    Item,
    Query,
    QueryError,
    older_view,
    read_address,
    require_found,
    show_address,
    table_page,
)
from app.messages.keyspace import LAYOUTS
from app.messages.record import to_json
from app.params import Params
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import MAX_AMOUNT, Round
from app.primitives.fractions import ONE, mul_floor
from app.protocol.inflation import compute_inflation_rate, compute_mintable
from app.protocol.locks import get_lock_value
from app.protocol.rounds import get_candidates_in_order
from app.protocol.stake import FEE_SCALE, compute_shares, get_candidate, get_pending_fees, get_stake, get_total_stake
from app.protocol.transcoders import effective_rates, is_electable
from app.state import tables
from app.state.tables import ReadState, Table
from app.store.state_view import StateView

MILLISECONDS_PER_YEAR = 365 * 24 * 60 * 60 * 1000


def _delegator(view: StateView, query: Query, text: str) -> Item:
    address = read_address(text)
    require_found(tables.DELEGATORS.get(view, address), f"{text} is not bonded")
    locks = [_lock_item(view, key[1], lock) for key, lock in tables.LOCKS.items(view, address)]
    return {**_delegator_item(view, address), "locks": locks}


def _delegator_item(view: ReadState, address: Address) -> Item:
    return {
        "address": to_checksum(address),
        "candidate": show_address(get_candidate(view, address)),
        "stake": str(get_stake(view, address)),
        "pending_fees": str(get_pending_fees(view, address)),
    }


def _delegators(view: StateView, query: Query) -> Item:
    return table_page(view, tables.DELEGATORS, query, lambda key, _: _delegator_item(view, key[0]))


def _locks(view: StateView, query: Query, text: str) -> Item:
    address = read_address(text)
    return table_page(view, tables.LOCKS, query, lambda key, lock: _lock_item(view, key[1], lock), address)


def _lock_item(view: StateView, lock_id: int, lock: Any) -> Item:
    value = str(get_lock_value(view, lock))
    released = view.height >= lock.release_height
    return {"lock_id": lock_id, "value": value, "released": released, **to_json(lock)}


def _accounts(view: StateView, query: Query) -> Item:
    show = lambda key, record: {"address": to_checksum(key[0]), **to_json(record)}  # noqa: E731
    return table_page(view, tables.ACCOUNTS, query, show)


def _common_pool(view: StateView, query: Query) -> Item:
    return to_json(tables.COMMON_POOL.read(view))


def _pool(view: StateView, query: Query, text: str) -> Item:
    address = read_address(text)
    record = require_found(tables.POOLS.get(view, address), f"nothing was ever bonded towards {text}")
    return {"address": to_checksum(address), "total_stake": str(get_total_stake(view, address)), **to_json(record)}


# --- the next election


def preview_election(view: StateView) -> Item:
    """What the next election would give, were it now: stakes, rates and parameters may change until then.

    The waitlist's one is drawn with randomness that is not known yet.
    """
    params, ranked = tables.PARAMS.read(view), get_candidates_in_order(view)
    now = tables.ROUND.read(view)
    elected = [(address, get_total_stake(view, address)) for address in ranked[: params.n]]
    rate = _next_rate(view, params)
    return {
        "from_height": now.start_height + now.length,
        "active_stake": str(sum(stake for _, stake in elected)),
        "inflation_rate": rate,
        "mintable": str(compute_mintable(view, rate)),
        "drawn_from": len(ranked) - len(elected),
        "elected": [{"address": to_checksum(address), "stake": str(stake)} for address, stake in elected],
    }


def _next_rate(view: ReadState, params: Params) -> Any:
    rate = tables.ROUND.read(view).inflation_rate
    return compute_inflation_rate(rate, tables.TOTALS.read(view).bonded, tables.SUPPLY.read(view).lpt, params)


# --- what a stake would earn


def _yield(view: StateView, query: Query, text: str) -> Item:
    """What a stake that is bonded now would earn in a year, in whole units: an estimate, not a promise.

    It takes for granted that stakes, rates, the round's mintable LPT and the fees of the kept heights stay as they are,
    that every reward is called and nothing slashed. Rewards stay bonded; the shares of all stay as they are by that.
    """
    address, stake = read_address(text), read_number_of_units(query.get("stake", ""))
    record = require_found(tables.TRANSCODERS.get(view, address), f"{text} is not a registered transcoder")
    params, now = tables.PARAMS.read(view), tables.ROUND.read(view)
    rates, election = effective_rates(record, Round(now.number + 1)), preview_election(view)
    rounds = MILLISECONDS_PER_YEAR // (now.length * params.block_time)
    elected = is_electable(record) and _is_elected_with(view, address, stake, params.n)
    reward = _reward_per_round(view, address, stake, rates.block_reward_cut, election) if elected else 0
    fees = _fees_per_year(view, address, stake, params) if elected else None
    return {
        "transcoder": to_checksum(address),
        "stake": str(stake),
        "elected": elected,
        "rounds_per_year": rounds,
        "reward_per_round": str(reward),
        "reward_per_year": str(reward * rounds),
        "yearly_rate": mul_floor(reward * rounds, ONE, stake),
        "fees_per_year": None if fees is None else str(fees),
        "fees_since_height": view.oldest_height,
    }


def read_number_of_units(text: str) -> int:
    """An amount of base units, more than nothing, in 128 bits.

    Raises:
        QueryError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 40) or not 0 < int(text) <= MAX_AMOUNT:
        raise QueryError(f"stake is {text!r}; it takes a number of base units, more than 0")
    return int(text)


def _is_elected_with(view: ReadState, address: Address, more: int, n: int) -> bool:
    mine = (-(get_total_stake(view, address) + more), address)
    ranked = get_candidates_in_order(view)
    before = [each for each in ranked if each != address and (-get_total_stake(view, each), each) < mine]
    return len(before) < n


def _reward_per_round(view: ReadState, address: Address, stake: int, cut: int, election: Item) -> int:
    # To the pool goes (pool + stake) ÷ (active + stake) of what is minted, of that stake ÷ (pool + stake) to the stake.
    counted = [each["address"] for each in election["elected"]]
    others = 0 if to_checksum(address) in counted else get_total_stake(view, address)
    active = int(election["active_stake"]) + others + stake
    return mul_floor(int(election["mintable"]) * (ONE - cut), stake, active * ONE)


def _fees_per_year(view: StateView, address: Address, stake: int, params: Params) -> int | None:
    """By what its pool has earned in the heights that are kept; none where they do not tell."""
    before = older_view(view)
    pool, old = tables.POOLS.read(view, address), tables.POOLS.read(before, address)
    blocks = view.height - before.height
    if not blocks or pool.era != old.era or not pool.shares:
        return None
    earned = compute_shares(pool, stake) * (pool.fee_factor - old.fee_factor)
    blocks_per_year = MILLISECONDS_PER_YEAR // params.block_time
    return mul_floor(earned, blocks_per_year, blocks * FEE_SCALE)


# --- any table


def _table(view: StateView, query: Query, name: str) -> Item:
    """Every record of a table with the parts of its key, as they stand in the state."""
    layouts = {layout.name: layout for layout in LAYOUTS}
    layout = require_found(layouts.get(name), f"there is no table {name!r}; there are {', '.join(sorted(layouts))}")

    def show(key: tuple[Any, ...], record: Any) -> Item:
        parts = [_part(kind, part) for kind, part in zip(layout.parts, key, strict=True)]
        return {"key": "/".join(parts), "record": to_json(record)}

    return table_page(view, Table(layout), query, show)


def _part(kind: Any, part: Any) -> str:
    if kind is Address:
        return to_checksum(part)
    return part.hex() if isinstance(part, bytes) else str(part)


STAKE_ANSWERS: dict[tuple[str, int], Answer] = {
    ("delegator", 1): _delegator,
    ("delegators", 0): _delegators,
    ("locks", 1): _locks,
    ("accounts", 0): _accounts,
    ("common-pool", 0): _common_pool,
    ("pool", 1): _pool,
    ("yield", 1): _yield,
    ("table", 1): _table,
}
