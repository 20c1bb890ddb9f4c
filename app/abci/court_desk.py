"""Where the court worker leaves what it found, and the node picks it up when it votes.

The worker re-executes disputed segments in a process of its own and replaces one small file, whole, each time it knows
more. Reading it takes a fraction of a millisecond and never waits for the worker: a node whose worker is slow or gone
votes all the same, and attests nothing.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from app.messages.attestation import Attestation, Attestations
from app.messages.record import RecordError, from_json

LARGEST_FILE_BYTES = 1 << 20

_log = logging.getLogger(__name__)


class CourtDesk:
    """The file of one node; `path` none where there is none to look for."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._known: tuple[Attestation, ...] = ()
        self._abstained: tuple[int, ...] = ()

    def read(self) -> Sequence[Attestation]:
        """All that the worker has found, for any dispute; nothing where the file is missing or makes no sense."""
        if self._path is None:
            return ()
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino)
            if seen != self._seen:
                self._known = _parse(self._path)
                self._seen = seen
        except FileNotFoundError:
            self._known, self._seen = (), None
        except (OSError, ValueError, RecordError) as error:
            _log.warning("what the court worker left at %s cannot be read: %s", self._path, error)
            self._known, self._seen = (), None
        return self._known

    def note_abstention(self, waiting: Sequence[int], extension: bytes) -> None:
        """Say openly, once for each set of disputes, that this node has nothing to attest of them yet."""
        abstained = () if extension else tuple(waiting)
        if abstained and abstained != self._abstained:
            _log.warning("abstaining from disputes %s: no attestation of this node's court worker", abstained)
        self._abstained = abstained


def _parse(path: Path) -> tuple[Attestation, ...]:
    with path.open("rb") as file:
        data = file.read(LARGEST_FILE_BYTES + 1)
    if len(data) > LARGEST_FILE_BYTES:
        raise ValueError(f"more than {LARGEST_FILE_BYTES} bytes")
    return from_json(Attestations, json.loads(data)).attestations
