"""The api over HTTP: who is let in, how failures look, and that the document tells the truth."""

from pathlib import Path

import httpx2
import pytest

from aforo.accounts import Scope
from aforo.app.edge.handlers import INGEST_PATHS
from tests.live import aforo


async def test_a_call_without_a_key_is_told_how_to_send_one(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        answer = await running.http.get("/api/v1/integrations", headers={"Authorization": ""})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"
        assert "Authorization: Bearer" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["X-API-Key", "X-Aforo-Key"])
async def test_a_key_is_accepted_in_every_documented_header(tmp_path: Path, header: str) -> None:
    async with aforo(tmp_path) as running:
        answer = await running.http.get("/api/v1/me", headers={"Authorization": "", header: running.admin_key})
        assert answer.status_code == 200


async def test_a_key_without_the_scope_is_refused_and_a_revoked_one_is_not_known_any_more(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await running.call("POST", "/api/v1/api-keys", {"name": "r", "scopes": ["control:read"]}, 201)
        as_reader = {"Authorization": f"Bearer {made['secret']}"}
        body = {"name": "k", "gateway": "kong", "signIn": "none", "settings": {}}
        refused = await running.http.post("/api/v1/integrations", headers=as_reader, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
        await running.call("DELETE", f"/api/v1/api-keys/{made['id']}", status=204)
        revoked = await running.http.get("/api/v1/me", headers=as_reader)
        assert (revoked.status_code, revoked.json()["code"]) == (401, "key_revoked")


async def test_another_tenants_things_do_not_exist(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        body = {"name": "k", "gateway": "kong", "signIn": "none", "settings": {"admin_url": "http://127.0.0.1:9"}}
        mine = await running.call("POST", "/api/v1/integrations", body, 201)
        other = await running.rooms.accounts.create_tenant("other", "Other")
        _, secret = await running.rooms.accounts.create_key(other.id, "k", {Scope.ADMIN})
        as_other = {"Authorization": f"Bearer {secret}"}
        assert (await running.http.get("/api/v1/integrations", headers=as_other)).json()["data"] == []
        for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/health")):
            answer = await running.http.request(
                method, f"/api/v1/integrations/{mine['id']}{path}", headers=as_other, json={}
            )
            assert answer.status_code == 404, (method, path, answer.text)


async def test_a_named_tenant_must_be_the_keys_own(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        for own in ("default", running.tenant_id):
            assert (await running.http.get("/api/v1/me", headers={"X-Tenant-Id": own})).status_code == 200
        answer = await running.http.get("/api/v1/me", headers={"X-Tenant-Id": "other"})
        assert (answer.status_code, answer.json()["code"]) == (403, "tenant_mismatch")


async def test_bad_input_names_each_fault(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        answer = await running.http.post("/api/v1/integrations", json={"name": 5, "gatway": "kong"})
        assert answer.status_code == 422
        pointers = {fault["pointer"] for fault in answer.json()["errors"]}
        assert {"/name", "/gateway", "/signIn", "/gatway"} <= pointers
        unreadable = await running.http.post(
            "/api/v1/integrations", content=b"{", headers={"Content-Type": "application/json"}
        )
        assert (unreadable.status_code, unreadable.json()["code"]) == (400, "unreadable")


async def test_unknown_paths_and_methods_answer_problems(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        for method, path, status in (("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/me", 405)):
            answer = await running.http.request(method, path)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"


async def test_every_operation_of_the_document_refuses_a_caller_without_a_key(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        document = (await running.http.get("/openapi.json")).json()
        transport = running.http._transport
        async with httpx2.AsyncClient(transport=transport, base_url="http://aforo.test") as stranger:
            seen = 0
            for path, operations in document["paths"].items():
                for method in operations:
                    if not path.startswith(("/api/", "/v1/")) or path in INGEST_PATHS:  # those are the edge's
                        continue
                    answer = await stranger.request(method.upper(), path.replace("{", "").replace("}", ""), json={})
                    assert answer.status_code == 401, (method, path, answer.status_code)
                    seen += 1
        assert seen >= 25


async def test_without_an_edge_a_forwarded_batch_is_refused_with_a_time_to_try_again(tmp_path: Path) -> None:
    async with aforo(tmp_path, edge_port=9) as running:
        answer = await running.http.post("/v1/ingest", json={"events": []})
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) >= 1


async def test_a_stored_secret_never_goes_to_a_new_address(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        settings = {"admin_url": "https://kong.example:8444", "token": "a-secret-of-kong"}
        body = {"name": "k", "gateway": "kong", "signIn": "header_token", "settings": settings}
        made = await running.call("POST", "/api/v1/integrations", body, 201)
        path = f"/api/v1/integrations/{made['id']}"
        moved = {"settings": {"admin_url": "https://elsewhere.example"}}
        refused = await running.call("PATCH", path, moved, 422)
        assert refused["errors"] == [{"pointer": "/settings/token", "detail": "Token is required"}]
        again = {"settings": {"admin_url": "https://elsewhere.example", "token": "another-secret"}}
        assert (await running.call("PATCH", path, again))["settings"]["token"] == "••••cret"
        assert (await running.call("PATCH", path, {"name": "renamed"}))["name"] == "renamed"


async def test_half_a_character_is_refused_and_breaks_nothing(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        answer = await running.http.post(
            "/api/v1/api-keys",
            content=b'{"name": "\\ud800", "scopes": ["usage:ingest"]}',
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422
