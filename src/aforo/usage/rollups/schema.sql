-- rollups.db, version 3. Made from the log and nothing else: it may be deleted at any time and is then made anew.

CREATE TABLE position (log TEXT PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL) WITHOUT ROWID;

-- Sums of a quarter of an hour; of late events also by the quarter in which they were received. `whole` has no type: beyond 64 bits it is text.
CREATE TABLE cells (
    log TEXT NOT NULL, tenant TEXT NOT NULL, customer TEXT NOT NULL, metric TEXT NOT NULL, quarter INTEGER NOT NULL,
    product TEXT NOT NULL, integration TEXT NOT NULL, credential TEXT NOT NULL, subscription TEXT NOT NULL,
    status INTEGER NOT NULL, received INTEGER NOT NULL,
    events INTEGER NOT NULL, whole NOT NULL, nano INTEGER NOT NULL,
    most_whole INTEGER NOT NULL, most_nano INTEGER NOT NULL,
    PRIMARY KEY (log, tenant, customer, metric, quarter, product, integration, credential, subscription, status,
                 received)
) WITHOUT ROWID;

-- The same by days of UTC, with the day first: what a month came to is read from these, and which cells a stretch has.
CREATE TABLE days (
    log TEXT NOT NULL, tenant TEXT NOT NULL, day INTEGER NOT NULL, customer TEXT NOT NULL, metric TEXT NOT NULL,
    product TEXT NOT NULL, integration TEXT NOT NULL, credential TEXT NOT NULL, subscription TEXT NOT NULL,
    events INTEGER NOT NULL, whole NOT NULL, nano INTEGER NOT NULL,
    most_whole INTEGER NOT NULL, most_nano INTEGER NOT NULL,
    PRIMARY KEY (log, tenant, day, customer, metric, product, integration, credential, subscription)
) WITHOUT ROWID;

-- Sequence numbers that are there.
CREATE TABLE runs (
    log TEXT NOT NULL, tenant TEXT NOT NULL, node TEXT NOT NULL, epoch TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL,
    PRIMARY KEY (log, tenant, node, epoch, first)
) WITHOUT ROWID;

-- Sequence numbers that came more than once, and how often more.
CREATE TABLE repeated (
    log TEXT NOT NULL, tenant TEXT NOT NULL, node TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (log, tenant, node, epoch, seq)
) WITHOUT ROWID;

-- Numbered events of each customer by node.
CREATE TABLE node_cells (
    log TEXT NOT NULL, tenant TEXT NOT NULL, customer TEXT NOT NULL, quarter INTEGER NOT NULL,
    node TEXT NOT NULL, epoch TEXT NOT NULL, events INTEGER NOT NULL,
    PRIMARY KEY (log, tenant, customer, quarter, node, epoch)
) WITHOUT ROWID;

PRAGMA user_version = 3;
