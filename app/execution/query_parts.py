"""What answers to queries are made of: arguments read, lists cut into pages."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from app.primitives.address import Address, parse_address, to_checksum
from app.state.tables import ReadState, Table
from app.store.state_view import StateView

MAX_ITEMS = 100
Query = dict[str, str]
Item = dict[str, Any]
Answer = Callable[..., Item]


class QueryError(Exception):
    """A query that has no answer; the text says what would have one."""


def page(items: Iterable[tuple[str, Item]], query: Query) -> Item:
    """One page of a list: at most `limit` items behind the one that `after` names; `next` is the cursor of the rest."""
    rest = _behind(iter(items), query.get("after"))
    return cut(rest, query)


def table_page(
    state: ReadState, table: Table[Any], query: Query, show: Callable[[tuple[Any, ...], Any], Item], *leading: Any
) -> Item:
    """One page of a table, whose cursors are keys: found without a walk, also where the entry has gone meanwhile."""
    start, after = table.layout.key(*leading), query.get("after")
    found = table.items_from(state, start if after is None else _cursor(after, start), end_of=start)
    return cut(((table.layout.key(*key).hex(), show(key, record)) for key, record in found), query)


def cut(rest: Iterator[tuple[str, Item]], query: Query) -> Item:
    """The first items, as many as are asked for, and the cursor where there are more."""
    limit = min(read_number(query.get("limit", str(MAX_ITEMS))), MAX_ITEMS)
    chosen = list(islice(rest, limit))
    more = next(rest, None) is not None
    return {"items": [item for _, item in chosen], "next": chosen[-1][0] if more and chosen else None}


def read_address(text: str) -> Address:
    """An address of a path.

    Raises:
        QueryError: it is none.
    """
    try:
        return parse_address(text)
    except ValueError as error:
        raise QueryError(str(error)) from None


def read_number(text: str) -> int:
    """A number of a path, of at most 64 bits.

    Raises:
        QueryError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise QueryError(f"{text!r} is not a whole number")
    return int(text)


def require_found(record: Any, text: str) -> Any:
    """The record.

    Raises:
        QueryError: there is none.
    """
    if record is None:
        raise QueryError(text)
    return record


def show_address(address: Address | None) -> str | None:
    """An address with its checksum, where there is one."""
    return None if address is None else to_checksum(address)


def older_view(view: StateView) -> StateView:
    """The state of the oldest height that is kept."""
    return view.at(view.oldest_height)


def _behind(items: Iterator[tuple[str, Item]], cursor: str | None) -> Iterator[tuple[str, Item]]:
    if cursor is not None:
        for found, _ in items:
            if found.lower() == cursor.lower():
                break
    return items


def _cursor(text: str, start: bytes) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if not key.startswith(start):
        raise QueryError(f"after is {text!r}; it takes what the page before has under next")
    return key + b"\0"
