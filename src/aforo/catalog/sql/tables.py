"""Tables of the catalog room. What was captured from a gateway is stored sealed only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.kit.db import Database, metadata
from aforo.kit.errors import Conflict

products = Table(
    "products",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("native_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text),
    Column("monetized", Boolean, nullable=False),
    Column("record_version", Integer, nullable=False),
    Column("spec_digest", Text),
    Column("config_digest", Text, nullable=False),
    Column("ignored", Text, nullable=False),
    Column("drift_id", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("checked_at", Text),
    Index("uq_products_ref", "integration_id", "ref", unique=True),
    Index("ix_products_tenant", "tenant_id", "name"),
)

product_versions = Table(
    "product_versions",
    metadata,
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("origin", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

previews = Table(
    "previews",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("integration_id", Text, ForeignKey("integrations.id", ondelete="CASCADE"), nullable=False),
    Column("created_at", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_previews_integration", "integration_id", "created_at"),
)

drift_episodes = Table(
    "drift_episodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("product_id", Text, ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
    Column("resolution", Text),
    Column("gone", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_drift_episodes_product", "product_id", "opened_at"),
)


@asynccontextmanager
async def writing(db: Database) -> AsyncIterator[AsyncConnection]:
    """One write; what the tables refuse is a Conflict: the integration or product went away at the same moment."""
    try:
        async with db.write() as connection:
            yield connection
    except IntegrityError as fault:
        raise Conflict(
            "The integration or product that this belongs to was removed or changed in Aforo at the same moment. "
            "Nothing was stored.",
            next_step="Look at what is recorded now, then do it again.",
        ) from fault
