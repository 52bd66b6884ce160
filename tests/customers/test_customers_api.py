"""Metrics and customers over the API."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from aforo.accounts import Scope
from tests.customers.shop import customer, faults, plan, subscribe
from tests.live import Aforo, aforo


async def test_every_tenant_has_api_calls_from_the_start_and_keeps_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        listed = await running.call("GET", "/api/v1/metrics")
        assert [(one["name"], one["aggregation"]) for one in listed["data"]] == [("api_calls", "SUM")]
        assert (await running.call("DELETE", "/api/v1/metrics/api_calls", status=409))["code"] == "metric_in_use"
        changed = await running.call("PATCH", "/api/v1/metrics/api_calls", {"description": "Ours."})
        assert (changed["unit"], changed["description"]) == ("call", "Ours.")
        assert await running.call("GET", "/api/v1/metrics/api_calls") == changed


async def test_a_metric_can_be_added_changed_and_removed_while_nothing_names_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        tokens = {"name": "tokens", "unit": "token", "aggregation": "MAX", "description": ""}
        assert await running.call("POST", "/api/v1/metrics", tokens, 201) == tokens
        assert (await running.call("POST", "/api/v1/metrics", tokens, 409))["code"] == "metric_taken"
        rate = {"metric": "tokens", "model": "per_unit", "unitPrice": "1"}
        made = await plan(running, rateCard=[rate])
        assert (await running.call("DELETE", "/api/v1/metrics/tokens", status=409))["code"] == "metric_in_use"
        await running.call("DELETE", f"/api/v1/plans/{made['id']}", status=204)
        await running.call("DELETE", "/api/v1/metrics/tokens", status=204)
        await running.call("GET", "/api/v1/metrics/tokens", status=404)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "system.up", "unit": "x"}, "/name"),
        ({"name": "a b", "unit": "x"}, "/name"),
        ({"name": "a" * 256, "unit": "x"}, "/name"),
        ({"name": "a", "unit": "x", "aggregation": "MEDIAN"}, "/aggregation"),
        ({"name": "a", "unit": "x", "kind": "y"}, "/kind"),
    ],
)
async def test_a_metric_that_cannot_be_is_refused_by_pointer(
    tmp_path: Path, body: dict[str, str], pointer: str
) -> None:
    async with aforo(tmp_path) as running:
        assert pointer in faults(await running.call("POST", "/api/v1/metrics", body, 422))


async def test_a_customer_reads_back_as_written_and_a_patch_changes_only_what_it_names(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        wanted: dict[str, Any] = {
            "externalId": "acme",
            "name": "Acme",
            "email": "ops@acme.example",
            "tier": "pro",
            "metadata": {"crm": {"id": 7}},
        }
        made = await customer(running, **wanted)
        assert made["id"].startswith("cust_")
        assert {name: made[name] for name in wanted} == wanted
        changed = await running.call("PATCH", f"/api/v1/customers/{made['id']}", {"tier": None, "name": "Acme Ltd"})
        assert (changed["tier"], changed["name"], changed["metadata"]) == (None, "Acme Ltd", {"crm": {"id": 7}})
        assert await running.call("GET", f"/api/v1/customers/{made['id']}") == changed


async def test_an_external_id_names_one_customer_of_a_tenant(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        first = await customer(running, externalId="acme")
        other = await customer(running, "Other")
        for method, path in (("POST", ""), ("PATCH", f"/{other['id']}")):
            body = {"name": "B", "externalId": "acme"}
            refused = await running.call(method, f"/api/v1/customers{path}", body, 409)
            assert refused["code"] == "external_id_taken"
        await running.call("PATCH", f"/api/v1/customers/{first['id']}", {"externalId": "acme", "name": "Same"})
        await running.call("DELETE", f"/api/v1/customers/{first['id']}", status=204)
        assert (await customer(running, externalId="acme"))["id"] != first["id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": "A", "externalId": "system"}, "/externalId"),
        ({"name": "A", "externalId": "cust_1"}, "/externalId"),
        ({"name": "A", "externalId": "x" * 65}, "/externalId"),
        ({"name": "A", "email": "nobody"}, "/email"),
        ({"name": "A", "metadata": {"a": "x" * 17_000}}, "/metadata"),
        ({"name": "A", "colour": "red"}, "/colour"),
    ],
)
async def test_a_customer_that_cannot_be_is_refused_by_pointer(
    tmp_path: Path, body: dict[str, object], pointer: str
) -> None:
    async with aforo(tmp_path) as running:
        assert pointer in faults(await running.call("POST", "/api/v1/customers", body, 422))


async def test_a_list_is_paged_newest_first_and_each_customer_stands_on_one_page(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = [(await customer(running, f"Customer {n}", externalId=f"c{n}"))["id"] for n in range(7)]
        seen, cursor = [], ""
        for _ in range(4):
            page = await running.call("GET", f"/api/v1/customers?limit=2{cursor}")
            seen += [one["id"] for one in page["data"]]
            cursor = f"&cursor={page['nextCursor']}"
        assert page["nextCursor"] is None
        assert seen == sorted(made, reverse=True)
        assert [one["externalId"] for one in (await _find(running, "externalId=c3"))] == ["c3"]
        assert [one["name"] for one in (await _find(running, "q=omer 5"))] == ["Customer 5"]


async def test_a_customer_with_live_subscriptions_stays(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made, sold = await customer(running), await plan(running)
        subscription = await subscribe(running, made["id"], sold["id"])
        path = f"/api/v1/customers/{made['id']}"
        assert (await running.call("DELETE", path, status=409))["code"] == "customer_in_use"
        await running.call("POST", f"/api/v1/subscriptions/{subscription['id']}/cancel")
        await running.call("DELETE", path, status=204)
        await running.call("GET", path, status=404)
        kept = await running.call("GET", f"/api/v1/subscriptions/{subscription['id']}")
        assert (kept["customerId"], kept["status"]) == (made["id"], "CANCELLED")


async def test_of_many_who_take_one_external_id_at_once_one_gets_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        body = {"name": "Acme", "externalId": "acme"}
        answers = await asyncio.gather(*(running.http.post("/api/v1/customers", json=body) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_the_same_post_again_under_an_idempotency_key_makes_one_customer(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        headers = {"Idempotency-Key": "once"}
        answers = [
            await running.http.post("/api/v1/customers", json={"name": "Acme"}, headers=headers) for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert len(await _find(running, "")) == 1


async def test_every_write_leaves_a_line_in_the_audit_trail(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await customer(running)
        await running.call("PATCH", f"/api/v1/customers/{made['id']}", {"tier": "pro"})
        await running.call("DELETE", f"/api/v1/customers/{made['id']}", status=204)
        entries = (await running.call("GET", "/api/v1/audit"))["data"]
        mine = [one["action"] for one in entries if one["subject"] == made["id"]]
        assert mine == ["customer.remove", "customer.change", "customer.create"]


async def test_another_tenants_things_are_not_there(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made, sold = await customer(running, externalId="acme"), await plan(running)
        subscription = await subscribe(running, made["id"], sold["id"])
        cost = {"scope": {"metric": "api_calls"}, "unitCost": "0.1", "currency": "EUR"}
        rule = await running.call("POST", "/api/v1/cost-rules", cost, 201)
        wanted_guard = {"scope": {"kind": "TENANT"}, "floors": {"L1": "0.3"}}
        guard = await running.call("POST", "/api/v1/margin-guards", wanted_guard, 201)
        await running.call("POST", "/api/v1/metrics", {"name": "tokens", "unit": "token"}, 201)
        other = await running.rooms.accounts.create_tenant("other", "Other")
        _, key = await running.rooms.accounts.create_key(other.id, "k", {Scope.ADMIN})
        running.http.headers["Authorization"] = f"Bearer {key}"
        things = {
            "customers": made["id"],
            "plans": sold["id"],
            "subscriptions": subscription["id"],
            "cost-rules": rule["id"],
            "margin-guards": guard["id"],
            "metrics": "tokens",
        }
        for kind, name in things.items():
            await running.call("GET", f"/api/v1/{kind}/{name}", status=404)
            await running.call("DELETE", f"/api/v1/{kind}/{name}", status=405 if kind == "subscriptions" else 404)
            shown = [one.get("id") or one["name"] for one in (await running.call("GET", f"/api/v1/{kind}"))["data"]]
            assert name not in shown
        for kind in ("customers", "plans", "subscriptions", "margin-guards"):
            await running.call("PATCH", f"/api/v1/{kind}/{things[kind]}", {}, 404)
        for path in (
            f"plans/{sold['id']}/publish",
            f"plans/{sold['id']}/versions",
            *(f"subscriptions/{subscription['id']}/{verb}" for verb in ("suspend", "reactivate", "cancel")),
        ):
            await running.call("POST", f"/api/v1/{path}", {}, 404)
        await running.call("POST", f"/api/v1/plans/{sold['id']}/rate", {"usage": {}}, 404)
        wanted = {"customerId": made["id"], "planId": sold["id"]}
        assert "/customerId" in faults(await running.call("POST", "/api/v1/subscriptions", wanted, 422))
        assert (await customer(running, externalId="acme"))["id"] != made["id"]
        assert (await plan(running, currency="USD"))["currency"] == "USD"


async def test_a_reader_reads_and_may_not_write(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await customer(running)
        _, key = await running.rooms.accounts.create_key(running.tenant_id, "r", {Scope.CONTROL_READ})
        running.http.headers["Authorization"] = f"Bearer {key}"
        assert await running.call("GET", f"/api/v1/customers/{made['id']}") == made
        for method, path in (("POST", ""), ("PATCH", f"/{made['id']}"), ("DELETE", f"/{made['id']}")):
            await running.call(method, f"/api/v1/customers{path}", {"name": "B"}, 403)


async def _find(running: Aforo, query: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await running.call("GET", f"/api/v1/customers?{query}"))["data"]
    return found
