"""Artifacts: what runs inside each gateway. Aforo's own customers and plans, with which it proves that it works."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("integration_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("version", sa.Text()),
        sa.Column("wishes", sa.Text(), nullable=False),
        sa.Column("wired_key", sa.Text()),
        sa.Column("key_ids", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("unfinished", sa.Text()),
        sa.Column("fault", sa.Text()),
        sa.Column("deployed_at", sa.Text()),
        sa.Column("attached_at", sa.Text()),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("pause", sa.Text()),
        sa.Column("verification", sa.Text()),
        sa.ForeignKeyConstraint(
            ["integration_id"],
            ["integrations.id"],
            name=op.f("fk_artifacts_integration_id_integrations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_artifacts")),
    )
    for table in ("customers", "plans"):
        op.add_column(table, sa.Column("system", sa.Boolean(), nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    for table in ("plans", "customers"):
        op.drop_column(table, "system")
    op.drop_table("artifacts")
