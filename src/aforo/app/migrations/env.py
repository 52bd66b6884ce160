"""Alembic's entry: one SQLite file, one transaction a migration."""

from alembic import context

from aforo.app.records import declared

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=declared(), render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
