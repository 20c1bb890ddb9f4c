import sqlite3
import stat
import subprocess
import sys

import pytest

from transcoder.journal.database import Database
from transcoder.journal.failures import DatabaseDamaged, DatabaseTooNew

FIRST = "CREATE TABLE fact (name TEXT PRIMARY KEY, value INTEGER);\nINSERT INTO fact VALUES ('old', 1);"
SECOND = (
    "ALTER TABLE fact ADD COLUMN source TEXT NOT NULL DEFAULT 'before; then';\nINSERT INTO fact VALUES ('new', 2, 'x');"
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "data.sqlite"


@pytest.fixture
def database(path):
    database = Database(path, [FIRST])
    yield database
    database.close()


def facts(database):
    return database.rows("SELECT name, value FROM fact ORDER BY name")


def test_every_commit_is_synced_and_only_the_owner_may_read_the_file(database, path):
    assert database.value("PRAGMA journal_mode") == "wal"
    assert database.value("PRAGMA synchronous") == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_new_version_brings_an_old_file_up_to_date_and_keeps_its_rows(path):
    Database(path, [FIRST]).close()
    database = Database(path, [FIRST, SECOND])
    assert database.rows("SELECT * FROM fact ORDER BY name") == [("new", 2, "x"), ("old", 1, "before; then")]
    database.close()
    again = Database(path, [FIRST, SECOND])
    assert len(facts(again)) == 2
    again.close()


def test_a_migration_that_fails_changes_nothing(path):
    Database(path, [FIRST]).close()
    broken = "INSERT INTO fact VALUES ('half', 1);\nINSERT INTO missing VALUES (1);"
    with pytest.raises(DatabaseDamaged, match="no such table"):
        Database(path, [FIRST, broken])
    database = Database(path, [FIRST])
    assert facts(database) == [("old", 1)]
    database.close()


def test_a_migration_that_ends_in_the_middle_is_refused(path):
    with pytest.raises(ValueError, match="ends inside a statement"):
        Database(path, ["CREATE TABLE a (b INTEGER"])


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path):
    Database(path, [FIRST, SECOND]).close()
    with pytest.raises(DatabaseTooNew, match="has schema version 2, this Headwater knows 1; run the newer version"):
        Database(path, [FIRST])


def test_a_file_that_is_no_database_is_refused_with_what_to_do(path):
    path.parent.mkdir()
    path.write_bytes(b"these are not the bytes of a database, and there are enough of them" * 100)
    with pytest.raises(DatabaseDamaged, match=r"cannot be used: file is not a database\. .* restore it from a backup"):
        Database(path, [FIRST])


def test_a_damaged_page_is_found_when_the_file_is_opened(path):
    database = Database(path, [FIRST])
    with database.transaction():
        for number in range(2000):
            database.execute("INSERT INTO fact VALUES (?, ?)", f"name {number}", number)
    database.close()
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 3 * 4096)
    with pytest.raises(DatabaseDamaged, match="cannot be used"):
        Database(path, [FIRST])


def test_a_transaction_that_raises_leaves_no_trace(database):
    with pytest.raises(KeyError), database.transaction():
        database.execute("INSERT INTO fact VALUES ('a', 1)")
        raise KeyError
    assert facts(database) == [("old", 1)]


def test_an_inner_transaction_that_raises_takes_back_only_its_own_part(database):
    with database.transaction():
        database.execute("INSERT INTO fact VALUES ('a', 1)")
        with pytest.raises(KeyError), database.transaction():
            database.execute("INSERT INTO fact VALUES ('b', 2)")
            raise KeyError
        database.execute("INSERT INTO fact VALUES ('c', 3)")
    assert facts(database) == [("a", 1), ("c", 3), ("old", 1)]


def test_an_outer_transaction_that_raises_takes_back_its_inner_ones(database):
    with pytest.raises(KeyError), database.transaction():
        with database.transaction():
            database.execute("INSERT INTO fact VALUES ('b', 2)")
        raise KeyError
    assert facts(database) == [("old", 1)]


def test_a_broken_rule_of_the_schema_is_our_mistake_and_not_called_damage(database):
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("INSERT INTO fact VALUES ('old', 2)")


def test_a_full_disk_is_said_and_the_database_goes_on_afterwards(database):
    pages = database.value("PRAGMA page_count")
    database.rows(f"PRAGMA max_page_count = {pages}")
    with (
        pytest.raises(DatabaseDamaged, match=r"database or disk is full\. Check the disk \(space"),
        database.transaction(),
    ):
        for number in range(5000):
            database.execute("INSERT INTO fact VALUES (?, ?)", f"name {number}", number)
    database.rows("PRAGMA max_page_count = 1000000")
    database.execute("INSERT INTO fact VALUES ('a', 1)")
    assert facts(database) == [("a", 1), ("old", 1)]


OPENER = """
import sys
from pathlib import Path
from transcoder.journal.database import Database
database = Database(Path(sys.argv[1]), [sys.argv[2]])
for _ in range(50):
    database.execute("UPDATE fact SET value = value + 1")
"""


def test_processes_that_open_a_new_file_together_all_succeed(path):
    command = [sys.executable, "-c", OPENER, path, FIRST]
    processes = [subprocess.Popen(command) for _ in range(6)]
    assert [process.wait() for process in processes] == [0] * 6
    database = Database(path, [FIRST])
    assert facts(database) == [("old", 301)]
    database.close()
