"""The pages of alerts and channels, as a browser without scripts reads them and fills them in."""

import re
from pathlib import Path

from standardwebhooks import Webhook

from aforo.accounts import Role
from aforo.kit.clock import HandClock
from tests.alerts.receivers import hook
from tests.alerts.test_delivery import raised
from tests.alerts.test_told import SLACK_PATH, deliver
from tests.console.visiting import visiting
from tests.flows.hands import KongHand
from tests.live import emulated


async def test_a_person_adds_a_webhook_sees_its_secret_once_tests_it_and_removes_it(tmp_path: Path) -> None:
    with hook() as web:
        async with visiting(tmp_path) as me:
            assert "Nobody is told: there is no channel yet." in (await me.get("/alerts")).text
            assert "No channel yet" in (await me.get("/alerts/channels")).text
            new = await me.get("/alerts/channels/new")
            form = {**new.form("/alerts/channels/new"), "minSeverity": "INFO"}  # a browser sends the chosen option
            wrong = await me.post("/alerts/channels/new", {**form, "kind": "webhook", "name": "on-call", "url": "x"})
            assert (wrong.status, "Must be an address that begins with https://" in wrong.text) == (422, True)
            filled = {
                **form,
                "kind": "webhook",
                "name": "on-call",
                "url": f"{web.url}/hook",
                "kinds": ["drift", "quota"],
            }
            stored = await me.post("/alerts/channels/new", filled)
            [secret] = re.findall(r'data-copy="(whsec_[^"]+)"', stored.html)
            [place] = re.findall(r'href="(/alerts/channels/chan_[a-z0-9]+)">I have stored it', stored.html)
            page = await me.get(place)
            assert secret not in page.html
            assert f"{web.url}/hook" not in page.html
            tested = await me.post(f"{place}/test")
            assert "Last message delivered: 200 ok" in tested.text
            Webhook(secret).verify(web.got[0].body, web.got[0].headers)
            listed = await me.get("/alerts/channels")
            assert "drift, quota" in listed.text
            assert "1 channel takes what is sent." in listed.text

            kept = (await me.get(place)).form(place)
            assert kept["kinds"] == ["drift", "quota"]
            await me.post(place, {**kept, "kinds": [], "name": "night shift", "minSeverity": "CRITICAL"})
            assert "all kinds, CRITICAL and above" in (await me.get("/alerts/channels")).text
            assert (await me.post(f"{place}/test")).status == 200
            assert len(web.got) == 2, "the address was kept"
            assert (await me.post(f"{place}/remove")).status == 422
            assert "No channel yet" in (await me.post(f"{place}/remove", {"reason": "nobody reads it"})).text


async def test_an_alert_says_who_was_told_and_so_does_the_product_that_it_is_about(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong", 2) as kong, hook() as web:
        async with visiting(tmp_path, clock) as me:
            for name in ("slack", "pager"):
                body = {"kind": "slack", "name": name, "url": f"{web.url}{SLACK_PATH}"}
                await me.running.call("POST", "/api/v1/alerts/channels", body, 201)
            product = (await me.running.import_all(await me.running.connect(kong, "kong-prod")))[0]
            KongHand(kong).edit(product)
            await me.running.call("GET", f"/api/v1/products/{product['id']}/drift")
            web.answers = [(500, "not now", {})]
            await deliver(me.running)
            banner = (await me.get(f"/products/{product['id']}")).text
            assert re.search(
                r"Told .*: (slack|pager) try 1 of 10 failed, (slack|pager) delivered\.", banner
            ) or re.search(r"Told .*: (slack|pager) delivered, (slack|pager) try 1 of 10 failed\.", banner)
            listed = await me.get("/alerts")
            assert "1 alert holds." in listed.text
            [place] = re.findall(r'href="(/alerts/alrt_[a-z0-9]+)"', listed.html)
            page = await me.get(place)
            assert "1 of 2 channels have it." in page.text
            assert "Try 1 of 10 failed: 500 not now. Next try" in page.text
            [delivery] = page.form(f"{place}/replay")["delivery_id"]
            assert (await me.post(f"{place}/replay", {"delivery_id": delivery})).status == 200
            await deliver(me.running)
            assert "(sent again)" in (await me.get(place)).text
            assert len(web.got) == 3


async def test_who_may_only_read_sees_alerts_and_is_told_who_can_add_a_channel(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        alert_id = await raised(me.running)
        await me.become(Role.VIEWER)
        assert "payments differs" in (await me.get("/alerts")).text
        assert "Nobody was told" in (await me.get(f"/alerts/{alert_id}")).text
        assert "Add channel needs the role operator" in (await me.get("/alerts/channels")).text
        assert (await me.get("/alerts/channels/new")).status == 403
