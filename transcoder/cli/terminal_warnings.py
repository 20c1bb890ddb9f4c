"""What the owner of a service must know is said at the terminal too, where the log itself goes to a file."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

MOST_WARNINGS = 1000
"""So many different ones are said; the log has all."""


class WarningsAtTerminal(logging.Handler):
    """Says warnings on standard error; what is repeated, once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        problem = getattr(record, "problem", None)
        text = record.getMessage() + (f": {problem}" if problem else "")
        if text not in self._said and len(self._said) < MOST_WARNINGS:
            self._said.add(text)
            click.echo(f"{time.strftime('%H:%M:%S')}  {record.levelname.lower()}: {text}", err=True)


@contextmanager
def warnings_at_terminal(log_file: Path | None) -> Iterator[None]:
    """Say warnings at the terminal, unless the log goes there anyway (None)."""
    if log_file is None:
        yield
        return
    handler = WarningsAtTerminal()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
