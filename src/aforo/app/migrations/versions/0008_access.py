"""Access: a chained, append-only audit trail; passwords, tries and e-mail addresses of people."""

import sqlalchemy as sa
from alembic import op

from aforo.accounts.chain import GENESIS, link

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SEALS = {
    "UPDATE": "audit_never_changes",
    "DELETE": "audit_never_forgets",
}


def upgrade() -> None:
    _chain_audit()
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("email", sa.Text(), nullable=True))
        users.add_column(sa.Column("password", sa.Text(), nullable=True))
        users.add_column(sa.Column("subject", sa.Text(), nullable=True))
        users.add_column(sa.Column("disabled_at", sa.Text(), nullable=True))
    op.create_index("ix_users_email", "users", ["email"], unique=True)
    op.create_index("ix_users_subject", "users", ["subject"], unique=True)
    op.create_table(
        "sign_in_tries",
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
    )
    op.create_index("ix_sign_in_tries", "sign_in_tries", ["who", "at"])


def _chain_audit() -> None:
    with op.batch_alter_table("audit") as audit:
        audit.add_column(sa.Column("hash", sa.Text(), nullable=True))
    connection = op.get_bind()
    heads: dict[str, str] = {}
    query = "SELECT number, tenant_id, at, actor_id, action, subject, detail FROM audit ORDER BY number"
    for number, tenant_id, *said in connection.execute(sa.text(query)).fetchall():
        heads[tenant_id] = link(heads.get(tenant_id, GENESIS), tenant_id, *said)
        update = sa.text("UPDATE audit SET hash = :hash WHERE number = :number")
        connection.execute(update, {"hash": heads[tenant_id], "number": number})
    with op.batch_alter_table("audit") as audit:
        audit.alter_column("hash", nullable=False)
    for verb, name in _SEALS.items():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {verb} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )


def downgrade() -> None:
    for name in _SEALS.values():
        op.execute(f"DROP TRIGGER {name}")
    op.drop_table("sign_in_tries")
    op.drop_index("ix_users_subject", "users")
    op.drop_index("ix_users_email", "users")
    with op.batch_alter_table("users") as users:
        for name in ("disabled_at", "subject", "password", "email"):
            users.drop_column(name)
    with op.batch_alter_table("audit") as audit:
        audit.drop_column("hash")
