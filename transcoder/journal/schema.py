"""The tables of a journal. A role uses some of them; one schema keeps the migrations in one line.

A migration that has been released is never edited: a new one is added at the end.
"""

MIGRATIONS = (
    """
    CREATE TABLE note (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE outbox (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        message BLOB NOT NULL,
        state TEXT NOT NULL,
        nonce INTEGER,
        transaction_bytes BLOB,
        transaction_hash BLOB,
        height INTEGER,
        problem TEXT
    );
    CREATE INDEX outbox_by_state ON outbox (state, position);

    CREATE TABLE segment (
        stream_id TEXT NOT NULL,
        sequence_number INTEGER NOT NULL,
        data_hash BLOB NOT NULL,
        signature BLOB NOT NULL,
        meta TEXT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (stream_id, sequence_number)
    ) WITHOUT ROWID;

    CREATE TABLE receipt (
        job_id INTEGER NOT NULL,
        sequence_number INTEGER NOT NULL,
        receipt BLOB NOT NULL,
        meta TEXT NOT NULL,
        state TEXT NOT NULL,
        claim_number INTEGER,
        PRIMARY KEY (job_id, sequence_number)
    ) WITHOUT ROWID;
    CREATE INDEX receipt_by_claim ON receipt (job_id, claim_number);

    CREATE TABLE claim (
        job_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        ranges TEXT NOT NULL,
        merkle_root BLOB NOT NULL,
        intent_key TEXT NOT NULL REFERENCES outbox (key),
        state TEXT NOT NULL,
        claim_id INTEGER,
        PRIMARY KEY (job_id, number)
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX claim_by_id ON claim (job_id, claim_id);

    CREATE TABLE verdict (
        job_id INTEGER NOT NULL,
        claim_id INTEGER NOT NULL,
        segment INTEGER NOT NULL,
        salt BLOB NOT NULL,
        result BLOB NOT NULL,
        keyed_digest BLOB NOT NULL,
        finding INTEGER NOT NULL,
        rendition INTEGER NOT NULL,
        commitment BLOB NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (job_id, claim_id, segment)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE outbox ADD COLUMN signed_height INTEGER;
    ALTER TABLE outbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE outbox ADD COLUMN wait_height INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX claim_by_state ON claim (state, job_id, number);
    CREATE INDEX receipt_by_state ON receipt (job_id, state, sequence_number);
    CREATE INDEX verdict_by_state ON verdict (state, job_id, claim_id, segment);
    """,
)
