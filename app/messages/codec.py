"""Between protobuf messages and our dataclasses of the same name; the only module that knows generated code.

Nothing raises but `Rejection`. What is accepted is canonical: encoding the decoded message again gives the same
bytes, unknown fields refused, so that a transaction has one form and one hash.
"""

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

from google.protobuf.message import DecodeError

from app.messages import bodies, headwater_pb2
from app.messages.limits import check_length
from app.messages.rejections import Reason, Rejection
from app.primitives.address import ADDRESS_LENGTH, Address
from app.primitives.amounts import MAX_AMOUNT, Amount, Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from app.primitives.hashing import Hash32

MAX_UINT64 = 2**64 - 1
_BODY_CLASSES: dict[str, type] = {
    field.name: getattr(bodies, field.message_type.name)
    for field in headwater_pb2.Message.DESCRIPTOR.oneofs_by_name["body"].fields
}
_BODY_NAMES = {cls: name for name, cls in _BODY_CLASSES.items()}


class FieldCodec(NamedTuple):
    """How one field goes into protobuf's form and comes back, checked."""

    to_wire: Callable[[Any], Any]
    from_wire: Callable[[Any, str], Any]


def message_name(body: bodies.Body) -> str:
    """The name of a message as events, commands and weights use it, as in `claim_work`."""
    return _BODY_NAMES[type(body)]


def message_names() -> list[str]:
    """The names of all messages that this version knows."""
    return list(_BODY_CLASSES)


def message_class(name: str) -> type:
    """The dataclass of a message name.

    Raises:
        KeyError: no such message.
    """
    return _BODY_CLASSES[name]


def parse_canonical(message_type: Any, data: bytes) -> Any:
    """Parse bytes as a protobuf message and insist on the one canonical form.

    Raises:
        Rejection: UNDECODABLE, NOT_CANONICAL, or UNKNOWN_MESSAGE for what is canonical but for unknown fields.
    """
    try:
        message = message_type.FromString(data)
    except (DecodeError, ValueError) as error:
        raise Rejection(Reason.UNDECODABLE, f"not a {message_type.DESCRIPTOR.name}: {error}") from None
    message.DiscardUnknownFields()
    if message.SerializeToString(deterministic=True) != data:
        raise _describe_other_form(message_type, data)
    return message


def _describe_other_form(message_type: Any, data: bytes) -> Rejection:
    name = message_type.DESCRIPTOR.name
    if message_type.FromString(data).SerializeToString(deterministic=True) == data:
        return Rejection(Reason.UNKNOWN_MESSAGE, f"{name} holds a message or a field that this version does not know")
    return Rejection(Reason.NOT_CANONICAL, f"{name} has another, shorter or ordered encoding")


def body_to_wire(body: bodies.Body) -> Any:
    """A message as the protobuf envelope holds it."""
    wire = headwater_pb2.Message()
    target = getattr(wire, _BODY_NAMES[type(body)])
    target.SetInParent()
    _fill(target, body)
    return wire


def body_from_wire(wire: Any) -> bodies.Body:
    """Read a message out of the protobuf envelope.

    Raises:
        Rejection: UNKNOWN_MESSAGE, LIMIT_EXCEEDED or INVALID_FIELD.
    """
    name = wire.WhichOneof("body")
    if name is None:
        raise Rejection(Reason.UNKNOWN_MESSAGE, "a message is empty, or of a type that this version does not know")
    body: bodies.Body = _read(_BODY_CLASSES[name], getattr(wire, name), name)
    return body


def amount_to_wire(amount: int) -> bytes:
    """Big-endian bytes without leading zeros."""
    if not 0 <= amount <= MAX_AMOUNT:
        raise Rejection(Reason.INVALID_FIELD, f"{amount} is not an amount of 0 to 2^128 - 1")
    return amount.to_bytes((amount.bit_length() + 7) // 8, "big")


def amount_from_wire(data: bytes, name: str) -> int:
    """Read an amount.

    Raises:
        Rejection: LIMIT_EXCEEDED above 128 bits, NOT_CANONICAL with leading zeros.
    """
    if len(data) > 16:
        raise Rejection(Reason.LIMIT_EXCEEDED, f"{name} has {8 * len(data)} bits; amounts fit in 128")
    if data[:1] == b"\0":
        raise Rejection(Reason.NOT_CANONICAL, f"{name} has leading zeros")
    return int.from_bytes(data, "big")


def _fill(target: Any, value: object) -> None:
    cls: Any = type(value)
    for field in _fields(cls):
        field.fill(target, getattr(value, field.name))


def _read(cls: Any, wire: Any, path: str) -> Any:
    for name in _nested_names(cls):
        if not wire.HasField(name):  # absent, and there but empty, would be two forms of one message
            raise Rejection(Reason.INVALID_FIELD, f"{path}.{name} is missing")
    return cls(*[read(getattr(wire, name), full) for name, full, read in _readers(cls, path)])


@cache
def _readers(cls: Any, path: str) -> tuple[tuple[str, str, Callable[[Any, str], Any]], ...]:
    """Name, full path and reader of each field; there are as many paths as places in our messages."""
    return tuple((field.name, f"{path}.{field.name}", field.read) for field in _fields(cls))


class _Field(NamedTuple):
    name: str
    fill: Callable[[Any, Any], None]
    read: Callable[[Any, str], Any]


@cache
def _fields(cls: Any) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_make_field(field.name, *_split(hints[field.name])) for field in dataclasses.fields(cls))


@cache
def _nested_names(cls: Any) -> tuple[str, ...]:
    hints = get_type_hints(cls)
    return tuple(field.name for field in dataclasses.fields(cls) if dataclasses.is_dataclass(hints[field.name]))


def _split(hint: Any) -> tuple[Any, int]:
    if get_origin(hint) is not Annotated:
        return hint, MAX_UINT64
    inner, limit = get_args(hint)
    return inner, limit.maximum


def _make_field(name: str, hint: Any, limit: int) -> _Field:
    if get_origin(hint) is tuple:
        return _list_field(name, get_args(hint)[0], limit)
    if dataclasses.is_dataclass(hint):
        return _nested_field(name, hint)
    codec = _scalar(hint, limit)
    return _Field(name, lambda target, value: setattr(target, name, codec.to_wire(value)), codec.from_wire)


def _nested_field(name: str, cls: Any) -> _Field:
    def fill(target: Any, value: object) -> None:
        getattr(target, name).SetInParent()
        _fill(getattr(target, name), value)

    return _Field(name, fill, lambda wire, path: _read(cls, wire, path))


def _list_field(name: str, hint: Any, limit: int) -> _Field:
    nested = dataclasses.is_dataclass(hint)
    codec = FieldCodec(lambda v: v, lambda w, p: _read(hint, w, p)) if nested else _scalar(hint, MAX_UINT64)

    def fill(target: Any, value: tuple[Any, ...]) -> None:
        for item in value:
            if nested:
                _fill(getattr(target, name).add(), item)
            else:
                getattr(target, name).append(codec.to_wire(item))

    def read(wire: Any, path: str) -> tuple[Any, ...]:
        check_length(path, len(wire), limit)
        return tuple([codec.from_wire(item, path) for item in wire])

    return _Field(name, fill, read)


def _scalar(hint: Any, limit: int) -> FieldCodec:
    if hint in (str, bytes):
        return FieldCodec(lambda value: value, lambda raw, path: _free_length(raw, path, limit))
    return _SCALARS.get(hint) or _enum_codec(hint)


def _free_length(raw: Any, path: str, limit: int) -> Any:
    check_length(path, len(raw.encode() if isinstance(raw, str) else raw), limit)
    return raw


def _fixed_length(length: int) -> FieldCodec:
    def read(raw: bytes, path: str) -> bytes:
        if len(raw) != length:
            raise Rejection(Reason.INVALID_FIELD, f"{path} has {len(raw)} bytes; {length} are expected")
        return raw

    return FieldCodec(bytes, read)


def _enum_codec(enum: Any) -> FieldCodec:
    def read(raw: int, path: str) -> Any:
        try:
            return enum(raw)
        except ValueError:
            raise Rejection(Reason.INVALID_FIELD, f"{path} is {raw}; {', '.join(map(repr, enum))}") from None

    return FieldCodec(int, read)


def _read_fraction(raw: int, path: str) -> int:
    if raw > ONE:
        raise Rejection(Reason.INVALID_FIELD, f"{path} is {raw} parts per billion, more than the whole")
    return raw


_AMOUNT = FieldCodec(amount_to_wire, amount_from_wire)
_SCALARS: dict[Any, FieldCodec] = {
    int: FieldCodec(int, lambda raw, path: raw),
    Fraction: FieldCodec(int, _read_fraction),
    Amount: _AMOUNT,
    Lpt: _AMOUNT,
    Wei: _AMOUNT,
    Address: _fixed_length(ADDRESS_LENGTH),
    Hash32: _fixed_length(32),
}
