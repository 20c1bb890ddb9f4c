"""Messages of every type with fields that mean nothing, so that no type is left out of what is played at random.

A new message type is among them without anybody's doing. What is too much for any message (a sum no account has) or
beside the point (a job that does not exist) is made as often as what might by chance be right.
"""

from dataclasses import fields, is_dataclass
from enum import IntEnum
from random import Random
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from app.messages.bodies import Body
from app.primitives.address import Address
from app.primitives.hashing import Hash32

BODIES: tuple[type, ...] = get_args(Body)
_FIXED = {Address: 20, Hash32: 32}


def make_garbage(dice: Random, addresses: list[Address]) -> Any:
    """A message of any type."""
    return _make(dice, dice.choice(BODIES), addresses)


def _make(dice: Random, hint: Any, addresses: list[Address]) -> Any:
    arguments = get_args(hint)
    if hint is Address and dice.random() < 0.9:
        return dice.choice(addresses)
    if hint in _FIXED:
        return hint(dice.randbytes(_FIXED[hint]))
    if get_origin(hint) is tuple:
        return tuple(_make(dice, arguments[0], addresses) for _ in range(dice.randrange(3)))
    if get_origin(hint) in (Union, UnionType):
        return _make(dice, dice.choice(arguments), addresses)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return dice.choice(list(hint))
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return hint(**{field.name: _make(dice, hints[field.name], addresses) for field in fields(hint)})  # type: ignore
    return _make_plain(dice, getattr(hint, "__supertype__", hint), addresses)


def _make_plain(dice: Random, kind: Any, addresses: list[Address]) -> Any:
    if kind is bool:
        return dice.random() < 0.5
    if kind is int:
        return dice.choice((0, 1, 2, 7, dice.randrange(100), 10**18))
    if kind is bytes:
        return dice.randbytes(dice.choice((0, 5, 32)))
    if kind is str:
        return dice.choice(("", "x", "http://127.0.0.1:1"))
    if kind is type(None):
        return None
    return _make(dice, kind, addresses)
