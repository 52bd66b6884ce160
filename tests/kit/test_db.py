"""The database room: what it says when a statement fails."""

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from aforo.kit.db import Database

PLANTED = "planted-and-never-to-be-shown"


async def test_a_failed_statement_does_not_print_its_values(tmp_path: Path) -> None:
    db = Database(tmp_path / "records.db")
    for connect in (db.read, db.write):
        async with connect() as connection:
            with pytest.raises(DBAPIError) as failed:
                await connection.execute(text("INSERT INTO absent VALUES (:value)"), {"value": PLANTED})
        assert "absent" in str(failed.value)
        assert PLANTED not in str(failed.value)
    await db.aclose()
