"""Frozen dataclasses as canonical bytes and as JSON, both derived from their field types.

Bytes are what the state tree commits to and what receipts and leaves are hashed from: fields in order, an integer as
one length byte and that many big-endian bytes, fixed lengths for addresses and hashes, four length bytes before
free-length fields. JSON is what queries answer and genesis documents hold: amounts as decimal strings, addresses with
their checksum, other bytes in hexadecimal, enumerations by name.
"""

import dataclasses
import types
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cache, partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from app.primitives.address import Address, parse_address, to_checksum
from app.primitives.amounts import MAX_AMOUNT, Amount, Lpt, Wei
from app.primitives.fractions import Fraction
from app.primitives.hashing import Hash32

T = TypeVar("T")
Json = Any

MOST_UNKNOWN = 20
"""So many unknown fields of one record are told; what a stranger sends may have any number."""


class RecordError(ValueError):
    """Bytes or JSON that are not the record they should be; the text names the field.

    Attributes:
        problems: one text per field that is wrong; the error's own text is the first.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(problems[0])
        self.problems = problems


class Codec(NamedTuple):
    """How one type is written and read, in both forms."""

    write: Callable[[Any, bytearray], None]
    read: Callable[[bytes, int], tuple[Any, int]]
    to_json: Callable[[Any], Json]
    from_json: Callable[[Json, str], Any]


def encode(record: object) -> bytes:
    """The canonical bytes of a record."""
    out = bytearray()
    kind: Any = type(record)
    for name, write in _writers(kind):
        write(getattr(record, name), out)
    return bytes(out)


def decode(cls: type[T], data: bytes) -> T:
    """Read a record from its canonical bytes.

    Raises:
        RecordError: too short, bytes left over, or an encoding that `encode` would not give.
    """
    try:
        value, end = codec_of(cls).read(data, 0)
    except (IndexError, ValueError) as error:
        raise RecordError(f"{cls.__name__}: {error}") from error
    if end != len(data):
        raise RecordError(f"{cls.__name__}: {len(data) - end} bytes too many")
    result: T = value
    return result


def to_json(record: object) -> dict[str, Json]:
    """The record as an object of JSON values."""
    value: dict[str, Json] = codec_of(type(record)).to_json(record)
    return value


def from_json(cls: type[T], value: Json, path: str = "") -> T:
    """Read a record from JSON values; `path` names the place in error texts.

    Raises:
        RecordError: a missing, unknown or malformed field; the text starts with its path.
    """
    result: T = codec_of(cls).from_json(value, path or cls.__name__)
    return result


def codec_of(hint: Any) -> Codec:
    """The codec of a field type.

    Raises:
        TypeError: a type that records may not hold.
    """
    return _build_codec(hint)


@cache
def _build_codec(hint: Any) -> Codec:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) is tuple:
        return _tuple_codec(codec_of(get_args(hint)[0]))
    if get_origin(hint) in (types.UnionType, Union):
        return _optional_codec(codec_of(next(a for a in get_args(hint) if a is not types.NoneType)))
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return _enum_codec(hint)
    if dataclasses.is_dataclass(hint):
        return _record_codec(hint)
    supertype = getattr(hint, "__supertype__", None)
    if supertype is not None:
        return codec_of(supertype)
    raise TypeError(f"{hint!r} cannot be part of a record")


@cache
def _writers(cls: Any) -> tuple[tuple[str, Callable[[Any, bytearray], None]], ...]:
    hints = get_type_hints(cls)
    return tuple((field.name, codec_of(hints[field.name]).write) for field in dataclasses.fields(cls))


def _write_int(value: int, out: bytearray) -> None:
    length = (value.bit_length() + 7) >> 3
    out.append(length)
    out += value.to_bytes(length, "big")


def _read_int(data: bytes, at: int) -> tuple[int, int]:
    end = at + 1 + data[at]
    if end > len(data):
        raise ValueError("an integer is cut off")
    if end > at + 1 and data[at + 1] == 0:
        raise ValueError("an integer has a leading zero")
    return int.from_bytes(data[at + 1 : end], "big"), end


def _int_from_json(value: Json, path: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RecordError(f"{path}: {value!r} is not a whole number of 0 or more")
    return value


def _amount_from_json(value: Json, path: str) -> int:
    digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 40
    if not digits or int(value) > MAX_AMOUNT:
        raise RecordError(f"{path}: {value!r} is not a decimal string of base units below 2^128")
    return int(value)


def _write_bool(value: bool, out: bytearray) -> None:
    out.append(1 if value else 0)


def _read_bool(data: bytes, at: int) -> tuple[bool, int]:
    if data[at] > 1:
        raise ValueError("a truth value is neither 0 nor 1")
    return data[at] == 1, at + 1


def _bool_from_json(value: Json, path: str) -> bool:
    if not isinstance(value, bool):
        raise RecordError(f"{path}: {value!r} is neither true nor false")
    return value


def _write_bytes(value: bytes, out: bytearray) -> None:
    out += len(value).to_bytes(4, "big")
    out += value


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + int.from_bytes(data[at : at + 4], "big")
    if at + 4 > len(data) or end > len(data):
        raise ValueError("a byte string is cut off")
    return data[at + 4 : end], end


def _bytes_from_json(value: Json, path: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        raise RecordError(f"{path}: {value!r} is not hexadecimal") from None


def _write_str(value: str, out: bytearray) -> None:
    _write_bytes(value.encode(), out)


def _read_str(data: bytes, at: int) -> tuple[str, int]:
    raw, end = _read_bytes(data, at)
    return raw.decode(), end


def _str_from_json(value: Json, path: str) -> str:
    if not isinstance(value, str):
        raise RecordError(f"{path}: {value!r} is not text")
    return value


def _fixed(length: int, show: Callable[[bytes], str], parse: Callable[[Json, str], bytes]) -> Codec:
    def write(value: bytes, out: bytearray) -> None:
        out += value

    def read(data: bytes, at: int) -> tuple[bytes, int]:
        if at + length > len(data):
            raise ValueError(f"{length} bytes are expected")
        return data[at : at + length], at + length

    return Codec(write, read, show, parse)


def _address_from_json(value: Json, path: str) -> bytes:
    try:
        return parse_address(value)
    except (AttributeError, TypeError, ValueError) as error:
        raise RecordError(f"{path}: {error}") from None


def _hash_from_json(value: Json, path: str) -> bytes:
    raw = _bytes_from_json(value, path)
    if len(raw) != 32:
        raise RecordError(f"{path}: a hash has 32 bytes, this one {len(raw)}")
    return raw


def _tuple_codec(item: Codec) -> Codec:
    def write(value: tuple[Any, ...], out: bytearray) -> None:
        out += len(value).to_bytes(4, "big")
        for element in value:
            item.write(element, out)

    def read(data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        count, at = int.from_bytes(data[at : at + 4], "big"), at + 4
        if count > len(data):
            raise ValueError("a list is longer than its bytes")
        elements = []
        for _ in range(count):
            element, at = item.read(data, at)
            elements.append(element)
        return tuple(elements), at

    def parse(value: Json, path: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise RecordError(f"{path}: {value!r} is not a list")
        return tuple(_read_all(partial(item.from_json, element, f"{path}[{i}]") for i, element in enumerate(value)))

    return Codec(write, read, lambda value: [item.to_json(element) for element in value], parse)


def _optional_codec(item: Codec) -> Codec:
    def write(value: Any, out: bytearray) -> None:
        out.append(0 if value is None else 1)
        if value is not None:
            item.write(value, out)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        present, at = _read_bool(data, at)
        return item.read(data, at) if present else (None, at)

    def show(value: Any) -> Json:
        return None if value is None else item.to_json(value)

    return Codec(write, read, show, lambda value, path: None if value is None else item.from_json(value, path))


def _enum_codec(enum: type[IntEnum]) -> Codec:
    def read(data: bytes, at: int) -> tuple[IntEnum, int]:
        number, at = _read_int(data, at)
        return enum(number), at

    def parse(value: Json, path: str) -> IntEnum:
        for member in enum:
            if member.name.lower() == value:
                return member
        raise RecordError(f"{path}: {value!r} is none of {', '.join(m.name.lower() for m in enum)}")

    return Codec(_write_int, read, lambda value: value.name.lower(), parse)


def _record_codec(cls: Any) -> Codec:
    hints = get_type_hints(cls)
    fields = tuple((field.name, codec_of(hints[field.name])) for field in dataclasses.fields(cls))
    required = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}

    def write(value: object, out: bytearray) -> None:
        for name, codec in fields:
            codec.write(getattr(value, name), out)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        values = []
        for _, codec in fields:
            value, at = codec.read(data, at)
            values.append(value)
        return cls(*values), at

    def show(value: object) -> dict[str, Json]:
        return {name: codec.to_json(getattr(value, name)) for name, codec in fields}

    def parse(value: Json, path: str) -> Any:
        if not isinstance(value, dict):
            raise RecordError(f"{path}: {value!r} is not an object")
        wrong_names = _wrong_names(value, path, [name for name, _ in fields], required)
        given = [(name, codec) for name, codec in fields if name in value]
        values = _read_all((partial(codec.from_json, value[n], f"{path}.{n}") for n, codec in given), wrong_names)
        return cls(**{name: each for (name, _), each in zip(given, values, strict=True)})

    return Codec(write, read, show, parse)


def _wrong_names(value: dict[str, Json], path: str, known: list[str], required: set[str]) -> list[str]:
    unknown = islice((name for name in value if name not in known), MOST_UNKNOWN)
    told = [f"{path}.{name}: unknown field; known are {', '.join(known)}" for name in unknown]
    return told + [f"{path}.{name}: missing" for name in known if name in required and name not in value]


def _read_all(readers: Iterable[Callable[[], Any]], problems: Iterable[str] = ()) -> list[Any]:
    """What all readers give, or one error with every problem there is."""
    values, found = [], list(problems)
    for read in readers:
        try:
            values.append(read())
        except RecordError as error:
            found += error.problems
    if found:
        raise RecordError(*found)
    return values


_INT = Codec(_write_int, _read_int, int, _int_from_json)
_AMOUNT = Codec(_write_int, _read_int, str, _amount_from_json)
_SCALARS: dict[Any, Codec] = {
    int: _INT,
    Fraction: _INT,
    Amount: _AMOUNT,
    Lpt: _AMOUNT,
    Wei: _AMOUNT,
    bool: Codec(_write_bool, _read_bool, bool, _bool_from_json),
    bytes: Codec(_write_bytes, _read_bytes, bytes.hex, _bytes_from_json),
    str: Codec(_write_str, _read_str, str, _str_from_json),
    Address: _fixed(20, to_checksum, _address_from_json),
    Hash32: _fixed(32, bytes.hex, _hash_from_json),
}
