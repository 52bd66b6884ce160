"""The schema of records.db: all rooms' tables together, and bringing a file up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

import aforo.accounts.sql
import aforo.app.idempotency
import aforo.catalog.sql
import aforo.integrations.sql
import aforo.jobs.sql
from aforo.kit.db import metadata

TABLES = (
    aforo.accounts.sql,
    aforo.app.idempotency,
    aforo.catalog.sql,
    aforo.integrations.sql,
    aforo.jobs.sql,
)
"""Importing these modules declares their tables on `metadata`."""

__all__ = ["TABLES", "alembic_config", "metadata", "upgrade"]


def upgrade(path: Path) -> None:
    """Make the file, or bring it to the newest schema. Only the supervisor calls this, before its children start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    path.chmod(0o600)


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
