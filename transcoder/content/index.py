"""The store's list of what it has and who pins it.

The files are the truth: when the list is lost, all but the pins is found again.
"""

from pathlib import Path

from transcoder.content.address import ContentId
from transcoder.content.retention import Kept, Pin, PinUnit
from transcoder.journal.database import Database

MIGRATIONS = (
    """
    CREATE TABLE content (
        age INTEGER PRIMARY KEY AUTOINCREMENT,  -- grows with every arrival, so the smallest is the oldest
        content_id BLOB NOT NULL UNIQUE,
        size_bytes INTEGER NOT NULL
    );
    CREATE TABLE pin (
        content_id BLOB NOT NULL,
        holder TEXT NOT NULL,
        unit TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY (content_id, holder)
    ) WITHOUT ROWID;
    """,
)


class ContentIndex:
    """Typed access to the tables; `database.transaction()` puts steps together, over all processes of a store."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path, MIGRATIONS)

    def add(self, content_id: ContentId, size_bytes: int) -> None:
        """Note an arrival; one that was there already becomes the newest."""
        with self.database.transaction():
            self.remove(content_id)
            self.database.execute("INSERT INTO content (content_id, size_bytes) VALUES (?, ?)", content_id, size_bytes)

    def remove(self, content_id: ContentId) -> None:
        """Note that content has gone; pins stay, so that it is held again as soon as it comes back."""
        self.database.execute("DELETE FROM content WHERE content_id = ?", content_id)

    def has(self, content_id: ContentId) -> bool:
        """Whether the content should be there."""
        return self.database.row("SELECT 1 FROM content WHERE content_id = ?", content_id) is not None

    def content_ids(self) -> list[ContentId]:
        """All content, oldest first."""
        return [ContentId(each) for (each,) in self.database.rows("SELECT content_id FROM content ORDER BY age")]

    def totals(self) -> tuple[int, int, int]:
        """Bytes in all, bytes that are pinned, and the number of pieces."""
        used, pinned, pieces = self.database.rows(
            "SELECT COALESCE(SUM(size_bytes), 0), "
            "COALESCE(SUM(size_bytes * (content_id IN (SELECT content_id FROM pin))), 0), COUNT(*) FROM content"
        )[0]
        return used, pinned, pieces

    def unpinned_oldest_first(self) -> list[Kept]:
        """What may be evicted, in the order in which it should be."""
        rows = self.database.rows(
            "SELECT content_id, size_bytes FROM content "
            "WHERE content_id NOT IN (SELECT content_id FROM pin) ORDER BY age"
        )
        return [Kept(ContentId(content_id), size_bytes) for content_id, size_bytes in rows]

    def set_pin(self, content_id: ContentId, pin: Pin) -> None:
        """Set the holder's pin on the content, in place of its earlier one."""
        self.database.execute(
            "INSERT OR REPLACE INTO pin VALUES (?, ?, ?, ?)", content_id, pin.holder, pin.unit.value, pin.until
        )

    def remove_pin(self, content_id: ContentId, holder: str) -> None:
        """Take the holder's pin away, if there is one."""
        self.database.execute("DELETE FROM pin WHERE content_id = ? AND holder = ?", content_id, holder)

    def remove_passed_pins(self, unit: PinUnit, now: int) -> int:
        """Take away the pins of a unit that end before `now`; returns how many."""
        return self.database.execute("DELETE FROM pin WHERE unit = ? AND until < ?", unit.value, now)

    def pins_of(self, content_id: ContentId) -> list[Pin]:
        """The pins on some content, by holder."""
        rows = self.database.rows(
            "SELECT holder, unit, until FROM pin WHERE content_id = ? ORDER BY holder", content_id
        )
        return [Pin(holder, PinUnit(unit), until) for holder, unit, until in rows]
