"""Channels over HTTP: what is taken, what is shown, and that their secrets stay inside."""

import logging
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from aforo.accounts import Scope
from aforo.kit.clock import HandClock
from tests.alerts.desk import desk
from tests.alerts.receivers import hook, mailbox
from tests.alerts.test_delivery import raised
from tests.alerts.test_told import SLACK_PATH, channel, deliver
from tests.customers.shop import faults
from tests.flows.searching import files, found

PASSWORD = "planted-mail-password-7c1f"
SIGNING = "whsec_cGxhbnRlZC1zaWduaW5nLXNlY3JldC05OTEyMw=="
TOKEN = "plantedslacktoken9f3a"
BROAD = "planted-bot-token-31d9"


async def test_addresses_and_secrets_of_channels_are_unreadable_in_every_store_answer_and_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with hook() as web:
        async with mailbox() as mail, desk(tmp_path, HandClock()) as running:
            made = [
                await channel(running, "email", mail.url(PASSWORD)),
                await channel(running, "slack", web.url + SLACK_PATH),
                await channel(running, "webhook", web.url, secret=SIGNING),
                await channel(running, "apprise", f"json://{BROAD}@127.0.0.1:1/{BROAD}"),
            ]
            web.answers = [(403, f"no such hook: {SLACK_PATH}", {}), (403, f"bad secret {SIGNING}", {})]
            shown: list[Any] = [
                (await running.http.post(f"/api/v1/alerts/channels/{one['id']}/test")).text for one in made[1:3]
            ]
            alert_id = await raised(running)
            await deliver(running)
            paths = ("alerts/channels", f"alerts/{alert_id}", "audit")
            shown += [(await running.http.get(f"/api/v1/{path}")).text for path in paths]
            stores = files(tmp_path / "var")
    stores["answers"] = "\n".join([*shown, *map(str, made)]).encode()
    stores["log"] = caplog.text.encode()
    hits = [
        (name, secret) for name, store in stores.items() for secret in (PASSWORD, SIGNING, TOKEN, BROAD)
        if found(secret, store)
    ]  # fmt: skip
    assert hits == []
    assert "••••" in stores["answers"].decode()
    assert found("ops@example.com", stores["records.db"] + stores["records.db-wal"]), "the search finds what is there"


async def test_a_secret_that_aforo_makes_is_told_once_and_signs(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path) as running:
            made = await channel(running, "webhook", web.url)
            place = f"/api/v1/alerts/channels/{made['id']}"
            assert "secret" not in await running.call("GET", place)
            told = await running.call("POST", f"{place}/test")
            assert (told["state"], told["event"], told["answer"]) == ("DELIVERED", "test", "200 ok")
            Webhook(made["secret"]).verify(web.got[0].body, web.got[0].headers)
            assert await running.call("GET", place) == {
                "id": made["id"],
                "kind": "webhook",
                "name": "webhook",
                "address": f"{web.url}/••••",
                "kinds": [],
                "minSeverity": "INFO",
                "paused": None,
                "createdAt": made["createdAt"],
            }


async def test_a_test_that_fails_says_so_and_is_not_tried_again(tmp_path: Path) -> None:
    clock = HandClock()
    with hook() as web:
        async with desk(tmp_path, clock) as running:
            made = await channel(running, "slack", web.url + SLACK_PATH)
            web.answers = [(404, "no_service", {})]
            told = await running.call("POST", f"/api/v1/alerts/channels/{made['id']}/test")
            assert (told["state"], told["answer"]) == ("FAILED", "404 no_service")
            clock.forward(100_000)
            await deliver(running)
            assert len(web.got) == 1


async def test_an_apprise_address_is_sent_to_from_a_process_of_its_own(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path, HandClock()) as running:
            made = await channel(running, "apprise", web.url.replace("http://", "json://") + "/notify")
            told = await running.call("POST", f"/api/v1/alerts/channels/{made['id']}/test")
            assert (told["state"], told["answer"]) == ("DELIVERED", "Handed over.")
            assert web.got[0].json["title"] == "Aforo: test of the channel apprise"


async def test_what_cannot_be_used_is_refused_by_member_without_repeating_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        wrong = {
            ("email", "smtp://mail.example?from=a@example.com"): "must name from= and to=",
            ("email", f"smtp://u:{PASSWORD}@mail.example?from=a@b.c&to=d@e.f&tls=none"): "a password never goes over",
            ("email", "mailto://a@example.com"): "must look like smtps://",
            ("slack", f"https://u:{PASSWORD}@hooks.example/x"): "no user name",
            ("webhook", "ftp://hooks.example/x"): "begins with https://",
            ("webhook", "https://hooks.example:99999/x"): "has a port that is none",
            ("apprise", "syslog://"): "would tell the machine",
            ("apprise", "nosuchservice://x"): "apprise knows no service",
        }
        for (kind, url), words in wrong.items():
            body = {"kind": kind, "name": "n", "url": url}
            refused = await running.http.post("/api/v1/alerts/channels", json=body)
            assert refused.status_code == 422, url
            assert words in faults(refused.json())["/url"]
            assert PASSWORD not in refused.text
        short = {"kind": "webhook", "name": "n", "url": "https://hooks.example", "secret": "whsec_c2hvcnQ="}
        assert "/secret" in faults(await running.call("POST", "/api/v1/alerts/channels", short, 422))
        await channel(running, "slack", "https://hooks.example/x", name="twice")
        again = {"kind": "slack", "name": "twice", "url": "https://hooks.example/y"}
        assert (await running.call("POST", "/api/v1/alerts/channels", again, 409))["code"] == "channel_name_taken"


async def test_another_tenant_finds_neither_channels_nor_alerts(tmp_path: Path) -> None:
    async with desk(tmp_path) as running:
        made = await channel(running, "slack", "https://hooks.example/x")
        alert_id = await raised(running)
        tenant = await running.rooms.accounts.create_tenant("stranger", "Stranger")
        _, key = await running.rooms.accounts.create_key(tenant.id, "key", {Scope.ADMIN})
        running.http.headers["Authorization"] = f"Bearer {key}"
        place = f"/api/v1/alerts/channels/{made['id']}"
        for method, path, body in (
            ("GET", place, None),
            ("PATCH", place, {"name": "mine"}),
            ("DELETE", place, None),
            ("POST", f"{place}/test", None),
            ("GET", f"/api/v1/alerts/{alert_id}", None),
            ("POST", f"/api/v1/alerts/{alert_id}/replay", {"deliveryId": "dlv_1"}),
        ):
            assert (await running.http.request(method, path, json=body)).status_code == 404, (method, path)
        for path in ("/api/v1/alerts", "/api/v1/alerts/channels"):
            assert (await running.call("GET", path))["data"] == []
