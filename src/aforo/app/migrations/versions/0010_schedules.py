"""Schedules: what runs by itself, when next, and how the last run went; and the maintenance pause of an integration."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("own_seconds", sa.Integer()),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Text()),
        sa.Column("ended_at", sa.Text()),
        sa.Column("took_ms", sa.Float()),
        sa.Column("result", sa.Text()),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedules")),
    )
    op.create_index("uq_schedules_kind", "schedules", ["tenant_id", "kind", "subject_id"], unique=True)
    op.create_index("ix_schedules_due", "schedules", ["enabled", "running", "next_at"])
    op.add_column("integrations", sa.Column("paused_until", sa.Text()))
    op.add_column("integrations", sa.Column("pause_reason", sa.Text()))


def downgrade() -> None:
    with op.batch_alter_table("integrations") as batch_op:
        batch_op.drop_column("pause_reason")
        batch_op.drop_column("paused_until")
    op.drop_table("schedules")
