"""The embedded store: content in by bytes, out by hash, with a size limit, pins, and no trust in the disk.

Several processes may use one store. The index is changed, and files are placed and removed, only inside one of its
transactions, which SQLite grants to one process at a time; the slow part, writing the bytes, is done before. A process
that dies leaves either nothing, or a file that is not in the index: the next `open` finds and lists it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from transcoder.content.address import ContentId, content_id_of, format_content_id
from transcoder.content.blobs import Arrival, BlobFolder
from transcoder.content.failures import ContentMissing, StoreFull
from transcoder.content.index import ContentIndex
from transcoder.content.retention import Pin, PinUnit, choose_evictions

log = logging.getLogger(__name__)

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much a store keeps, in all and in one piece."""

    total_bytes: int = 4096 * MIB
    piece_bytes: int = 64 * MIB


@dataclass(frozen=True, slots=True)
class StoreUse:
    """How full a store is."""

    used_bytes: int
    pinned_bytes: int
    pieces: int


class ContentStore:
    """A store in a folder. Safe for threads and for several processes; every method blocks on the disk."""

    def __init__(self, folder: Path, limits: StoreLimits | None = None) -> None:
        self.limits = limits or StoreLimits()
        self._blobs = BlobFolder(folder)
        self._index = ContentIndex(folder / "index.sqlite")
        removed = self._blobs.remove_leftovers()
        if removed:
            log.info("removed what interrupted writers had left", extra={"files": removed})
        self._reconcile()

    def put(self, content: bytes | Iterable[bytes], pin: Pin | None = None) -> ContentId:
        """Keep content, durably when this returns, pinned from its first moment where a pin is given.

        What is there already becomes the newest. The oldest unpinned content makes room.

        Raises:
            ContentTooLarge: above the limit for one piece.
            StoreFull: the pinned content leaves no room; nothing has been evicted then.
        """
        chunks = [content] if isinstance(content, bytes) else content
        with self._blobs.receive(chunks, self.limits.piece_bytes) as arrival, self._index.database.transaction():
            if not self._is_intact(arrival.content_id):
                self._admit(arrival)
            self._index.add(arrival.content_id, arrival.size_bytes)
            if pin is not None:
                self._index.set_pin(arrival.content_id, pin)
            return arrival.content_id

    def get(self, content_id: ContentId) -> bytes | None:
        """The content, checked against its address; None where it is absent. A corrupted file is removed and absent."""
        content = self._blobs.read(content_id)
        if content is not None and content_id_of(content) == content_id:
            return content
        return self._look_again(content_id) if content is not None or self.has(content_id) else None

    def _look_again(self, content_id: ContentId) -> bytes | None:
        """Decide about a bad or missing file while nobody else can replace it: it may have been mended since."""
        with self._index.database.transaction():
            content = self._blobs.read(content_id)
            if content is not None and content_id_of(content) == content_id:
                return content
            self._drop(content_id)
        log.warning(
            "corrupted content removed" if content is not None else "listed content is gone",
            extra={"content_id": format_content_id(content_id)},
        )
        return None

    def has(self, content_id: ContentId) -> bool:
        """Whether the content is listed; only `get` checks it."""
        return self._index.has(content_id)

    def pin(self, content_id: ContentId, pin: Pin) -> None:
        """Hold content that is there.

        Raises:
            ContentMissing: it is not.
        """
        with self._index.database.transaction():
            if not self._index.has(content_id):
                raise ContentMissing(
                    f"{format_content_id(content_id)} cannot be pinned: it is not in the store; put it there first"
                )
            self._index.set_pin(content_id, pin)

    def unpin(self, content_id: ContentId, holder: str) -> None:
        """Let go what a holder had pinned."""
        self._index.remove_pin(content_id, holder)

    def pins_of(self, content_id: ContentId) -> list[Pin]:
        """Who holds some content."""
        return self._index.pins_of(content_id)

    def release_passed(self, *, height: int | None = None, unix_seconds: int | None = None) -> int:
        """End the pins that lie before the given height or time; returns how many.

        Their content stays until its room is needed.
        """
        passed = 0
        if height is not None:
            passed += self._index.remove_passed_pins(PinUnit.HEIGHT, height)
        if unix_seconds is not None:
            passed += self._index.remove_passed_pins(PinUnit.TIME, unix_seconds)
        return passed

    def use(self) -> StoreUse:
        """How full the store is."""
        return StoreUse(*self._index.totals())

    def close(self) -> None:
        """Close the index; the store cannot be used afterwards."""
        self._index.database.close()

    def _is_intact(self, content_id: ContentId) -> bool:
        content = self._blobs.read(content_id)
        return content is not None and content_id_of(content) == content_id

    def _admit(self, arrival: Arrival) -> None:
        self._index.remove(arrival.content_id)  # its place is free where a corrupted or lost file held it
        for kept in choose_evictions(
            self._index.unpinned_oldest_first(),
            used_bytes=self._index.totals()[0],
            wanted_bytes=arrival.size_bytes,
            limit_bytes=self.limits.total_bytes,
        ):
            self._drop(kept.content_id)
        self._blobs.place(arrival)

    def _drop(self, content_id: ContentId) -> None:
        self._blobs.remove(content_id)
        self._index.remove(content_id)

    def _reconcile(self) -> None:
        """List the files that a dead process placed but did not list, forget the ones that are gone, keep the limit."""
        with self._index.database.transaction():
            present = self._blobs.present()
            listed = dict.fromkeys(self._index.content_ids())
            for content_id in [each for each in listed if each not in present]:
                self._index.remove(content_id)
            for content_id, size_bytes in present.items():
                if content_id not in listed:
                    self._index.add(content_id, size_bytes)
            self._shrink()

    def _shrink(self) -> None:
        used = self._index.totals()[0]
        unpinned = self._index.unpinned_oldest_first()
        try:
            evicted = choose_evictions(unpinned, used_bytes=used, wanted_bytes=0, limit_bytes=self.limits.total_bytes)
        except StoreFull as failure:
            # A limit that was lowered below what is pinned: promises outlive it, new content will not fit.
            log.warning("the store is above its size limit: %s", failure)
            evicted = unpinned
        for kept in evicted:
            self._drop(kept.content_id)
