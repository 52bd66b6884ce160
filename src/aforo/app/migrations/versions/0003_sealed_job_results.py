"""Jobs keep their results sealed. Those of before held captured configuration in the clear: they are wiped."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("PRAGMA secure_delete = ON")
    op.execute("DELETE FROM jobs WHERE state <> 'RUNNING'")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("result")
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))
        batch_op.create_index("ix_jobs_ended", ["ended_at"], unique=False)


def downgrade() -> None:
    op.execute("DELETE FROM jobs")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_ended")
        batch_op.drop_column("sealed")
        batch_op.add_column(sa.Column("result", sa.Text(), nullable=True))
