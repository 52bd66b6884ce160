"""A change at a gateway reaches people: once when it begins, once when it is over, by every channel."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock
from tests.alerts.receivers import hook, mailbox
from tests.flows.hands import KongHand
from tests.live import Aforo, aforo, emulated

SLACK_PATH = "/services/T00000000/B00000000/plantedslacktoken9f3a"


async def channel(running: Aforo, kind: str, url: str, **members: Any) -> Any:
    body = {"kind": kind, "name": members.pop("name", kind), "url": url, **members}
    return await running.call("POST", "/api/v1/alerts/channels", body, 201)


async def deliver(running: Aforo) -> None:
    await running.rooms.alerts.deliverer.run_due()


async def alerts(running: Aforo, query: str = "") -> list[Any]:
    found: list[Any] = (await running.call("GET", f"/api/v1/alerts{query}"))["data"]
    return found


async def test_a_drift_reaches_mailbox_slack_and_webhook_once_and_its_repair_too(tmp_path: Path) -> None:
    clock = HandClock(datetime.now(UTC))  # the webhook library compares timestamps with the machine's clock
    with emulated("kong", 3) as kong, hook() as web:
        async with mailbox() as mail, aforo(tmp_path, clock, public_url="https://aforo.example") as running:
            await channel(running, "email", mail.url())
            await channel(running, "slack", web.url + SLACK_PATH)
            signing = (await channel(running, "webhook", f"{web.url}/signed"))["secret"]
            product = (await running.import_all(await running.connect(kong, "kong-prod")))[0]
            path = f"/api/v1/products/{product['id']}"
            KongHand(kong).edit(product)
            for _ in range(3):
                await running.call("GET", f"{path}/drift")
                await running.rooms.telling.survey(clock.now())
                await deliver(running)

            title = f"{product['name']} differs at kong-prod from its record"
            [letter] = mail.letters
            assert letter["subject"] == f"Aforo: WARNING: {title}"
            page = f"https://aforo.example/products/{product['id']}"
            assert page in letter.get_content()
            slack, signed = sorted(web.got, key=lambda one: one.path)
            assert (slack.path, slack.json["text"]) == (SLACK_PATH, f"Aforo: WARNING: {title}")
            told = Webhook(signing).verify(signed.body, signed.headers)
            assert (told["type"], told["data"]["title"], told["data"]["url"]) == ("alert.raised", title, page)

            await running.call("POST", f"{path}/restore", {})
            for _ in range(2):
                await running.rooms.telling.survey(clock.now())
                await deliver(running)
            assert [one["subject"] for one in mail.letters[1:]] == [f"Aforo: over: {title}"]
            over = [one for one in web.got if one.path == "/signed"][1:]
            [ended] = [Webhook(signing).verify(one.body, one.headers) for one in over]
            assert (ended["type"], ended["data"]["id"]) == ("alert.resolved", told["data"]["id"])
            assert len(web.got) == 4
            [shown] = await alerts(running)
            assert shown["endedAt"] is not None
            assert shown["resolution"] == "Restored to the gateway."
            assert await alerts(running, "?open=true") == []
            deliveries = (await running.call("GET", f"/api/v1/alerts/{shown['id']}"))["deliveries"]
            assert {(one["channelName"], one["event"], one["state"]) for one in deliveries} == {
                (name, event, "DELIVERED") for name in ("email", "slack", "webhook") for event in ("raised", "resolved")
            }


async def test_an_integration_in_error_and_its_open_breaker_are_told_once_each_and_their_recovery_once(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong, hook() as web:
        async with aforo(tmp_path, clock) as running:
            await channel(running, "slack", web.url + SLACK_PATH)
            integration_id = await running.connect(kong, "kong-prod")
            await running.import_all(integration_id)
            kong.board.faults.append(Fault(503, times=1_000))
            for _ in range(7):
                await running.rooms.integrations.check_health(running.tenant_id, integration_id)
                await deliver(running)
            said = [one.json["text"] for one in web.got]
            assert sorted(said) == [
                "Aforo: CRITICAL: Calls to kong-prod are held back",
                "Aforo: CRITICAL: kong-prod is in ERROR",
            ]
            kong.board.faults.clear()
            clock.forward(301)
            for _ in range(3):
                await running.rooms.integrations.check_health(running.tenant_id, integration_id)
                await deliver(running)
            assert sorted(one.json["text"] for one in web.got[2:]) == [
                "Aforo: over: Calls to kong-prod are held back",
                "Aforo: over: kong-prod is in ERROR",
            ]
