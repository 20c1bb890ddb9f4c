"""Structured logs: one JSON object a line, on standard error or in a file."""

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from chain.failures import UsageFailure

LEVELS = ("debug", "info", "warning", "error")

_STANDARD_FIELDS = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_MARK = "headwater_handler"


def configure_logging(service: str, level: str = "info", file: Path | None = None) -> None:
    """Send the logs of this process to standard error, or to `file`, as JSON lines that name the service.

    Values given as `extra={...}` become fields of the line. Calling it again replaces the earlier setting. The file may
    be moved away by a log rotator; the next line opens a new one.

    Raises:
        UsageFailure: no such level, or the file cannot be written.
    """
    if level not in LEVELS:
        raise UsageFailure(f"{level!r} is not a log level; choose one of {', '.join(LEVELS)}")
    handler = _open_handler(file)
    handler.setFormatter(JsonLines(service))
    setattr(handler, _MARK, True)
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if hasattr(each, _MARK)]:
        root.removeHandler(earlier)
        earlier.close()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _open_handler(file: Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return WatchedFileHandler(file, encoding="utf-8")
    except OSError as error:
        raise UsageFailure(f"cannot write the log file {file}: {error.strerror}") from error


class JsonLines(logging.Formatter):
    """Formats a record as one line: time (UTC), level, service, logger, event, then its extra fields."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {
            name: value for name, value in vars(record).items() if name not in _STANDARD_FIELDS and name not in line
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=_readable, ensure_ascii=False)


def _readable(value: object) -> str:
    return value.hex() if isinstance(value, bytes | bytearray) else str(value)
