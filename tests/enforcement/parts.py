"""Real parts for the tests of enforcement: records.db with a tenant that sells something, and the edge in process."""

import contextlib
import hashlib
import itertools
import json
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2

from aforo.accounts.keyring import KeyRing
from aforo.app.edge.asgi import EdgeApp
from aforo.app.edge.checks import CheckRoutes
from aforo.app.edge.door import EdgeDoor
from aforo.app.edge.enforcement import OpenEnforcement
from aforo.app.edge.handlers import Handlers, Served
from aforo.app.edge.ingest import INGEST_PATHS, IngestRoute
from aforo.app.edge.metrics import EdgeMetrics
from aforo.credentials import CredentialRow
from aforo.enforcement import CredentialSource
from aforo.kit.clock import HandClock, rfc3339
from aforo.usage import Ingests
from tests.live import migrated

KEY, OTHER_KEY, TEST_KEY, BOUND_KEY = "sk_live_mine", "sk_live_rival", "sk_test_mine", "sk_live_bound"
_numbers = itertools.count(1)
HARD_100 = {"metric": "api_calls", "units": "100", "period": "month", "anchorDay": 1, "timeZone": "UTC", "mode": "HARD"}


@cache
def _template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="aforo-test-")) / "records.db"
    migrated(path)
    with contextlib.closing(sqlite3.connect(path)) as records:
        records.execute("PRAGMA journal_mode = DELETE")
    return path


class Shop:
    """Writes records.db as the control plane would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "records.db"
        if not self.path.exists():
            shutil.copy(_template(), self.path)
            self.run("PRAGMA journal_mode = WAL")
            for tenant, slug in (("ten_1", "acme"), ("ten_2", "rival")):
                self.put("tenants", id=tenant, slug=slug, name=slug, created_at=_T)
            self.key(KEY)
            self.key(OTHER_KEY, tenant_id="ten_2")
            self.key(TEST_KEY, test=1)
            self.run(
                "CREATE TABLE IF NOT EXISTS test_credentials "
                "(integration_id, type, native_id, subscription_id, state, left_out)"
            )

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as records:
            records.execute(statement, values)

    def put(self, table: str, **row: Any) -> None:
        marks = ",".join("?" * len(row))
        self.run(f"INSERT OR REPLACE INTO {table} ({','.join(row)}) VALUES ({marks})", list(row.values()))

    def key(self, key: str, tenant_id: str = "ten_1", test: int = 0, customer_id: str | None = None) -> None:
        self.put(
            "api_keys", id=f"key_{key}", tenant_id=tenant_id, name=key, last4=key[-4:],
            sha256=hashlib.sha256(key.encode()).hexdigest(), scopes='["usage:ingest", "entitlements:check"]', test=test,
            customer_id=customer_id, created_at=_T,
        )  # fmt: skip

    def product(self, enforce: bool = True, ref: str | None = None, tenant_id: str = "ten_1") -> str:
        number = next(_numbers)
        product_id = f"prod_{number:04}"
        self.run("INSERT OR IGNORE INTO integrations SELECT * FROM integrations LIMIT 0")
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as records:
            columns = {row[1]: row for row in records.execute("PRAGMA table_info(products)")}
            row = {name: ("{}" if "TEXT" in str(info[2]) else 0) for name, info in columns.items() if info[3]}
            row |= {"id": product_id, "tenant_id": tenant_id, "integration_id": "int_1", "ref": ref or f"Api{number}"}
            marks = ",".join("?" * len(row))
            records.execute(f"INSERT INTO products ({','.join(row)}) VALUES ({marks})", list(row.values()))
        if enforce:
            self.mode(product_id, "enforce", tenant_id)
        return product_id

    def mode(self, product_id: str, mode: str, tenant_id: str = "ten_1") -> None:
        self.put("product_enforcement", product_id=product_id, tenant_id=tenant_id, mode=mode, changed_at=_T)
        self.put("enforcement_changes", tenant_id=tenant_id, kind=mode, subject=product_id, at=_T)

    def plan(self, *products: str, key: str | None = None, tenant_id: str = "ten_1", **terms: Any) -> str:
        plan_id = f"plan_{next(_numbers):04}"
        whole = {"currency": "EUR", "productIds": list(products), "quotas": [HARD_100], **terms}
        self.put("plans", id=plan_id, tenant_id=tenant_id, key=key or plan_id, name=plan_id)
        self.put(
            "plan_versions", plan_id=plan_id, number=1, state="PUBLISHED", terms=json.dumps(whole), created_at=_T,
            published_at=_T,
        )  # fmt: skip
        return plan_id

    def customer(self, external_id: str | None = None, tenant_id: str = "ten_1") -> str:
        customer_id = f"cust_{next(_numbers):04}"
        self.put(
            "customers", id=customer_id, tenant_id=tenant_id, external_id=external_id, name=customer_id, metadata="{}",
            created_at=_T, updated_at=_T,
        )  # fmt: skip
        return customer_id

    def subscription(
        self, customer_id: str, plan_id: str, status: str = "ACTIVE", starts_at: str = "2026-01-01T00:00:00.000Z",
        tenant_id: str = "ten_1",
    ) -> str:  # fmt: skip
        subscription_id = f"sub_{next(_numbers):04}"
        self.put(
            "subscriptions", id=subscription_id, tenant_id=tenant_id, customer_id=customer_id, plan_id=plan_id,
            plan_version=1, status=status, mode="AFORO_PROVIDED", starts_at=starts_at, created_at=_T, updated_at=_T,
        )  # fmt: skip
        self.logged(subscription_id, "subscription.created", tenant_id)
        return subscription_id

    def set_status(self, subscription_id: str, status: str) -> None:
        self.run("UPDATE subscriptions SET status = ? WHERE id = ?", (status, subscription_id))
        self.logged(subscription_id, f"subscription.{status.lower()}")

    def move(self, subscription_id: str, plan_id: str) -> None:
        self.run("UPDATE subscriptions SET plan_id = ? WHERE id = ?", (plan_id, subscription_id))
        self.logged(subscription_id, "subscription.moved")

    def logged(self, subscription_id: str, kind: str, tenant_id: str = "ten_1") -> None:
        self.put("grant_changes", tenant_id=tenant_id, kind=kind, subject=subscription_id, at=_T)

    def guard(self, kind: str, ref: str, mode: str = "enforce", throttle: int = 50, **floors: str) -> None:
        self.put(
            "margin_guards", id=f"guard_{next(_numbers)}", tenant_id="ten_1", scope_kind=kind, scope_ref=ref, mode=mode,
            floor_l1=floors.get("l1"), floor_l2=floors.get("l2"), floor_l3=floors.get("l3"), throttle_rate=throttle,
            retry_after_seconds=1800, created_at=_T, updated_at=_T,
        )  # fmt: skip

    def cost(self, unit_cost: str, currency: str = "EUR", metric: str = "api_calls") -> None:
        self.put(
            "cost_rules", id=f"cost_{next(_numbers)}", tenant_id="ten_1", product_id=None, metric=metric,
            unit_cost=unit_cost, currency=currency, valid_from=_T, created_at=_T,
        )  # fmt: skip

    def credential(
        self, native_id: str, subscription_id: str, state: str = "ACTIVE", type_: str = "consumer",
        integration_id: str = "int_1", left_out: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.run("DELETE FROM test_credentials WHERE native_id = ?", (native_id,))
        self.put(
            "test_credentials", integration_id=integration_id, type=type_, native_id=native_id,
            subscription_id=subscription_id, state=state, left_out=json.dumps(list(left_out)),
        )  # fmt: skip

    def customer_on(self, plan_id: str, external_id: str | None = None) -> tuple[str, str]:
        """A customer and its subscription."""
        customer_id = self.customer(external_id)
        return customer_id, self.subscription(customer_id, plan_id)


_T = "2026-01-01T00:00:00.000Z"


def credential_rows(records: sqlite3.Connection) -> list[CredentialRow]:
    query = "SELECT 'ten_1', integration_id, type, native_id, subscription_id, state, left_out FROM test_credentials"
    found = []
    for tenant_id, place, kind, native_id, subscription_id, state, closed in records.execute(query):
        out = frozenset(json.loads(closed))
        found.append(CredentialRow(tenant_id, place, kind, native_id, subscription_id, state, out))
    return found


CREDENTIALS = CredentialSource(credential_rows, lambda records: tuple(credential_rows(records)))


class Edge:
    """The edge's routes over real files, called in process."""

    def __init__(self, folder: Path, clock: HandClock, **options: Any) -> None:
        self.clock = clock
        self.keys = KeyRing(folder / "records.db", clock)
        self.open = OpenEnforcement(folder, clock, options.get("credentials", CREDENTIALS))
        self.ingests = Ingests(folder / "log", clock, settle=lambda _: self.open.logged())
        door, metrics = EdgeDoor(self.keys), EdgeMetrics(self.ingests.logs)
        metrics.watch(self.open.room)
        ingest = IngestRoute(door, self.ingests, metrics)
        networks = [ip_network(text) for text in options.get("margin_networks", ())]
        served = [*(Served("POST", path, ingest.post) for path in INGEST_PATHS)]
        served += CheckRoutes(door, self.open.room, networks, metrics.decided).served()
        self.handlers = Handlers(served, metrics, lambda: None)
        transport = httpx2.ASGITransport(EdgeApp(self.handlers.answer))
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://edge.test")

    async def refresh(self) -> None:
        """Read what the control plane wrote."""
        self.keys.refresh()
        await self.open.refresh()

    async def post(self, path: str, body: Any, key: str = KEY, status: int = 200) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = await self.http.post(path, content=content, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def get(self, path: str, key: str | None = KEY, status: int = 200, **headers: str) -> Any:
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def check(self, customer_id: str, key: str = KEY, **members: Any) -> Any:
        return await self.post("/v1/check", {"customerId": customer_id, **members}, key)

    async def ingest(self, *events: dict[str, Any], key: str = KEY) -> None:
        """Events with these members, and counters that have followed."""
        rows = [
            {
                "customerId": "nobody", "metricName": "api_calls", "quantity": 1,
                "occurredAt": rfc3339(self.clock.now()), "idempotencyKey": f"key-{next(_numbers)}", **event,
            }
            for event in events
        ]  # fmt: skip
        answer = await self.http.post("/v1/ingest", json={"events": rows}, headers={"X-API-Key": key})
        assert answer.status_code == 202, answer.text
        assert answer.json()["accepted"] == len(events), answer.text
        await self.open.caught_up()

    async def used(self, customer_id: str, metric: str = "api_calls") -> int:
        """What counts against the tightest quota, asked without reserving."""
        answer = await self.post("/api/v1/quota/check", {"customerId": customer_id, "metricName": metric})
        return int(answer["currentUsage"])

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.ingests.aclose()
        await self.open.aclose()
        self.keys.close()

    async def crash(self) -> None:
        """Forget everything in memory. What was committed stays; nothing else is written."""
        await self.http.aclose()
        await self.ingests.aclose()
        await self.open.abandon()
        self.keys.close()


@contextlib.asynccontextmanager
async def edge(folder: Path, clock: HandClock | None = None, **options: Any) -> AsyncIterator[Edge]:
    running = Edge(folder, clock or HandClock(), **options)
    await running.open.start(running.ingests.logs)
    await running.refresh()
    try:
        yield running
    finally:
        await running.aclose()
