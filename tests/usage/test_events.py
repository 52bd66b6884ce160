"""GET /v1/events: newest first, the same on every page, one's own only."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import msgspec
import pytest
from fastapi import FastAPI, Request

from aforo.accounts import Caller, Scope
from aforo.accounts.errors import TenantMismatch
from aforo.kit.clock import HandClock, rfc3339
from aforo.kit.errors import Invalid
from aforo.usage import EventLog, EventQuery, Ingests
from aforo.usage.errors import InvalidCursor
from aforo.usage.routes import router
from tests.usage.parts import CALLER, OTHER, body, event, ingest, listed


def keys(found: list[dict[str, object]]) -> list[object]:
    return [shown["idempotencyKey"] for shown in found]


async def test_pages_hold_every_event_once_in_one_order_while_more_arrive(tmp_path: Path) -> None:
    taking, log = ingest(tmp_path, segment_bytes=4_000)
    for batch in range(12):
        await taking.ingest(body(*(event(f"{batch}-{n}") for n in range(7))), CALLER)
        await taking.ingest(body(event(f"{batch}")), OTHER)
    wanted = [f"{batch}-{n}" for batch in range(11, -1, -1) for n in range(6, -1, -1)]
    for limit in (1, 5, 7, 1000):
        assert keys(listed(tmp_path, limit=limit)) == wanted
    events = EventLog(tmp_path)
    first = events.page(CALLER, EventQuery(limit=10))
    await taking.ingest(body(event("newer")), CALLER)
    second = events.page(CALLER, EventQuery(limit=1000, cursor=first.next_cursor))
    assert keys(first.data + second.data) == wanted
    assert keys(events.page(CALLER, EventQuery(limit=1)).data) == ["newer"]
    await log.aclose()


async def test_a_page_reads_a_bounded_stretch_and_the_next_goes_on_from_there(tmp_path: Path) -> None:
    taking, log = ingest(tmp_path)
    for number in range(50):
        await taking.ingest(body(event(str(number), customerId="rare" if number == 3 else "common")), CALLER)
    await log.aclose()
    events, pages = EventLog(tmp_path, page_bytes=600), 0
    found: list[dict[str, object]] = []
    cursor: str | None = None
    while pages == 0 or cursor is not None:
        page = events.page(CALLER, EventQuery(customer_id="rare", cursor=cursor))
        found, cursor, pages = found + page.data, page.next_cursor, pages + 1
    assert keys(found) == ["3"]
    assert pages > 5


async def test_filters_select_by_customer_metric_product_and_time(tmp_path: Path) -> None:
    clock = HandClock()
    taking, log = ingest(tmp_path, clock)
    start = int(clock.now().timestamp()) * 10**9
    await taking.ingest(body(event("a"), event("b", customerId="cust_b"), event("c", product="Pay")), CALLER)
    await taking.ingest(body(event("d", productId="prod_1"), event("e", metricName="system.beat", quantity=0)), CALLER)
    clock.forward(3600)
    await taking.ingest(body(event("f", occurredAt=rfc3339(clock.now())), event("g")), CALLER)
    await log.aclose()
    assert keys(listed(tmp_path, customer_id="cust_b")) == ["b"]
    assert keys(listed(tmp_path, metric="system.beat")) == ["e"]
    assert keys(listed(tmp_path, product="Pay")) + keys(listed(tmp_path, product="prod_1")) == ["c", "d"]
    assert keys(listed(tmp_path, from_ns=start + 1)) == ["f"]
    assert keys(listed(tmp_path, to_ns=start)) == []
    assert keys(listed(tmp_path, from_ns=start, to_ns=start + 1)) == ["g", "e", "d", "c", "b", "a"]


async def test_test_keys_and_bound_keys_and_other_tenants_see_their_own_only(tmp_path: Path) -> None:
    ingests = Ingests(tmp_path / "log", HandClock())
    trial = Caller("ten_1", "acme", "key_9", CALLER.scopes, test=True)
    for who, key in ((CALLER, "live"), (trial, "trial"), (OTHER, "rival")):
        await ingests.of(who).ingest(body(event(key), event(f"{key} b", customerId="cust_b")), who)
    await ingests.aclose()
    bound = Caller("ten_1", "acme", "key_3", CALLER.scopes, customer_id="cust_b")
    logs = tmp_path / "log"
    assert keys(listed(logs)) == ["live b", "live"]
    assert keys(listed(logs, trial)) == ["trial b", "trial"]
    assert keys(listed(logs, OTHER)) == ["rival b", "rival"]
    assert keys(listed(logs, bound)) == ["live b"]
    assert keys(listed(logs, bound, customer_id="cust_a")) == []


def test_an_empty_folder_has_no_events_and_a_foreign_cursor_is_refused(tmp_path: Path) -> None:
    assert listed(tmp_path) == []
    for cursor in ("x", "é", "MS4yLjM", "MS4tMS4yLjM"):
        with pytest.raises(InvalidCursor):
            listed(tmp_path, cursor=cursor)


def served(folder: Path, who: Caller) -> httpx2.AsyncClient:
    def caller(scope: Scope) -> Callable[[Request], Awaitable[Caller]]:
        async def dependency(_: Request) -> Caller:
            assert who.may(scope)
            return who

        return dependency

    app = FastAPI()
    app.include_router(router(EventLog(folder), caller))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://api")


async def test_the_route_answers_data_and_a_cursor(tmp_path: Path) -> None:
    taking, log = ingest(tmp_path)
    await taking.ingest(
        body(*(event(str(n), metadata={"exact": "@"}) for n in range(3))).replace(b'"@"', b"1.10"), CALLER
    )
    await log.aclose()
    async with served(tmp_path, CALLER) as client:
        first = await client.get(
            "/v1/events", params={"limit": 2, "tenant_id": "acme", "from": "2026-11-22T13:00:00+01:00"}
        )
        assert b'"metadata":{"exact":1.10}' in first.content
        second = await client.get("/v1/events", params={"cursor": first.json()["nextCursor"]})
        unescaped = await client.get("/v1/events?from=2026-11-22T13:00:00+01:00&to=1795348800001")
        assert (await client.get("/v1/events", params={"limit": 1001})).status_code == 422
    assert keys(first.json()["data"] + second.json()["data"]) == ["2", "1", "0"]
    assert second.json()["nextCursor"] is None
    assert len(unescaped.json()["data"]) == 3


async def test_the_route_refuses_another_tenant_and_unreadable_times(tmp_path: Path) -> None:
    async with served(tmp_path, CALLER) as client:
        with pytest.raises(TenantMismatch):
            await client.get("/v1/events", params={"tenant_id": "rival"})
        with pytest.raises(Invalid):
            await client.get("/v1/events", params={"from": "yesterday"})


def test_a_page_is_plain_json(tmp_path: Path) -> None:
    assert msgspec.json.encode(EventLog(tmp_path).page(CALLER, EventQuery())) == b'{"data":[],"nextCursor":null}'
