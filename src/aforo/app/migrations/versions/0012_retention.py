"""For how long a tenant's events are kept whole."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retention",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer()),
        sa.Column("set_at", sa.Text(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_retention")),
    )


def downgrade() -> None:
    op.drop_table("retention")
