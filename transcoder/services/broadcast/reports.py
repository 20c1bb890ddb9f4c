"""What a broadcaster tells whoever watches it: one record per thing that happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Happening(StrEnum):
    """The kinds of reports."""

    STARTED = "started"
    JOB = "job"
    PUBLISHED = "published"
    REFUSED = "refused"
    FAILED = "failed"
    DROPPED = "dropped"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Report:
    """Something that happened; `number` is the segment's, `facts` are JSON values."""

    kind: Happening
    number: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


Watcher = Callable[[Report], None]
