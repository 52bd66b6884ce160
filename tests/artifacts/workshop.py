"""A running Aforo with a connected gateway, whose artifact is the toy's; and the real edge beside it."""

import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import event, insert
from sqlalchemy.engine import Engine

from aforo.accounts import Scope
from aforo.app.api import create
from aforo.app.edge.enforcement import CREDENTIALS
from aforo.app.settings import Settings
from aforo.app.wiring import Rooms, open_rooms
from aforo.app.wiring_artifacts import outside
from aforo.artifacts import ArtifactsRoom, open_room
from aforo.catalog import ProductStore
from aforo.catalog.sql.tables import products as products_table
from aforo.gateway_sdk.artifact import Artifact
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.kit.clock import HandClock, rfc3339
from aforo.kit.ids import new_id
from aforo.kit.secretbox import MasterKeys, SecretBox
from tests.artifacts.toy import Doom, ToyArtifact, ToyGateway
from tests.customers.shop import stocked
from tests.enforcement.parts import Edge
from tests.live import Aforo, AtFirstCall, emulated, migrated


@dataclass
class Workshop:
    """`gateway` is what the artifact is put into; customers and keys are those of the emulated Kong beside it."""

    running: Aforo
    gateway: ToyGateway
    clock: HandClock
    integration_id: str
    product_ids: list[str]
    path: Path
    version: str = "1.0"
    forgetful: bool = False
    app: Any = None
    opened: list[ToyArtifact] = field(default_factory=list)

    @property
    def tenant_id(self) -> str:
        return self.running.tenant_id

    async def verb(self, verb: str, body: object = None, status: int = 200) -> Any:
        return await self.running.call("POST", self.place(f"/{verb}"), body, status)

    async def standing(self) -> Any:
        return await self.running.call("GET", self.place())

    def place(self, below: str = "") -> str:
        return f"/api/v1/integrations/{self.integration_id}/enforcement{below}"

    async def keys(self) -> list[Any]:
        """Live keys that were made for artifacts."""
        rows = (await self.running.call("GET", "/api/v1/api-keys"))["data"]
        return [row for row in rows if row["name"].startswith("artifact") and row["revokedAt"] is None]

    def room(self) -> ArtifactsRoom:
        """A new one on the same records, as after a restart."""
        return _room(self.running.rooms, self)

    @contextlib.asynccontextmanager
    async def edge(self) -> AsyncIterator[Edge]:
        """Serves checks and events; whoever calls through the toy finds it up to date with the records."""
        edge = Edge(self.path / "var", self.clock, credentials=CREDENTIALS)
        await edge.open.start(edge.ingests.logs)
        await edge.refresh()

        async def looks() -> None:
            await edge.refresh()
            await edge.open.room.parts.keeper.durable()

        self.gateway.edge, self.gateway.edge_looks = edge.http, looks
        yield edge
        self.gateway.edge = None
        await edge.aclose()


@cache
def _records() -> Path:
    """An empty file with all tables, made once."""
    path = Path(tempfile.mkdtemp(prefix="aforo-test-")) / "records.db"
    migrated(path)
    return path


@contextlib.contextmanager
def dying(shop: Workshop, doom: Doom) -> Iterator[None]:
    """Every commit and every call at the gateway is a boundary at which the process may end."""

    def commits(_connection: Any) -> None:
        if doom.strikes():
            raise doom.fault()

    shop.gateway.doom = doom
    event.listen(Engine, "commit", commits)
    try:
        yield
    finally:
        event.remove(Engine, "commit", commits)
        shop.gateway.doom = Doom()


@contextlib.asynccontextmanager
async def workshop(folder: Path, *, kong: bool = False, **members: Any) -> AsyncIterator[Workshop]:
    """The real app with an integration and two products; only what opens the artifact is the toy's.

    With `kong`, credentials are brought to Kong's emulator; without, the integration is one that nobody calls.
    """
    clock = HandClock()
    settings = Settings(data_dir=folder / "var", ingest_url="https://ingest.example.com")
    settings.data_dir.mkdir()
    shutil.copy(_records(), settings.records_path)
    rooms = open_rooms(settings, clock)
    key = await rooms.accounts.ensure_first()
    assert key is not None
    tenant = (await rooms.accounts.tenants())[0]
    made = Workshop(
        Aforo(rooms, httpx2.AsyncClient(), key, tenant.id, AtFirstCall(rooms)),
        ToyGateway(),
        clock,
        "",
        [],
        folder,
        **members,
    )
    rooms = made.running.rooms = replace(rooms, artifacts=_room(rooms, made))
    headers = {"Authorization": f"Bearer {key}"}
    made.app = create(rooms)
    transport = httpx2.ASGITransport(made.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers) as http:
        made.running.http = http
        if kong:
            with emulated("kong", 2) as gateway:
                made.integration_id, made.product_ids = await stocked(made.running, gateway)
                yield made
        else:
            made.integration_id, made.product_ids = await _recorded(rooms, tenant.id)
            yield made
    await rooms.aclose()


async def _recorded(rooms: Rooms, tenant_id: str) -> tuple[str, list[str]]:
    """An integration with products as an import would have left them."""
    settings = {"admin_url": "http://127.0.0.1:9"}
    one = await rooms.integrations.create(tenant_id, "gw", "kong", "none", settings)
    now, ids = rfc3339(rooms.clock.now()), []
    async with rooms.db.write() as connection:
        for ref in ("orders-v1", "payments-v2"):
            product_id = new_id("prod")
            row = {
                "id": product_id, "tenant_id": tenant_id, "integration_id": one.id, "ref": ref, "native_id": ref,
                "name": ref, "created_at": now, "updated_at": now,
            }  # fmt: skip
            known = {column.name: row.get(column.name) for column in products_table.columns if column.name in row}
            lacking = {
                column.name: 0 if column.type.python_type in (int, bool) else "{}"
                for column in products_table.columns
                if column.name not in row and not column.nullable and column.server_default is None
            }
            await connection.execute(insert(products_table).values(known | lacking))
            ids.append(product_id)
    return one.id, ids


def _room(rooms: Rooms, made: Workshop) -> ArtifactsRoom:
    @contextlib.asynccontextmanager
    async def opens(tenant_id: str, integration_id: str) -> AsyncIterator[Artifact]:
        await rooms.integrations.get(tenant_id, integration_id)
        artifact = ToyArtifact(made.gateway, lambda: rfc3339(made.clock.now()), made.version, forgetful=made.forgetful)
        made.opened.append(artifact)
        try:
            yield artifact
        finally:
            await artifact.aclose()

    async def products(tenant_id: str, integration_id: str) -> Any:
        rows = await ProductStore(rooms.db).products(tenant_id, integration_id=integration_id)
        return [ScopedProduct(row.id, row.ref, row.native_id, row.name) for row in rows]

    around = outside(rooms.integrations, products, rooms.desk, rooms.events)
    box = SecretBox(MasterKeys.load_or_create(rooms.settings.key_path))
    return open_room(
        rooms.db,
        box,
        rooms.accounts,
        rooms.customers,
        rooms.credentials,
        replace(around, opens=opens),
        rooms.settings.edge_url,
        rooms.clock,
    )


SCOPES = [Scope.ENTITLEMENTS_CHECK.value, Scope.USAGE_INGEST.value]
