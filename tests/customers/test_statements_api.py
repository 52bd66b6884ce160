"""Statements over HTTP, from events that went through the real log."""

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aforo.accounts import Caller, Scope
from aforo.kit.clock import HandClock
from aforo.usage import Ingests
from tests.customers.shop import customer, plan, subscribe
from tests.live import Aforo, aforo
from tests.usage.parts import event

CARD = [
    {
        "metric": "api_calls",
        "model": "graduated",
        "tiers": [{"upTo": "100", "unitPrice": "0.05"}, {"upTo": None, "unitPrice": "0.03"}],
    },
    {"model": "flat", "amount": "19", "name": "=Base fee"},
]
CAP = {"amount": "25", "period": "month", "anchorDay": 1, "timeZone": "Europe/Berlin"}
DAY = 86_400


async def send(running: Aforo, folder: Path, clock: HandClock, *events: dict[str, Any]) -> None:
    """Take events in as the edge does, at the clock's time; they are summed up when this returns."""
    ingests = Ingests(folder / "var" / "log", clock, metrics=lambda _: frozenset({"api_calls", "spread"}))
    caller = Caller(running.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST}))
    for one in events:
        answer = await ingests.of(caller).ingest(_body(one), caller)
        assert answer.accepted == 1, answer
    await ingests.aclose()


def _body(one: dict[str, Any]) -> bytes:

    return json.dumps({"events": [one]}).encode()


@asynccontextmanager
async def billed(folder: Path, **terms: Any) -> AsyncIterator[tuple[Aforo, HandClock, dict[str, Any]]]:
    """A subscription since 15 October on a plan with tiers, a fee and a cap; 22 November."""
    clock = HandClock()
    async with aforo(folder, clock) as running:
        bought = await plan(running, **{"rateCard": CARD, "spendCap": CAP, "quotas": [], **terms})
        acme = await customer(running, "Acme", externalId="acme")
        yield running, clock, await subscribe(running, acme["id"], bought["id"], startsAt="2026-10-15T08:00:00Z")


async def test_a_statement_holds_what_its_customer_used_in_its_period_by_the_plans_clock(tmp_path: Path) -> None:
    async with billed(tmp_path) as (running, clock, held):
        node = {"nodeId": "kong-1", "epoch": 1}
        at, of = "2026-10-31T22:59:59Z", held["customerId"]  # the last second of October in Berlin
        await send(
            running,
            tmp_path,
            clock,
            event("a", customerId="acme", quantity=150, occurredAt=at),
            event("b", customerId=of, quantity="0.5", occurredAt="2026-10-20T00:00:00Z"),
            event("c", customerId="acme", quantity=7, occurredAt="2026-10-31T23:00:00Z", seq=1, **node),
            event("d", customerId="somebody else", quantity=9, occurredAt=at),
            event("e", customerId=of, quantity=500, occurredAt="2026-11-20T08:00:00Z", seq=4, **node),
            event("f", customerId="acme", quantity=3, occurredAt="2026-10-14T08:00:00Z"),  # before it began
        )
        rows = (await running.call("GET", f"/api/v1/subscriptions/{held['id']}/statements"))["data"]
        assert [(row["status"], row["total"], row["period"]["start"]) for row in rows] == [
            ("open", "31.00", "2026-10-31T23:00:00.000Z"),
            ("final", "19.00", "2026-09-30T22:00:00.000Z"),
        ]
        path = f"/api/v1/statements/{rows[0]['id']}"
        told = await running.call("GET", path)
        assert [(one["lateEvents"], one["lines"][0]["quantity"], one["amount"]) for one in told["adjustments"]] == [
            (2, "150.5", "6.00")
        ]
        made_from = told["provenance"]
        (hole,) = made_from["completeness"]["holes"]
        assert (hole["node"], hole["first"], hole["last"]) == ("kong-1", 2, 3)
        assert (made_from["completeness"]["complete"], made_from["completeness"]["missing"]) == (False, 2)
        assert (made_from["hoursFrom"], made_from["hoursTo"]) == (
            "2026-10-31T23:00:00.000Z",
            "2026-11-20T08:15:00.000Z",
        )
        assert (made_from["events"], made_from["lateEvents"]) == (2, 2)
        assert made_from["logOffset"] > 0
        _is_a_safe_spreadsheet(await running.http.get(path, params={"format": "csv"}), told)
        (tmp_path / "var" / "rollups.db").unlink()
        await send(running, tmp_path, clock)
        again = await running.call("GET", path)
        assert again == told


def _is_a_safe_spreadsheet(answer: Any, told: dict[str, Any]) -> None:
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert told["id"] in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(one["row"], one["name"], one["amount"]) for one in rows if one["row"] != "part"] == [
        ("line", "", "17.21"),
        ("line", "'=Base fee", "19.00"),
        ("spend_cap", "", "-11.21"),
        ("adjustment", f"late events of {told['adjustments'][0]['statementId']}", "6.00"),
        ("total", "", "31.00"),
    ]


async def test_late_usage_is_told_in_the_next_statement_and_the_final_one_keeps_its_digest(tmp_path: Path) -> None:
    async with billed(tmp_path) as (running, clock, held):
        clock.forward(-21 * DAY)  # 1 November, noon: October is still open
        await send(
            running, tmp_path, clock, event("a", customerId="acme", quantity=150, occurredAt="2026-10-20T08:00:00Z")
        )
        listed = (await running.call("GET", f"/api/v1/subscriptions/{held['id']}/statements"))["data"]
        path = f"/api/v1/statements/{listed[1]['id']}"
        october = await running.call("GET", path)
        assert (october["status"], october["total"], october["events"]) == ("open", "25.00", 1)
        assert october["spendCap"] | {"note": None} == {
            "amount": "25",
            "period": "month",
            "applied": True,
            "amountBefore": "25.50",
            "reduction": "-0.50",
            "note": None,
        }
        assert [(part["quantity"], part["price"], part["amount"]) for part in october["lines"][0]["parts"]] == [
            ("100", "0.05", "5"),
            ("50", "0.03", "1.5"),
        ]
        clock.forward(21 * DAY)
        late = event("b", customerId="acme", quantity=10, occurredAt="2026-10-21T08:00:00Z")
        await send(running, tmp_path, clock, late, event("c", customerId="acme", occurredAt="2026-11-20T08:00:00Z"))
        again = await running.call("GET", path)
        assert (again["status"], again["total"], again["digest"]) == ("final", "25.00", october["digest"])
        november = await running.call("GET", f"/api/v1/statements/{listed[0]['id']}")
        (adjusted,) = november["adjustments"]
        assert (adjusted["statementId"], adjusted["lateEvents"], adjusted["amount"]) == (listed[1]["id"], 1, "0.00")
        assert (adjusted["lines"][0]["quantity"], adjusted["lines"][0]["amount"], adjusted["cap"]) == (
            "10",
            "0.30",
            "-0.30",
        )
        await _stays_long_after_its_end(running, clock, held["id"])


async def _stays_long_after_its_end(running: Aforo, clock: HandClock, subscription_id: str) -> None:
    path = f"/api/v1/subscriptions/{subscription_id}/statements?limit=2"
    before = (await running.call("GET", path))["data"]
    await running.call("POST", f"/api/v1/subscriptions/{subscription_id}/cancel")
    clock.forward(400 * DAY)
    after = (await running.call("GET", path))["data"]
    assert [row["total"] for row in after] == [row["total"] for row in before] == ["19.05", "25.00"]
    newest = (await running.call("GET", "/api/v1/statements"))["data"]
    assert [(row["id"], row["total"]) for row in newest] == [(before[0]["id"], "19.05")]
    await running.call("GET", "/api/v1/statements?period=0000-01", status=422)


async def test_a_moved_subscription_keeps_the_prices_of_the_time_before(tmp_path: Path) -> None:
    async with billed(tmp_path) as (running, clock, held):
        clock.forward(-10 * DAY)
        path = f"/api/v1/subscriptions/{held['id']}/statements"
        before = (await running.call("GET", path))["data"]
        dear = await plan(running, key="dear", rateCard=[{"model": "flat", "amount": "99"}], quotas=[])
        await running.call("PATCH", f"/api/v1/subscriptions/{held['id']}", {"planId": dear["id"]})
        after = (await running.call("GET", path))["data"]
        assert [row["total"] for row in before] == ["19.00", "19.00"]
        assert [(row["planKey"], row["total"]) for row in after] == [("dear", "99.00"), ("pro", "19.00")]
        refused = await running.call("DELETE", f"/api/v1/plans/{held['planId']}", status=409)
        assert refused["code"] == "plan_in_use"


async def test_statements_of_a_month_are_found_by_period_and_customer_page_by_page(tmp_path: Path) -> None:
    async with billed(tmp_path) as (running, clock, held):
        early = event("a", customerId="blue", quantity=100, occurredAt="2026-11-20T08:00:00Z")
        await send(running, tmp_path, clock, early)  # nobody is called blue yet
        other = await customer(running, "Blue", externalId="blue")
        second = await subscribe(running, other["id"], held["planId"], startsAt="2026-11-02T00:00:00Z")

        async def listed(**query: Any) -> tuple[list[str], str | None]:
            answer = await running.http.get("/api/v1/statements", params=query)
            page = answer.json()
            return [row["subscriptionId"] for row in page["data"]], page["nextCursor"]

        assert await listed(period="2026-11") == ([second["id"], held["id"]], None)
        assert await listed(period="2026-10") == ([held["id"]], None)
        assert await listed(period="2026-09") == ([], None)
        assert await listed(customerId=other["id"]) == ([second["id"]], None)
        late_known = await running.call("GET", f"/api/v1/statements?customerId={other['id']}")
        assert [row["total"] for row in late_known["data"]] == ["24.00"]
        first, cursor = await listed(limit=1)
        assert (first, (await listed(limit=1, cursor=cursor))[0]) == ([second["id"]], [held["id"]])
        page = await running.call("GET", f"/api/v1/subscriptions/{held['id']}/statements?limit=1")
        older = f"/api/v1/subscriptions/{held['id']}/statements?limit=1&cursor={page['nextCursor']}"
        assert (await running.call("GET", older))["data"][0]["period"]["start"] == "2026-09-30T22:00:00.000Z"
        await _refuses(running, page["data"][0]["id"])


async def _refuses(running: Aforo, known: str) -> None:
    for missing in ("stmt_x", known.replace("20261031t230000", "20261130t230000"), known[:-1] + "1"):
        assert (await running.call("GET", f"/api/v1/statements/{missing}", status=404))["code"] == "not_found"
    await running.call("GET", "/api/v1/statements?period=2026-13", status=422)
    await running.call("GET", f"/api/v1/subscriptions/{known}/statements", status=404)
    rival = await running.rooms.accounts.create_tenant("rival", "Rival")
    _, key = await running.rooms.accounts.create_key(rival.id, "k", {Scope.ADMIN})
    answer = await running.http.get(f"/api/v1/statements/{known}", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 404
