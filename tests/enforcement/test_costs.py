"""What a unit costs, told beside what it comes to: nobody changes money blind, and a sheet adds nothing twice."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from aforo.accounts import Role
from aforo.enforcement.costs.sheet import Label, read_sheet
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.model import CostRule, Tenant
from aforo.kit.errors import Invalid, NotFound
from tests.customers.shop import customer, plan, subscribe
from tests.enforcement.test_earnings import LONG_AGO, NOON, TIERED, Till, till

FLAT = {**TIERED, "tiers": [{"upTo": None, "unitPrice": "0.01"}]}
API_CALLS = {"scope": {"metric": "api_calls"}, "currency": "EUR"}


async def _sold(shop: Till, calls: int) -> str:
    """A customer with so many calls at 0.01 EUR, half of them three weeks ago."""
    pro = await plan(shop.me.running, productIds=[], rateCard=[FLAT])
    acme = await customer(shop.me.running, "Acme")
    await subscribe(shop.me.running, acme["id"], pro["id"], startsAt=LONG_AGO)
    await shop.use(acme["id"], calls // 2, NOON - timedelta(days=21))
    await shop.use(acme["id"], calls // 2)
    await shop.shows(calls, "span=30d")
    return str(acme["id"])


async def test_the_effect_of_a_rule_is_told_over_thirty_days_and_changes_nothing(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        await _sold(shop, 2000)
        call = shop.me.running.call
        first = await call("POST", "/api/v1/cost-rules", API_CALLS | {"unitCost": "0.001", "validFrom": LONG_AGO}, 201)
        told = await call("POST", "/api/v1/cost-rules/effect", API_CALLS | {"unitCost": "0.004"})
        assert (told["units"], told["cost"], told["costBefore"], told["costAfter"]) == ("2000", "8.00", "2.00", "8.00")
        assert (told["marginShareBefore"], told["marginShareAfter"]) == ("0.9000", "0.6000")
        assert (await shop.shows(2000, "span=30d"))["cost"] == told["costBefore"]
        abroad = await call("POST", "/api/v1/cost-rules/effect", API_CALLS | {"unitCost": "1", "currency": "USD"})
        assert (abroad["units"], abroad["cost"], abroad["marginShareAfter"]) == ("2000", None, None)

        later = API_CALLS | {"unitCost": "0.003", "validFrom": "2026-11-22T00:00:00Z"}
        second = await call("POST", "/api/v1/cost-rules", later, 201)
        assert (await shop.shows(2000, "span=30d"))["cost"] == "4.00", "1000 at 0.001, 1000 at 0.003"
        gone = await call("GET", f"/api/v1/cost-rules/{second['id']}/effect")
        assert (gone["units"], gone["cost"], gone["costAfter"]) == ("1000", "3.00", "2.00")
        assert len((await call("GET", "/api/v1/cost-rules"))["data"]) == 2
        with pytest.raises(NotFound):
            await shop.me.running.rooms.costs.effect_of_removal("ten_other", first["id"])
        nowhere = {"scope": {"metric": "nothing"}, "unitCost": "1", "currency": "EUR"}
        assert (await call("POST", "/api/v1/cost-rules/effect", nowhere, 422))["code"] == "invalid"


async def test_a_sheet_is_told_of_line_by_line_and_adds_nothing_twice(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        call = shop.me.running.call
        sheet = (
            "Product,metric,unit_cost,currency,valid_from\n,api_calls,0.001,EUR,2026-11-01\n,api_calls,0.002,EUR,\n\n"
            ',tokens,1,EUR,\n,api_calls,"0,1",EUR,\n,api_calls,0.005,EUR,2026-11-01\n'
        )
        fates = [(2, "ADDED"), (3, "ADDED"), (5, "FAILED"), (6, "FAILED"), (7, "FAILED")]
        dry = await call("POST", "/api/v1/cost-rules/import", {"csv": sheet, "dryRun": True})
        assert (dry["added"], dry["failed"], dry["lines"][0]["fate"]) == (2, 3, "WOULD_ADD")
        assert (await call("GET", "/api/v1/cost-rules"))["data"] == []
        told = await call("POST", "/api/v1/cost-rules/import", {"csv": sheet})
        assert [(one["line"], one["fate"]) for one in told["lines"]] == fates
        assert "there is no metric tokens" in told["lines"][2]["fault"]
        assert "line 2 gives the same product and metric another cost" in told["lines"][4]["fault"]
        again = await call("POST", "/api/v1/cost-rules/import", {"csv": sheet})
        assert (again["added"], again["unchanged"]) == (0, 2)
        kept = (await call("GET", "/api/v1/cost-rules"))["data"]
        assert {(one["unitCost"], one["validFrom"][:10]) for one in kept} == {
            ("0.001", "2026-11-01"),
            ("0.002", "2026-11-22"),
        }
        trail = (await call("GET", "/api/v1/audit"))["data"]
        assert {one["subject"] for one in trail if one["action"] == "cost_rule.create"} == {one["id"] for one in kept}


async def test_a_person_sees_the_effect_before_a_rule_is_added_and_says_why_one_goes(tmp_path: Path) -> None:
    async with till(tmp_path) as shop:
        me = shop.me
        empty = await me.get("/costs")
        assert "No cost rule yet." in empty.text
        assert empty.primaries == 1
        await _sold(shop, 2000)
        typed = {"metric": "api_calls", "unitCost": "0.004", "currency": "EUR", "validFrom": "2026-10-01"}
        bad = await me.post("/costs/new", typed | {"unitCost": "0,004", "act": "add"})
        assert (bad.status, "A decimal string such as" in bad.text) == (422, True)
        seen = await me.post("/costs/new", typed)
        assert (
            "2,000 units of the last 30 days would have cost ≈ 8.00 EUR, and the margin would be ≈ 60.0 %." in seen.text
        )
        assert "No cost rule yet." in (await me.get("/costs")).text, "looking adds nothing"
        listed = await me.post("/costs/new", typed | {"act": "add"})
        assert "1 cost rule is in force; by them the last 30 days cost 8.00 EUR, margin 60.0 %." in listed.text
        (rule,) = (await me.running.call("GET", "/api/v1/cost-rules"))["data"]
        assert 'value="0.004"' in (await me.get(f"/costs/new?of={rule['id']}")).html
        asked = await me.get(f"/costs/{rule['id']}/remove")
        assert "Cost of the last 30 days: 8.00 EUR, margin 60.0 % now, not known without it." in asked.text
        assert (await me.post(f"/costs/{rule['id']}/remove", {"reason": " "})).status == 422

        lines = "metric,unitCost,currency,validFrom\napi_calls,0.005,EUR,2026-12-01\napi_calls,x,EUR,\n"
        checked = await me.post("/costs/import", {"csv": lines, "act": "check"})
        assert "1 rule would be added, 0 there already, 1 not readable." in checked.text
        assert "Import 1 cost rule" in checked.text
        assert "1 rule added" in (await me.post("/costs/import", {"csv": lines, "act": "import"})).text
        assert "PENDING" in (await me.get("/costs")).text
        assert (await me.post("/costs/import", {"csv": "a,b\n1,2", "act": "import"})).status == 422

        await me.become(Role.FINANCE)
        read = await me.get("/costs")
        assert "New cost rule needs the role operator or product" in read.text
        assert "Remove…" not in read.text
        assert (await me.post(f"/costs/{rule['id']}/remove", {"reason": "x"})).status == 403
        await me.become(Role.PRODUCT)
        await me.post(f"/costs/{rule['id']}/remove", {"reason": "it was never so"})
        left = (await me.running.call("GET", "/api/v1/cost-rules"))["data"]
        assert [one["unitCost"] for one in left] == ["0.005"]
        trail = (await me.running.call("GET", "/api/v1/audit"))["data"]
        removed = [one["detail"] for one in trail if one["action"] == "cost_rule.remove"]
        assert removed == [{"reason": "it was never so"}]


def test_of_two_rules_from_one_moment_on_the_last_written_counts() -> None:
    rules = tuple(CostRule(None, "api_calls", cost, "EUR", 5) for cost in (1, 2))
    found = MarginBook().rule(Tenant("ten_1", costs=rules), None, "api_calls", 5)
    assert found is rules[1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line names the columns"),
        ("metric,unitCost,currency\n", "no line under its heads"),
        ("metric,unitCost,currency,unitcost\na,1,EUR,2\n", "the first line names the columns"),
        ("metric,unitCost\napi_calls,1\n", "the first line names the columns"),
        ('metric,unitCost,currency\n"api_calls,1,EUR\n', "cannot be read as CSV"),
        ("metric,unitCost,currency\n" + "api_calls,1,EUR\n" * 1001, "more than 1,000 lines"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_what_to_do(text: str, why: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_sheet(text, (), {"api_calls"})
    assert why.casefold() in str(caught.value).casefold()


def test_a_product_may_be_named_where_only_one_is_called_so() -> None:
    names = [Label("prod_1", "search-ref", "search"), Label("prod_2", "pay-a", "pay"), Label("prod_3", "pay-b", "pay")]
    text = "product,unitCost,currency,validFrom\nsearch,1,EUR,2026-11-01\npay,1,EUR,\nprod_3,1,EUR,2026-11-01T00:00\n"
    one, two, three, four = read_sheet(f"{text}pay-b,1,EUR,\n", names, ())
    assert four.new is not None
    assert four.new.scope.product_id == "prod_3"
    assert one.new is not None
    assert (one.new.scope.product_id, one.new.unit_cost) == ("prod_1", Decimal(1))
    assert one.new.valid_from == datetime(2026, 11, 1, tzinfo=UTC)
    assert two.fault == "product: 2 products are called pay: give the id"
    assert three.fault == "validFrom: the time needs its zone, such as the Z of 2026-11-01T00:00:00Z"
