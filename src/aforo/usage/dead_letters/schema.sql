-- deadletters.db, version 1.
CREATE TABLE letters (
    id TEXT PRIMARY KEY, log TEXT NOT NULL, tenant TEXT NOT NULL, customer TEXT,
    digest BLOB NOT NULL, received_ns INTEGER NOT NULL, times INTEGER NOT NULL,
    code TEXT NOT NULL, error TEXT NOT NULL, event BLOB, bytes INTEGER NOT NULL,
    UNIQUE (log, tenant, digest)
);
CREATE INDEX letters_by_time ON letters (log, tenant, received_ns, id);
PRAGMA user_version = 1;
