"""A kong.yml holds keys and passwords: it is kept sealed, also after a restore has changed it, and never read back."""

import json
from pathlib import Path
from typing import Any

from tests.live import Aforo, aforo

_TEXT = """
_format_version: "3.0"
services:
- name: orders
  host: orders.internal
  routes: [{name: orders-r, paths: [/orders]}]
  plugins: [{name: rate-limiting, config: {minute: 5, redis: {password: correct-horse-battery}}}]
consumers:
- {username: alice, keyauth_credentials: [{key: alices-own-key}]}
"""
_SECRETS = (b"correct-horse-battery", b"alices-own-key")


async def _connect(app: Aforo) -> str:
    body = {"name": "file", "gateway": "kong", "signIn": "declarative", "settings": {"document": _TEXT}}
    made = await app.call("POST", "/api/v1/integrations", body, status=201)
    return str(made["id"])


def _leaks(folder: Path, answers: list[Any]) -> list[str]:
    """Where a secret of the text, or its last line, can be read."""
    stored = {str(path.name): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told = {f"answer {n}": json.dumps(answer).encode() for n, answer in enumerate(answers)}
    return [name for name, raw in {**stored, **told}.items() if any(secret in raw for secret in _SECRETS)]


async def test_a_document_is_sealed_at_once_and_after_a_restore_and_told_to_nobody(tmp_path: Path) -> None:
    async with aforo(tmp_path) as app:
        integration = await _connect(app)
        path = f"/api/v1/integrations/{integration}"
        (product,) = await app.import_all(integration)
        answers = [await app.call("GET", path), await app.call("GET", "/api/v1/integrations")]
        assert _leaks(tmp_path, answers) == []
        await app.call("PATCH", path, {"settings": {"document": _TEXT.replace("minute: 5", "minute: 50")}})
        await app.call("POST", f"/api/v1/products/{product['id']}/restore", {})
        answers = [await app.call("GET", path), await app.call("GET", f"/api/v1/products/{product['id']}/export")]
        assert _leaks(tmp_path, answers) == []
        assert [row["status"] for row in (await app.preview(integration))["changes"]] == ["UNCHANGED"]
