"""records.db: the migrations make exactly the tables that the rooms declare."""

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from aforo.app.records import metadata, upgrade


def test_the_migrations_make_exactly_what_the_rooms_declare(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    upgrade(path)
    with create_engine(f"sqlite:///{path}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_of_an_upgraded_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    upgrade(path)
    before = path.read_bytes()
    upgrade(path)
    assert path.read_bytes() == before
