"""The tables. Products and integrations are named by id without a foreign key: they are another room's to remove."""

from sqlalchemy import Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table, Text, text

from aforo.kit.db import metadata

metrics = Table(
    "metrics",
    metadata,
    Column("tenant_id", Text, ForeignKey("tenants.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("aggregation", Text, nullable=False),
    Column("description", Text, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("external_id", Text),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("tier", Text),
    Column("metadata", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("removed_at", Text),
    Column("system", Boolean, nullable=False, server_default=text("0")),
    Index("ix_customers_tenant", "tenant_id", "id"),
    Index("ix_customers_external", "tenant_id", "external_id"),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("system", Boolean, nullable=False, server_default=text("0")),
    Index("uq_plans_key", "tenant_id", "key", unique=True),
)

plan_versions = Table(
    "plan_versions",
    metadata,
    Column("plan_id", Text, ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("published_at", Text),
)

plan_products = Table(
    "plan_products",
    metadata,
    Column("plan_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("product_id", Text, primary_key=True),
    ForeignKeyConstraint(
        ["plan_id", "number"],
        ["plan_versions.plan_id", "plan_versions.number"],
        name="fk_plan_products_version",
        ondelete="CASCADE",
    ),
    Index("ix_plan_products_product", "product_id"),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("customer_id", Text, ForeignKey("customers.id"), nullable=False),
    Column("plan_id", Text, nullable=False),
    Column("plan_version", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("starts_at", Text, nullable=False),
    Column("primary_integration_id", Text),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Column("cancelled_at", Text),
    ForeignKeyConstraint(
        ["plan_id", "plan_version"],
        ["plan_versions.plan_id", "plan_versions.number"],
        name="fk_subscriptions_plan_version",
    ),
    Index("ix_subscriptions_tenant", "tenant_id", "id"),
    Index("ix_subscriptions_customer", "customer_id"),
    Index("ix_subscriptions_plan", "plan_id", "plan_version"),
)

grant_changes = Table(
    "grant_changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("ix_grant_changes_tenant", "tenant_id", "number"),
)

cost_rules = Table(
    "cost_rules",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("product_id", Text),
    Column("metric", Text),
    Column("unit_cost", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("valid_from", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Index("ix_cost_rules_tenant", "tenant_id", "id"),
)

margin_guards = Table(
    "margin_guards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant_id", Text, ForeignKey("tenants.id"), nullable=False),
    Column("scope_kind", Text, nullable=False),
    Column("scope_ref", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("floor_l1", Text),
    Column("floor_l2", Text),
    Column("floor_l3", Text),
    Column("throttle_rate", Integer, nullable=False),
    Column("retry_after_seconds", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("uq_margin_guards_scope", "tenant_id", "scope_kind", "scope_ref", unique=True),
)
