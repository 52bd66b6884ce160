"""records.db: the migrations make exactly the tables that the rooms declare."""

import sqlite3
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from aforo.app.records import declared, is_newest, upgrade


def test_the_migrations_make_exactly_what_the_rooms_declare(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    upgrade(path)
    with create_engine(f"sqlite:///{path}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        assert compare_metadata(context, declared()) == []


def test_a_file_is_told_to_be_up_to_date_only_when_it_is(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    assert not is_newest(path)
    path.touch()
    assert not is_newest(path)
    upgrade(path)
    assert is_newest(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    assert not is_newest(path)


def test_an_upgrade_of_an_upgraded_file_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    upgrade(path)
    before = path.read_bytes()
    upgrade(path)
    assert path.read_bytes() == before
