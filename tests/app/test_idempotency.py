"""Idempotency keys: one effect, one answer, no mix-up."""

from datetime import UTC, datetime
from pathlib import Path

from aforo.accounts import Scope
from aforo.kit.clock import HandClock
from tests.live import aforo

BODY = {"name": "ci", "scopes": ["usage:ingest"]}


async def test_the_same_key_and_body_get_the_first_answer_with_its_secret_again(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        first = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        again = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json()
        assert again.headers["idempotent-replayed"] == "true"
        names = [key["name"] for key in (await running.call("GET", "/api/v1/api-keys"))["data"]]
        assert names.count("ci") == 1


async def test_the_same_key_with_another_body_is_refused(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        other = await running.http.post(
            "/api/v1/api-keys", json={**BODY, "name": "other"}, headers={"Idempotency-Key": "a"}
        )
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_after_24_hours_a_key_is_forgotten(tmp_path: Path) -> None:
    clock = HandClock(datetime(2026, 11, 22, tzinfo=UTC))
    async with aforo(tmp_path, clock) as running:
        first = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        clock.forward(24 * 3600 + 1)
        later = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        assert first.json()["id"] != later.json()["id"]


async def test_a_stored_answer_does_not_show_its_secret_in_the_file(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        first = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        secret = first.json()["secret"].encode()
        files = list((tmp_path / "var").glob("records.db*"))
        assert files
        assert not [path for path in files if secret in path.read_bytes()]


async def test_another_tenants_key_is_another_key(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        made = await running.rooms.accounts.create_tenant("other", "Other")
        _, secret = await running.rooms.accounts.create_key(made.id, "k", {Scope.ADMIN})
        first = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        theirs = await running.http.post(
            "/api/v1/api-keys",
            json=BODY,
            headers={"Idempotency-Key": "a", "Authorization": f"Bearer {secret}"},
        )
        assert first.json()["id"] != theirs.json()["id"]


async def test_a_first_answer_with_a_secret_is_not_given_to_another_key_of_the_tenant(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        _, weak = await running.rooms.accounts.create_key(running.tenant_id, "weak", {Scope.CONTROL_READ})
        first = await running.http.post("/api/v1/api-keys", json=BODY, headers={"Idempotency-Key": "a"})
        headers = {"Idempotency-Key": "a", "Authorization": f"Bearer {weak}"}
        theirs = await running.http.post("/api/v1/api-keys", json=BODY, headers=headers)
        assert (first.status_code, theirs.status_code) == (201, 403)
