"""The schema of records.db: all rooms' tables together, and bringing a file up to date."""

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import MetaData

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def declared() -> "MetaData":
    """The tables that the rooms declare; importing a room's `sql` is what declares them."""
    import aforo.accounts.sql
    import aforo.alerts.sql
    import aforo.app.first_answers
    import aforo.artifacts.sql
    import aforo.catalog.sql
    import aforo.credentials.sql
    import aforo.customers.sql
    import aforo.enforcement.sql
    import aforo.integrations.sql
    import aforo.jobs.sql
    import aforo.pricing.sql
    from aforo.kit.db import metadata

    del aforo
    return metadata


def newest() -> int:
    """The number of the newest schema."""
    return max(int(file.name.split("_")[0]) for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def is_newest(path: Path) -> bool:
    """Whether the file has the newest schema, told without Alembic, which is slow to import."""
    if not path.exists():
        return False
    with sqlite3.connect(path) as connection:
        try:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(f"{newest():04d}",)]
        except sqlite3.OperationalError:
            return False


def upgrade(path: Path) -> None:
    """Make the file, or bring it to the newest schema. Nobody else has it open."""
    from alembic import command
    from sqlalchemy import create_engine

    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
    path.chmod(0o600)


def alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
