"""Records and answers for people: amounts with their units, fractions as percentages, addresses with checksums.

Which field is money follows from the types of the records themselves, by name: no name stands for LPT in one record
and for wei in another (a test holds that). Amounts are JSON strings and fractions numbers, so the two never mix.
"""

import dataclasses
import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, get_args, get_type_hints

from app.messages import records
from app.messages.record import to_json
from app.params import Params
from app.primitives.amounts import Amount, Lpt, Wei, format_lpt, format_wei
from app.primitives.fractions import Fraction, format_fraction

_EXTRA: dict[str, Any] = {
    "total_stake": Lpt,
    "own_stake": Lpt,
    "pending_fees": Wei,
    "value": Lpt,
    "reward_per_round": Lpt,
    "reward_per_year": Lpt,
    "fees_per_year": Wei,
}
_EXTRA_FRACTIONS: dict[str, Any] = {"yearly_rate": Fraction}
_NOBODY = "0x" + "0" * 40
"""The address that stands for nobody, as in a job that waits for its transcoder."""
_FORMATS: dict[Any, Any] = {Lpt: format_lpt, Wei: format_wei, Fraction: format_fraction}


def describe(record: object) -> str:
    """A message, event or record in one line, its fields after one another."""
    cls: Any = type(record)
    hints = get_type_hints(cls)
    shown = to_json(record)
    return "  ".join(f"{name} {_by_hint(hints[name], shown[name], shown)}" for name in shown)


def answer_lines(answer: Any, indent: str = "") -> str:
    """An answer to a query in lines of `name  value`; what is inside another is indented."""
    return "\n".join(_lines(answer, indent))


def cell(item: dict[str, Any], path: str) -> str | int:
    """One value of an item for a table; `path` names it with dots."""
    value: Any = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    shown = show(path.rpartition(".")[2], value)
    return value if isinstance(value, int) and shown == str(value) else shown


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """A table in columns that nothing breaks, so that addresses can be copied and lines can be searched."""
    lines = [list(columns), *([str(value) for value in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    numeric = [all(isinstance(row[place], int) for row in rows) for place in range(len(columns))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )


def show(name: str, value: Any) -> str:
    """One value of an answer by the name of its field."""
    if value is None or value == _NOBODY:
        return "-"
    if isinstance(value, list):
        return ", ".join(show(name, item) for item in value) or "-"
    if isinstance(value, dict):
        if value.keys() == {"name", "new_value"}:  # a change of a parameter
            return f"{value['name']}={_by_hint(_parameter_units().get(value['name']), value['new_value'], {})}"
        return " ".join(f"{key}={show(key, inner)}" for key, inner in value.items())
    amounts, fractions = field_units()
    hint = amounts.get(name) if isinstance(value, str) else fractions.get(name)
    return _by_hint(hint, value, {})


@cache
def field_units() -> tuple[dict[str, Any], dict[str, Any]]:
    """Field names of records that are LPT or wei, and those that are fractions, with their types."""
    amounts, fractions = dict(_EXTRA), dict(_EXTRA_FRACTIONS)
    for name, hint in _typed_fields(records, Params):
        if hint is Fraction:
            fractions[name] = hint
        else:
            assert amounts.setdefault(name, hint) is hint, f"{name} is {hint} here and {amounts[name]} there"
    return amounts, fractions


@cache
def _parameter_units() -> dict[str, Any]:
    return get_type_hints(Params)


def _typed_fields(module: Any, *more: Any) -> Iterator[tuple[str, Any]]:
    classes = [cls for _, cls in inspect.getmembers(module, inspect.isclass) if dataclasses.is_dataclass(cls)]
    for cls in [*classes, *more]:
        for name, hint in get_type_hints(cls).items():
            plain = next((part for part in get_args(hint) if part in _FORMATS), hint)
            if plain in _FORMATS:
                yield name, plain


def _by_hint(hint: Any, value: Any, siblings: dict[str, Any]) -> str:
    if hint is Amount:
        hint = Lpt if siblings.get("denom") == "lpt" else Wei
    if hint in _FORMATS and isinstance(value, int | str) and str(value).isdigit():
        return str(_FORMATS[hint](int(value)))
    if isinstance(value, dict | list):
        return show("", value)
    return "-" if value is None else str(value)


def _lines(value: Any, indent: str) -> Iterator[str]:
    width = max((len(name) for name in value), default=0)
    for name, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield f"{indent}{name}"
            yield from _lines(inner, indent + "  ")
        elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield f"{indent}{name}"
            yield from (f"{indent}  {show(name, item)}" for item in inner)
        else:
            yield f"{indent}{name.ljust(width)}  {show(name, inner)}"
