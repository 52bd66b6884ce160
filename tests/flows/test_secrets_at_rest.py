"""Planted secrets are searched for in every store, in several forms, and not found; a control proves the search."""

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.live import aforo, emulated

TOKEN = 'kpat_7f3a"planted/secret+token=0c19'
PLUGIN_SECRET = "planted-plugin-secret-93e1b7d2aa41"
CONTROL = "planted-control-which-is-no-secret-55d1"


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield raw.hex().encode()
    for shift in range(3):  # base64 looks different at each of three offsets
        encoded = base64.b64encode(b"x" * shift + raw)
        yield encoded[(shift * 8 + 5) // 6 + 1 : -4]


def _found(secret: str, store: bytes) -> bool:
    return any(form in store for form in _forms(secret))


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
            files = [path for path in (tmp_path / "var").rglob("*") if path.is_file()]
            stores = {path.name: path.read_bytes() for path in files}
            stores |= {f"answer {number}": content for number, content in enumerate([*shown, accepted.content])}
            stores["log"] = caplog.text.encode()
    assert any(name.endswith("-wal") for name in stores), "the write-ahead log is searched too"
    hits = [name for name, store in stores.items() for secret in (TOKEN, PLUGIN_SECRET) if _found(secret, store)]
    assert hits == []
    assert _found(CONTROL, stores["records.db"] + stores["records.db-wal"]), "the search finds what is there"
    for secret in (TOKEN, PLUGIN_SECRET):
        for form in _forms(secret):
            assert _found(secret, b"before " + form + b" after"), "each form is recognised"


async def _plant_in_plugin(url: str, service: str) -> None:
    import httpx2

    async with httpx2.AsyncClient(base_url=url, trust_env=False, headers={"Kong-Admin-Token": TOKEN}) as admin:
        body = {"name": "session", "config": {"secret": PLUGIN_SECRET}}
        answer = await admin.post(f"/services/{service}/plugins", json=body)
        assert answer.status_code == 201, answer.text
