"""The tables. Subscriptions, products and integrations are named by id without a foreign key: others remove them."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, false

from aforo.kit.db import metadata

seats = Table(
    "seats",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("integration_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("observed", Text, nullable=False),
    Column("reason", Text),
    Column("notes", Text, nullable=False),
    Column("objects", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("left_out", Text, nullable=False),
    Column("adopted_consumer", Text),
    Column("adopted_application", Text),
    Column("seen_at", Text),
    Index("ix_seats_integration", "integration_id"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("subscription_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("adopted", Boolean, nullable=False),
    Column("replaces", Text),
    Column("grace_until", Text),
    Column("sealed", LargeBinary),
    Column("key_sha256", Text),
    Column("hint", Text),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
    Index("ix_credentials_subscription", "subscription_id"),
)

places = Table(
    "credential_places",
    metadata,
    Column("credential_id", Text, ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True),
    Column("integration_id", Text, primary_key=True),
    Column("type", Text),
    Column("native_id", Text),
    Column("observed", Text, nullable=False),
    Column("key_sha256", Text),
    Column("hint", Text),
    Column("sealed", LargeBinary),
    Column("shown", Boolean, nullable=False, server_default=false()),
    Column("made_at", Text),
    Column("last_used_at", Text),
    Index("ix_credential_places_native", "integration_id", "native_id"),
)

outbox = Table(
    "seat_outbox",
    metadata,
    Column("subscription_id", Text, primary_key=True),
    Column("integration_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("due_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Index("ix_seat_outbox_due", "due_at"),
)

version = Table(
    "credential_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
)

orphans = Table(
    "orphans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("integration_id", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("application", Text),
    Column("name", Text, nullable=False),
    Column("subscription_id", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("found_at", Text, nullable=False),
    Index("ix_orphans_tenant", "tenant_id", "id"),
)
