"""Verification: the canary's two calls, followed to their event and their refusal; and that nothing of it is left."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.artifacts.test_switching import attached
from tests.artifacts.toy import Crash, Doom
from tests.artifacts.workshop import Workshop, dying, workshop

URL = {"url": "https://gateway.example/pay"}


def verdicts(told: Any) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in told["checks"]}


async def sold(shop: Workshop) -> list[int]:
    """How many customers, plans, subscriptions, statements-worthy credentials the lists show."""
    lists = ("customers", "plans", "subscriptions")
    return [len((await shop.running.call("GET", f"/api/v1/{one}"))["data"]) for one in lists]


async def live_keys_at_gateway(shop: Workshop) -> int:
    integration = await shop.running.rooms.integrations.get(shop.tenant_id, shop.integration_id)
    answer = httpx2.get(f"{integration.settings['admin_url']}/key-auths", trust_env=False)
    return len(answer.json()["data"])


async def test_without_an_address_only_the_installation_is_read_back_and_it_says_so(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        told = await shop.verb("verify")
        assert verdicts(told) == {"Settings": "OK", "Canary": "LIMITED"}
        assert "No call was made" in told["checks"][-1]["detail"]
        assert (told["passed"], told["url"]) == (True, None)
        assert (await shop.standing())["verification"] == told


async def test_a_canary_passes_once_becomes_an_event_and_is_refused(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        await shop.verb("enforce")
        at_first = await live_keys_at_gateway(shop)
        async with shop.edge():
            told = await shop.verb("verify", URL)
            assert set(verdicts(told).values()) == {"OK"}, told
            assert [*verdicts(told)] == [
                "Settings",
                "First call passes",
                "Second call",
                "The call became an event",
                "Aforo decided to refuse the second call",
            ]
            assert (told["passed"], told["canaryLeft"]) == (True, None)
            assert set(verdicts(await shop.verb("verify", URL)).values()) == {"OK"}
        assert await live_keys_at_gateway(shop) == at_first
        assert await sold(shop) == [0, 0, 0]
        assert (await shop.standing())["wouldRefuse"]["data"] == []


async def test_while_it_observes_the_refusal_is_decided_but_not_obeyed(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        async with shop.edge():
            told = await shop.verb("verify", URL)
        assert set(verdicts(told).values()) == {"OK"}, told
        assert "only observed" in told["checks"][-1]["detail"]
        assert (await shop.standing())["wouldRefuse"]["data"] == []


async def test_a_call_that_never_becomes_an_event_fails_within_five_seconds(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        shop.gateway.meters = False
        async with shop.edge():
            begun = shop.clock.monotonic()
            told = await shop.verb("verify", URL)
            assert shop.clock.monotonic() - begun < 9
        missing = next(check for check in told["checks"] if check["code"] == "event_missing")
        assert (missing["verdict"], told["passed"]) == ("FAILED", False)
        assert "https://ingest.example.com/v1/ingest within 5 s" in missing["detail"]


@pytest.mark.long
async def test_no_check_shows_the_canarys_key(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        async with shop.edge():
            told = await shop.verb("verify", URL)
        first = next(check for check in told["checks"] if check["name"] == "First call passes")
        assert first["detail"].startswith("200 with ••••")


async def test_a_canary_that_a_crash_left_is_taken_away_by_the_next_verification(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        at_first = await live_keys_at_gateway(shop)
        async with shop.edge():
            looks, doom = shop.gateway.edge_looks, Doom(for_good=True)

            async def dies() -> None:
                doom.left = 0

            shop.gateway.edge_looks = dies
            verifying = shop.room().verifying
            with dying(shop, doom), pytest.raises(Crash):
                await verifying.verify(shop.tenant_id, shop.integration_id, "usr_1", lambda *_: None, URL["url"])
            assert await live_keys_at_gateway(shop) == at_first + 1
            shop.gateway.edge_looks = looks
            assert (await shop.verb("verify", URL))["passed"]
        assert await live_keys_at_gateway(shop) == at_first


@pytest.mark.long
async def test_the_canarys_plan_follows_the_products_and_fixes_no_currency(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        async with shop.edge():
            await shop.verb("verify", URL)
            await shop.running.call("DELETE", f"/api/v1/products/{shop.product_ids[1]}", status=204)
            assert (await shop.verb("verify", URL))["passed"]
        rooms = shop.running.rooms
        plan = await rooms.customers.plans.own(shop.tenant_id, f"aforo-canary-{shop.integration_id}")
        assert plan is not None
        assert (plan.version, plan.terms.product_ids) == (2, (shop.product_ids[0],))
        body = {"key": "first", "currency": "USD", "productIds": [shop.product_ids[0]]}
        assert (await shop.running.call("POST", "/api/v1/plans", body, 201))["currency"] == "USD"


async def test_what_is_no_address_of_a_gateway_is_refused(tmp_path: Path) -> None:
    async with workshop(tmp_path, kong=True) as shop:
        await attached(shop)
        for url in (
            "ftp://gateway.example",
            "gateway.example",
            "https://",
            "https://me:secret@gateway.example",
            "x" * 9,
        ):
            refused = await shop.verb("verify", {"url": url}, 422)
            assert refused["errors"][0]["pointer"] == "/url", url
