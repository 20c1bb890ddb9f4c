"""Messages as JSON files hold them: `{"type": "transfer", "to": "0x…", "denom": "lpt", "amount": "5LPT"}`.

Fields are those of `app.messages.bodies`. Amounts are written with a unit or as decimal strings of base units,
fractions as `5%` or as parts per billion, bytes in hexadecimal.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_type_hints

from app.messages.bodies import Body
from app.messages.codec import message_class, message_name, message_names
from app.messages.record import RecordError, from_json, to_json
from app.primitives.amounts import Amount, Lpt, Wei, parse_lpt, parse_wei
from app.primitives.fractions import Fraction, parse_fraction
from chain.failures import UsageFailure

LARGEST_FILE_BYTES = 2**20


class MessageInvalid(UsageFailure):
    """JSON that is no message; the text names the field."""


def message_to_json(message: Body) -> dict[str, Any]:
    """A message with its type."""
    return {"type": message_name(message), **to_json(message)}


def message_from_json(value: Any, path: str = "message") -> Body:
    """Read one message.

    Raises:
        MessageInvalid: an unknown type, or a missing, unknown or malformed field.
    """
    if not isinstance(value, dict):
        raise MessageInvalid(f"{path}: {value!r} is not an object with a type and fields")
    fields = dict(value)
    name = fields.pop("type", None)
    if name not in message_names():
        raise MessageInvalid(f"{path}.type: {name!r} is none of {', '.join(message_names())}")
    cls = message_class(name)
    try:
        body: Body = from_json(cls, _with_base_units(cls, fields, path), path)
    except RecordError as error:
        raise MessageInvalid(str(error)) from None
    return body


def messages_from_json(value: Any) -> tuple[tuple[Body, ...], str]:
    """Read a whole file: `{"messages": [...], "memo": "…"}`, a list of messages, or a single one; and the memo.

    Raises:
        MessageInvalid: as `message_from_json`.
    """
    if isinstance(value, dict) and "messages" in value:
        unknown = sorted(set(value) - {"messages", "memo"})
        memo = value.get("memo", "")
        if unknown or not isinstance(memo, str) or not isinstance(value["messages"], list):
            raise MessageInvalid(f"a transaction has a list `messages` and a text `memo`, not {', '.join(value)}")
        return _all(value["messages"]), memo
    return _all(value if isinstance(value, list) else [value]), ""


def read_json_file(path: Path) -> Any:
    """The JSON of a file.

    Raises:
        MessageInvalid: it cannot be read, is too large, or is not JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
        if len(data) > LARGEST_FILE_BYTES:
            raise MessageInvalid(f"{path} is larger than {LARGEST_FILE_BYTES} bytes")
        return json.loads(data)
    except OSError as error:
        raise MessageInvalid(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MessageInvalid(f"{path} is not JSON: {error}") from None


def _all(values: Sequence[Any]) -> tuple[Body, ...]:
    return tuple(message_from_json(value, f"messages[{place}]") for place, value in enumerate(values))


def _with_base_units(cls: type, fields: dict[str, Any], path: str) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {name: _base_units(hints.get(name), value, fields, f"{path}.{name}") for name, value in fields.items()}


def _base_units(hint: Any, value: Any, fields: dict[str, Any], path: str) -> Any:
    if not isinstance(value, str):
        return value
    parsers: dict[Any, Callable[[str], int]] = {
        Lpt: parse_lpt,
        Wei: parse_wei,
        Amount: parse_lpt if fields.get("denom") == "lpt" else parse_wei,
    }
    try:
        if hint is Fraction:
            return parse_fraction(value)
        return str(parsers[hint](value)) if hint in parsers else value
    except ValueError as error:
        raise MessageInvalid(f"{path}: {error}") from None
