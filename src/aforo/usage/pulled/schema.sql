-- pulled.db, version 1. Written by the api alone. May be deleted: what vendors still tell is then read anew.

-- One figure of a vendor's counter. `products` is a JSON array of native ids; `credential` is empty where there is none.
CREATE TABLE figures (
    tenant TEXT NOT NULL, integration TEXT NOT NULL, day TEXT NOT NULL, counter TEXT NOT NULL, credential TEXT NOT NULL,
    products TEXT NOT NULL, calls INTEGER NOT NULL,
    PRIMARY KEY (tenant, integration, day, counter, credential)
) WITHOUT ROWID;

-- The days that were read whole, and when last.
CREATE TABLE days (
    tenant TEXT NOT NULL, integration TEXT NOT NULL, day TEXT NOT NULL, read_at TEXT NOT NULL,
    PRIMARY KEY (tenant, integration, day)
) WITHOUT ROWID;

PRAGMA user_version = 1;
