"""Statements as a browser without scripts reads them."""

import json
from pathlib import Path

from aforo.kit.clock import HandClock
from tests.console.visiting import visiting
from tests.customers.shop import customer, plan, subscribe
from tests.customers.test_statements_api import CAP, CARD, send
from tests.usage.parts import event


async def test_a_statement_is_found_from_subscription_and_customer_and_shows_how_its_total_came_about(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with visiting(tmp_path, clock) as me:
        running = me.running
        bought = await plan(running, rateCard=CARD, spendCap=CAP, quotas=[])
        acme = await customer(running, "Acme", externalId="acme")
        held = await subscribe(running, acme["id"], bought["id"], startsAt="2026-10-15T08:00:00Z")
        late = event("a", customerId="acme", quantity=10, occurredAt="2026-10-21T08:00:00Z")
        await send(running, tmp_path, clock, late, event("b", customerId="acme", quantity=1500))
        newest = (await running.call("GET", f"/api/v1/subscriptions/{held['id']}/statements"))["data"][0]["id"]
        for path in ("/statements", f"/subscriptions/{held['id']}", f"/customers/{acme['id']}"):
            seen = await me.get(path)
            assert f'href="/statements/{newest}"' in seen.html, path
            assert "25.50 EUR so far" in seen.text, path
        assert "October 2026" in (await me.get(f"/statements?subscription={held['id']}")).text
        assert "No statement here." in (await me.get("/statements?period=2026-09")).text
        assert (await me.get("/statements?period=x")).status == 422
        seen = await me.get(f"/statements/{newest}")
        assert (seen.status, seen.primaries) == (200, 1)
        for words in (
            "25.50 EUR so far, as of 22 Nov 2026, 13:00 CET; final at 2 Dec 2026, 00:00 CET.",
            "the next 1,400 0.03 42",
            "together 1,500 47 47.00",
            "capped at 25.00, 66.00 before \N{MINUS SIGN}41.00",
            "Adjustment of October 2026 1 late event 0.50",
            "Total so far 25.50",
            "1 Nov 2026, 00:00 CET",
        ):
            assert words in seen.text, words
        told = await running.call("GET", f"/api/v1/statements/{newest}")
        assert json.loads((await me.get(f"/statements/{newest}.json")).html) == told
        assert "'=Base fee" in (await me.get(f"/statements/{newest}.csv")).html
