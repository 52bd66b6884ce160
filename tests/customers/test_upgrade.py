"""A data folder from before this room: its tenants find everything that a new one has."""

from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from aforo.app.records import alembic_config
from aforo.app.settings import Settings
from tests.customers.shop import customer, plan, subscribe
from tests.live import aforo


async def test_a_tenant_from_before_customers_has_api_calls_and_can_sell(tmp_path: Path) -> None:
    path = Settings(data_dir=tmp_path / "var").records_path
    path.parent.mkdir(parents=True)
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("insert into tenants values ('ten_old', 'old', 'Old', '2026-01-01T00:00:00.000Z')")
        connection.exec_driver_sql(
            "insert into users values ('usr_old', 'ten_old', 'Administrator', 'admin', '2026-01-01T00:00:00.000Z')"
        )
    engine.dispose()
    async with aforo(tmp_path) as running:
        assert running.tenant_id == "ten_old"
        listed = await running.call("GET", "/api/v1/metrics")
        assert [one["name"] for one in listed["data"]] == ["api_calls"]
        made = await subscribe(running, (await customer(running))["id"], (await plan(running))["id"])
        assert made["status"] == "ACTIVE"
