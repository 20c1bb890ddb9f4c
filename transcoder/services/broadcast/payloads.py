"""Signed segments on disk until they have their receipt, so that a crash loses none."""

import contextlib
from pathlib import Path

from chain.files import write_atomically


class PayloadFolder:
    """The payloads of one stream, a file per sequence number. Every method blocks on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, number: int, data: bytes) -> None:
        """Keep a payload, durably when this returns; one that was there under this number is replaced."""
        write_atomically(self._file(number), data, mode=0o600)

    def get(self, number: int) -> bytes | None:
        """A payload, or None where there is none."""
        try:
            return self._file(number).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, number: int) -> None:
        """Let a payload go."""
        with contextlib.suppress(FileNotFoundError):
            self._file(number).unlink()

    def keep_only(self, numbers: set[int]) -> None:
        """Let everything else go, and what an interrupted `put` has left."""
        wanted = {self._file(number) for number in numbers}
        for path in self._folder.iterdir():
            if path not in wanted:
                path.unlink()

    def _file(self, number: int) -> Path:
        return self._folder / f"{number}.ts"
