"""A table whose rows are frozen dataclasses: a column per field, of the same name.

The names in the SQL below are names of tables and fields, written in this package; values are always bound.
"""
# ruff: noqa: S608

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from transcoder.journal.database import Database
from transcoder.journal.failures import Conflict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")
Steps = Mapping[Any, tuple[Any, ...]]


def _same(value: Any) -> Any:
    return value


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """How a field is kept, as `Annotated[type, Column(...)]`, where it is not simply its value.

    Attributes:
        read, write: from the column's value to the field's, and back; never called with None.
        settled: it never changes, and a second record of the same key must have it equal.
    """

    read: Callable[[Any], Any] = _same
    write: Callable[[Any], Any] = _same
    settled: bool = True


def _columns_of(record: type[Any]) -> dict[str, Column]:
    hints = get_type_hints(record, include_extras=True)
    return {each.name: _column_of(hints[each.name]) for each in dataclasses.fields(record)}


def _column_of(hint: Any) -> Column:
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Column):
            return extra
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Column(read=hint, settled=False)
    return Column()


class Table(Generic[R]):
    """Typed access to one table.

    Args:
        name: the table.
        key: the fields of its primary key.
        record: the dataclass; its field `state`, a StrEnum, moves along `steps` only.
        steps: for each state the states that may follow.
    """

    def __init__(self, name: str, key: tuple[str, ...], record: type[R], steps: Steps) -> None:
        self._name = name
        self._record = record
        self._columns = _columns_of(record)
        self._names = ", ".join(self._columns)
        self._where_key = " AND ".join(f"{each} = ?" for each in key)
        self._key = key
        self._steps = steps

    def add(self, database: Database, record: R) -> bool:
        """Insert a record; False where the same one is there already, in whatever state.

        Raises:
            Conflict: one with the same key says something else.
        """
        with database.transaction():
            kept = self.get(database, *(getattr(record, each) for each in self._key))
            if kept is None:
                marks = ", ".join("?" for _ in self._columns)
                sql = f"INSERT INTO {self._name} ({self._names}) VALUES ({marks})"
                database.execute(sql, *(self._written(record, each) for each in self._columns))
                return True
        settled = [name for name, column in self._columns.items() if column.settled]
        differing = [each for each in settled if getattr(kept, each) != getattr(record, each)]
        if differing:
            raise Conflict(f"{self._text_of(record)} is kept already with another {', '.join(differing)}")
        return False

    def get(self, database: Database, *key: Any) -> R | None:
        """The record with this key."""
        found = self.select(database, self._where_key, *key)
        return found[0] if found else None

    def select(self, database: Database, where: str, *values: Any, tail: str = "") -> list[R]:
        """The records that fulfil a condition; `tail` is the ORDER BY and LIMIT."""
        rows = database.rows(f"SELECT {self._names} FROM {self._name} WHERE {where} {tail}", *values)
        return [self._record(*map(_read, self._columns.values(), row)) for row in rows]

    def move(self, database: Database, key: tuple[Any, ...], state: StrEnum, **changes: Any) -> R:
        """Take a record to its next state, and change other fields with it; a repetition changes nothing.

        Raises:
            Conflict: no such record, or no such step.
        """
        with database.transaction():
            kept: Any = self.get(database, *key)
            if kept is None:
                raise Conflict(f"{self._name} {'/'.join(map(str, key))} is not in the journal")
            moved: R = dataclasses.replace(kept, state=state, **changes)
            if kept == moved:
                return moved
            if state == kept.state:
                raise Conflict(f"{self._text_of(kept)} is {state} already, with another {', '.join(changes)}")
            if state not in self._steps[kept.state]:
                raise Conflict(f"{self._text_of(kept)} is {kept.state} and cannot become {state}")
            names = ["state", *changes]
            assignments = ", ".join(f"{each} = ?" for each in names)
            sql = f"UPDATE {self._name} SET {assignments} WHERE {self._where_key}"
            database.execute(sql, *(self._written(moved, each) for each in names), *key)
            return moved

    def _written(self, record: R, name: str) -> Any:
        value = getattr(record, name)
        return None if value is None else self._columns[name].write(value)

    def _text_of(self, record: R) -> str:
        return f"{self._name} {'/'.join(str(getattr(record, each)) for each in self._key)}"


def in_states(states: Iterable[StrEnum]) -> str:
    """The SQL condition that the state is one of these."""
    return "state IN (" + ", ".join(f"'{each.value}'" for each in states) + ")"


def _read(column: Column, value: Any) -> Any:
    return None if value is None else column.read(value)
