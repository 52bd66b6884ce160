"""Planted secrets are searched for in every store, in several forms, and not found; a control proves the search."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock, SystemClock
from tests.console.visiting import Visitor, visiting
from tests.credentials.selling import Selling, secret_of
from tests.credentials.test_credentials_api import products
from tests.customers.shop import stocked
from tests.flows.searching import files, forms, found, planted
from tests.live import aforo, emulated

TOKEN = 'kpat_7f3a"planted/secret+token=0c19'
PLUGIN_SECRET = "planted-plugin-secret-93e1b7d2aa41"
CONTROL = "planted-control-which-is-no-secret-55d1"


async def test_secrets_are_unreadable_in_every_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with emulated("kong", admin_token=TOKEN, token_header="Kong-Admin-Token") as gateway:
        async with aforo(tmp_path) as running:
            settings = {"admin_url": gateway.url, "token": TOKEN}
            body = {"name": CONTROL, "gateway": "kong", "signIn": "header_token", "settings": settings}
            made = await running.call("POST", "/api/v1/integrations", body, 201)
            products = await running.import_all(made["id"])
            await _plant_in_plugin(gateway.url, products[0]["ref"])
            shown = [
                (await running.http.post("/api/v1/products/preview", json={"integrationId": made["id"]})).content,
                (await running.http.get(f"/api/v1/products/{products[0]['id']}/drift")).content,
                (await running.http.get(f"/api/v1/integrations/{made['id']}")).content,
                (await running.http.post(f"/api/v1/integrations/{made['id']}/test")).content,
                (await running.http.get("/api/v1/audit")).content,
                (await running.http.get("/openapi.json")).content,
            ]
            assert b"/plugin/" in shown[0], "the planted plugin shows as a difference"
            accepted = await running.http.post(f"/api/v1/products/{products[0]['id']}/accept", json={})
            stores = files(tmp_path / "var")
            stores |= {f"answer {number}": content for number, content in enumerate([*shown, accepted.content])}
            stores["log"] = caplog.text.encode()
    assert any(name.endswith("-wal") for name in stores), "the write-ahead log is searched too"
    hits = [name for name, store in stores.items() for secret in (TOKEN, PLUGIN_SECRET) if found(secret, store)]
    assert hits == []
    assert found(CONTROL, stores["records.db"] + stores["records.db-wal"]), "the search finds what is there"
    for secret in (TOKEN, PLUGIN_SECRET):
        for form in forms(secret):
            assert found(secret, b"before " + form + b" after"), "each form is recognised"


STORES = (
    "audit",
    "credential_places",
    "credentials",
    "integration_secrets",
    "jobs",
    "previews",
    "seat_outbox",
    "seats",
)
"""Tables through which a secret passes, or that tell of work in which one took part."""


async def test_secrets_of_provisioning_are_unreadable_in_every_store_while_all_of_it_is_under_way(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with emulated("kong", admin_token=TOKEN, token_header="Kong-Admin-Token") as kong, emulated("apigee") as apigee:
        kong.sign_in, kong.settings = "header_token", {"admin_url": kong.url, "token": TOKEN}
        async with visiting(tmp_path, HandClock(_now())) as me:
            shop = Selling(me.running, HandClock(_now()))
            place, _ = await stocked(me.running, kong, CONTROL)
            other, rows = await stocked(me.running, apigee, "apigee")
            sold = [*(await products(me.running, place, "payments-v2")), rows[0]]
            made = await shop.subscribe(sold)
            ours = await shop.issue(made, mode="AFORO_PROVIDED")
            theirs = await shop.issue(made)
            rotated = await shop.call("POST", f"/credentials/{theirs['id']}/rotate", {}, 201)
            shown_once = [
                secret_of(ours),
                secret_of(theirs, place),
                secret_of(theirs, other),
                secret_of(rotated, place),
            ]
            kong.board.faults.append(Fault(503, times=-1, path="/"))
            waiting = await shop.issue(made, mode="AFORO_PROVIDED")  # kept until Kong is back
            await _preview_as_a_job(me, other)
            key: str = json.loads(apigee.settings["service_account_key"])["private_key"]
            earned = [str(row["token"]) for row in _emulator(apigee.board).store.rows("tokens")]
            secrets = [TOKEN, key.splitlines()[3], *earned, *shown_once, secret_of(waiting)]
            stores = files(tmp_path / "var") | await _answers(me, made) | {"log": caplog.text.encode()}
            again = {"answer": (await me.running.http.get(f"/api/v1/credentials/{ours['id']}")).content}
            database = me.running.rooms.settings.records_path
            copies = {table: planted(database, table, secrets[-1], tmp_path / f"copy-{table}") for table in STORES}

    assert earned
    assert len(set(secrets)) == len(secrets) >= 8
    assert [
        (name, secret) for name, store in (stores | again).items() for secret in secrets if found(secret, store)
    ] == []
    assert [table for table, copy in copies.items() if not found(secrets[-1], copy)] == []
    for name in ("records.db-wal", "page /integrations", "api /integrations"):
        assert found(CONTROL, stores[name]), f"the search finds what is there: {name}"


def _now() -> Any:
    """Apigee's emulator dates its tokens by the machine's clock."""
    return SystemClock().now()


def _emulator(board: Any) -> Any:
    return board._app


async def _preview_as_a_job(me: Visitor, integration_id: str) -> None:
    answer = await me.running.http.post(
        "/api/v1/products/preview", json={"integrationId": integration_id}, headers={"Prefer": "respond-async"}
    )
    assert answer.status_code == 202, answer.text
    async with asyncio.timeout(20):
        while (await me.running.call("GET", f"/api/v1/jobs/{answer.json()['jobId']}"))["state"] in (
            "QUEUED",
            "RUNNING",
        ):
            await SystemClock().sleep(0.05)


async def _answers(me: Visitor, made: dict[str, Any]) -> dict[str, bytes]:
    """What the pages and the API show of it afterwards."""
    told = {}
    for path in ("/", "/integrations", "/products", "/plans", "/customers", "/subscriptions"):
        page = await me.get(path)
        assert page.status == 200, path
        told[f"page {path}"] = page.html.encode()
    for path in ("/integrations", "/credentials", f"/subscriptions/{made['id']}", "/audit", "/jobs", "/orphans"):
        answer = await me.running.http.get(f"/api/v1{path}")
        if answer.status_code == 200:
            told[f"api {path}"] = answer.content
    return told


async def _plant_in_plugin(url: str, service: str) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=url, trust_env=False, headers={"Kong-Admin-Token": TOKEN}) as admin:
        body = {"name": "session", "config": {"secret": PLUGIN_SECRET}}
        answer = await admin.post(f"/services/{service}/plugins", json=body)
        assert answer.status_code == 201, answer.text
