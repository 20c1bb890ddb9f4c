"""Any message, any record: hypothesis strategies derived from the field types, so that none is forgotten."""

import dataclasses
import types
from enum import IntEnum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from app.messages.bodies import Body
from app.messages.transaction import TxBody
from app.primitives.address import Address
from app.primitives.amounts import MAX_AMOUNT, Amount, Height, Lpt, Round, Wei
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import Hash32

UINT64 = st.integers(0, 2**64 - 1)
AMOUNT = st.integers(0, MAX_AMOUNT)
BODY_CLASSES: tuple[Any, ...] = get_args(Body)
_SCALARS: dict[Any, Any] = {
    int: UINT64,
    Height: UINT64,
    Round: UINT64,
    bool: st.booleans(),
    Fraction: st.integers(0, ONE),
    Amount: AMOUNT,
    Lpt: AMOUNT,
    Wei: AMOUNT,
    Address: st.binary(min_size=20, max_size=20),
    Hash32: st.binary(min_size=32, max_size=32),
}


def values_of(hint: Any, limit: int = 12) -> Any:
    """A strategy for a field's type."""
    if get_origin(hint) is Annotated:
        inner, maximum = get_args(hint)
        return values_of(inner, min(maximum.maximum, limit))
    if hint in _SCALARS:
        return _SCALARS[hint]
    if hint is bytes:
        return st.binary(max_size=limit)
    if hint is str:
        return st.text(st.characters(codec="ascii"), max_size=limit)
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=min(limit, 3)).map(tuple)
    if get_origin(hint) in (types.UnionType, Union):
        return st.none() | values_of(next(a for a in get_args(hint) if a is not types.NoneType))
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return st.sampled_from(list(hint))
    return instances_of(hint)


def instances_of(cls: Any) -> Any:
    """A strategy for a dataclass."""
    hints = get_type_hints(cls, include_extras=True)
    return st.builds(cls, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(cls)})


BODIES = st.one_of([instances_of(cls) for cls in BODY_CLASSES])
TX_BODIES = st.builds(
    TxBody,
    chain_id=st.text(st.characters(codec="ascii"), max_size=50),
    nonce=UINT64,
    fee_wei=AMOUNT,
    valid_until_height=UINT64,
    messages=st.lists(BODIES, min_size=1, max_size=3).map(tuple),
    memo=st.text(max_size=20),
)
