"""Where the state holds money: every field of every table that is an amount, and what is in it.

A field that stands in neither of the two tables is one that nobody has thought of: `unknown_fields` names it.
"""

import dataclasses
import types
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

from app.messages import keyspace
from app.messages.bodies import Denom
from app.messages.records import CourtOutcome
from app.primitives.amounts import Amount, Lpt, Wei
from app.state.tables import ReadState, Table

Place = tuple[Any, ...]
DENOMS = {Lpt: Denom.LPT, Wei: Denom.ETH}

HELD: dict[str, tuple[str, int]] = {
    "account.lpt": ("account", 1),
    "account.wei": ("account", 1),
    "common-pool.lpt": ("common pool", 0),
    "common-pool.wei": ("common pool", 0),
    "allocations.unclaimed": ("allocations", 0),
    "pool.stake": ("pool", 1),
    "pool.joining_stake": ("pool", 1),
    "pool.fees": ("fees of pool", 1),
    "ended-era.fees": ("fees of pool", 1),
    "delegator.fees": ("fees", 1),
    "lock-batch.stake": ("lock batch", 3),
    "deposit.amount": ("deposit", 1),
    "job.escrow": ("escrow", 1),
    "claim.fee": ("claim", 2),
    "claim.verification_fee": ("claim", 2),
    "verifier.bond": ("verifier", 1),
    "proposal.proposal_deposit": ("proposal", 1),
    "dispute.bond": ("case", 1),
}
"""By table and field: the kind of place, and how many parts of the key are its name."""

KEPT_AFTERWARDS = {"dispute.bond": lambda case: case.outcome is not CourtOutcome.OPEN}
"""Fields that still say what was held once, and when that is over."""

NOT_HELD: dict[str, str] = {
    "supply": "sums, which are compared by themselves",
    "totals": "sums, which are compared by themselves",
    "params": "amounts of rules",
    "allocations.total": "of the genesis document",
    "lock.principal": "a part of a batch",
    "lock-batch.principal": "the sum of those parts",
    "transcoder.rates": "prices",
    "transcoder.next_rates": "prices",
    "round": "what may be minted, and sums of a round",
    "active": "as it was locked in, and prices",
    "job.price_per_segment": "a price",
    "job.fee_per_segment": "a price",
    "claim.challenge_fee": "a part of the verification fee",
    "verifier.fees_earned": "a record of what was paid",
    "proposal": "what is asked for, and a tally of stakes",
    "vote.stake": "as it was at a round's start",
    "ballot": "a tally of stakes",
    "elector.stake": "as it was at a round's start",
}
"""Amounts that are no money there: a whole table, or a field and what is in it."""


def amounts_of(record: Any) -> Iterator[tuple[str, Any]]:
    """Names, with dots, and types of all amounts in a record, those inside other records too."""
    for field in dataclasses.fields(record):
        yield from _amounts(field.name, get_type_hints(record)[field.name])


def unknown_fields() -> list[str]:
    """Every amount of the whole keyspace that neither table names."""
    found = [f"{layout.name}.{name}" for layout in keyspace.LAYOUTS for name, _ in amounts_of(layout.record)]
    return [path for path in found if path not in HELD and not _is_no_money(path)]


def named_in_vain() -> list[str]:
    """What a table names and the keyspace does not have."""
    found = [f"{layout.name}.{name}" for layout in keyspace.LAYOUTS for name, _ in amounts_of(layout.record)]
    return [
        name for name in [*HELD, *NOT_HELD] if not any(path == name or path.startswith(name + ".") for path in found)
    ]


def held_money(state: ReadState) -> dict[tuple[Denom, Place], int]:
    """What lies where, by the state."""
    held: dict[tuple[Denom, Place], int] = defaultdict(int)
    layouts = {layout.name: layout for layout in keyspace.LAYOUTS}
    for path, (kind, parts) in HELD.items():
        table, _, name = path.partition(".")
        layout = layouts[table]
        denom = DENOMS[get_type_hints(layout.record)[name]]
        for key, record in Table(layout).items(state):
            if path in KEPT_AFTERWARDS and KEPT_AFTERWARDS[path](record):
                continue
            held[denom, (kind, *key[:parts])] += getattr(record, name)
    return {where: amount for where, amount in held.items() if amount}


def _is_no_money(path: str) -> bool:
    parts = path.split(".")
    return any(".".join(parts[:length]) in NOT_HELD for length in range(1, len(parts) + 1))


def _amounts(name: str, hint: Any) -> Iterator[tuple[str, Any]]:
    if hint in (Lpt, Wei, Amount):
        yield name, hint
    elif get_origin(hint) in (tuple, types.UnionType, Union):
        for inner in get_args(hint):
            yield from _amounts(name, inner)
    elif dataclasses.is_dataclass(hint):
        for inner_name, inner in amounts_of(hint):
            yield f"{name}.{inner_name}", inner
