"""Enforcement: which products enforce, the kill switch, the numbered changes of both, and the decisions' key."""

import os

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_enforcement",
        sa.Column("product_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_product_enforcement_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_enforcement")),
    )
    op.create_table(
        "enforcement_pauses",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_enforcement_pauses_tenant_id_tenants")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_enforcement_pauses")),
    )
    op.create_table(
        "enforcement_changes",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_enforcement_changes")),
    )
    keys = op.create_table(
        "decision_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_keys")),
    )
    op.bulk_insert(keys, [{"id": 1, "secret": os.urandom(32)}])


def downgrade() -> None:
    op.drop_table("decision_keys")
    op.drop_table("enforcement_changes")
    op.drop_table("enforcement_pauses")
    op.drop_table("product_enforcement")
