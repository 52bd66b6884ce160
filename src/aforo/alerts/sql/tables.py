"""The tables. Addresses of channels stand here sealed only. A channel that is removed keeps its row, without its
address, since its deliveries tell who was told.
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from aforo.kit.db import metadata

channels = Table(
    "alert_channels",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("min_severity", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("paused", Text),
    Column("removed_at", Text),
    Column("sealed", LargeBinary, nullable=False),
    Index("uq_alert_channels_name", "tenant_id", "name", unique=True, sqlite_where=text("removed_at IS NULL")),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("episode", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("affected", Text, nullable=False),
    Column("lasts", Boolean, nullable=False),
    Column("since", Text, nullable=False),
    Column("raised_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("resolution", Text),
    Index("ix_alerts_tenant", "tenant_id", "id"),
    Index("ix_alerts_episode", "tenant_id", "kind", "episode"),
    Index("ix_alerts_subject", "tenant_id", "subject"),
    Index("uq_alerts_open", "tenant_id", "kind", "episode", unique=True, sqlite_where=text("ended_at IS NULL")),
)

deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("channel_id", Text, ForeignKey("alert_channels.id"), nullable=False),
    Column("alert_id", Text, ForeignKey("alerts.id", ondelete="CASCADE")),
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("answer", Text),
    Column("replay_of", Text),
    Column("payload", Text, nullable=False),
    Index("ix_alert_deliveries_alert", "alert_id"),
    Index("ix_alert_deliveries_due", "channel_id", "due_at", sqlite_where=text("state = 'PENDING'")),
)

attempts = Table(
    "alert_attempts",
    metadata,
    Column("delivery_id", Text, ForeignKey("alert_deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("ok", Boolean),
    Column("answer", Text),
    Column("took_ms", Float),
)
