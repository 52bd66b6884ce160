-- Quantities are nano-units as decimal text: they outgrow 64 bits.
CREATE TABLE counters (
    id INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    every TEXT NOT NULL,
    anchor_day INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    starts_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL,
    hard INTEGER NOT NULL,
    given TEXT NOT NULL,
    taken TEXT NOT NULL,
    settled TEXT NOT NULL,
    stranded TEXT NOT NULL
) STRICT;
CREATE INDEX counters_ends ON counters (ends_ms);

CREATE TABLE leases (
    id TEXT PRIMARY KEY,
    log TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    subscription_id TEXT NOT NULL,
    metric TEXT NOT NULL,
    product TEXT NOT NULL,
    node_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    granted_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    ends_ms INTEGER NOT NULL,
    units TEXT NOT NULL,
    seen TEXT NOT NULL,
    used TEXT NOT NULL,
    final INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    counters TEXT NOT NULL
) STRICT;
CREATE INDEX leases_ends ON leases (ends_ms);

-- Decisions that an event or a settle call has already moved the counters for.
CREATE TABLE settled (
    serial INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX settled_at ON settled (at_ms);

-- Up to where each usage log has moved the counters above; written in the same transaction as they are.
CREATE TABLE applied (
    log TEXT PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL
) STRICT;

-- All denials, also those that were only observed, and a sample of what was allowed.
CREATE TABLE decisions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    log TEXT NOT NULL,
    tenant_id TEXT NOT NULL,
    customer_id TEXT NOT NULL,
    product TEXT NOT NULL,
    metric TEXT NOT NULL,
    reason TEXT NOT NULL,
    enforced INTEGER NOT NULL,
    units TEXT NOT NULL,
    token TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_tenant ON decisions (tenant_id, log, number);
CREATE INDEX decisions_at ON decisions (at_ms);

CREATE TABLE facts (
    made_ms INTEGER NOT NULL,
    stopped_cleanly INTEGER NOT NULL
) STRICT;
