"""What the heavy pages weigh at a thousand products, and how long the server takes for them."""

import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.console.visiting import Seen, Visitor, visiting
from tests.live import emulated

MOST_ELEMENTS = 2_500
MOST_BYTES = 60_000
MOST_SECONDS = 0.3


async def _timed(me: Visitor, path: str) -> tuple[Seen, float]:
    """The page, and the best of three tries, since this machine is shared."""
    took = []
    for _ in range(3):
        before = time.perf_counter()
        seen = await me.get(path)
        took.append(time.perf_counter() - before)
    return seen, min(took)


def _is_light(seen: Seen) -> None:
    assert seen.status == 200
    assert seen.elements <= MOST_ELEMENTS
    assert seen.compressed <= MOST_BYTES


@pytest.mark.long
async def test_pages_stay_light_and_quick_at_a_thousand_products(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        with emulated("kong", products=1000) as gateway:
            integration_id = await me.running.connect(gateway)
            plan = await me.running.preview(integration_id)
            new, took_new = await _timed(me, f"/previews/{plan['planId']}")
            _is_light(new)
            assert "1,000 of 1,000 selected" in new.text
            refs = [row["ref"] for row in plan["changes"]][:700]
            await me.running.call("POST", "/api/v1/products/import", {"planId": plan["planId"], "select": refs})
            _change_many(gateway.url, refs[:200])
            again = await me.running.preview(integration_id)
            assert again["summary"] == {"NEW": 300, "CHANGED": 200, "UNCHANGED": 500, "STALE": 0}
            mixed, took_mixed = await _timed(me, f"/previews/{again['planId']}")
            everything, _ = await _timed(me, f"/previews/{again['planId']}?show=unchanged")
            listed, took_list = await _timed(me, "/products")
            overview, took_overview = await _timed(me, "/")
            await _priced(me, 300)
            costs, took_costs = await _timed(me, "/costs?show=all")
            form, took_form = await _timed(me, "/costs/new")
            assert form.html.count("<option") > 700
            margin, took_margin = await _timed(me, f"/margin/{await _customer(me)}")
            for seen in (mixed, everything, listed, overview, costs, form, margin):
                _is_light(seen)
            assert max(took_new, took_mixed, took_list, took_overview) < MOST_SECONDS
            assert max(took_costs, took_form, took_margin) < MOST_SECONDS
            assert "200 of 700 products differ from their records." in listed.text
            older = listed.html.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
            second, _ = await _timed(me, older)
            newer = second.html.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
            assert (await me.get(newer)).html.count("<tr") == listed.html.count("<tr")


async def _priced(me: Visitor, count: int) -> None:
    """So many cost rules for one metric, each from another day on."""
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(count))
    lines = [f"api_calls,0.001,EUR,{day}" for day in days]
    sheet = "\n".join(["metric,unitCost,currency,validFrom", *lines])
    told = await me.running.call("POST", "/api/v1/cost-rules/import", {"csv": sheet})
    assert told["added"] == count


async def _customer(me: Visitor) -> str:
    return str((await me.running.call("POST", "/api/v1/customers", {"name": "Acme"}, 201))["id"])


def _change_many(url: str, refs: list[str]) -> None:
    """Somebody tightens many services at once."""
    import httpx2

    with httpx2.Client(base_url=url, trust_env=False) as http:
        for ref in refs:
            body = {"read_timeout": 1234, "connect_timeout": 555, "retries": 2}
            assert http.patch(f"/services/{ref}", json=body).status_code == 200
