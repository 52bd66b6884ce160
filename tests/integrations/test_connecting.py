"""Names, addresses, secrets, budgets and the breaker of connections, through the room's own front door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from aforo.gateway_sdk.contract import Verdict
from aforo.gateway_sdk.emulator import Fault
from aforo.gateway_sdk.registry import Entry, gateways
from aforo.integrations import Integrations, IntegrationStore, Reach
from aforo.integrations.errors import NameTaken
from aforo.integrations.model import BreakerState, Health, HealthPoint, Vitals
from aforo.integrations.sql import health_points, integration_secrets
from aforo.kit.clock import HandClock
from aforo.kit.secretbox import MasterKeys, SecretBox
from tests.live import Aforo, aforo, emulated

KEYS = {"access_key_id": "AKIAX", "secret_access_key": "a-secret-of-some-length", "region": "eu-west-1"}


@asynccontextmanager
async def _room(
    folder: Path, *, emulator_port: int = 1, private: bool = True, clock: HandClock | None = None
) -> AsyncIterator[tuple[Integrations, Aforo]]:
    """The room on real records, with Kong's emulator said to listen on `emulator_port`."""
    async with aforo(folder) as running:
        entries = {key: Entry(replace(one.manifest, emulator_port=emulator_port)) for key, one in gateways().items()}
        box = SecretBox(MasterKeys({1: b"k" * 32}))
        store = IntegrationStore(running.rooms.db)
        yield Integrations(store, box, entries, Reach(private, {}), clock or HandClock()), running


async def _codes(room: Integrations, tenant_id: str, integration_id: str) -> set[str | None]:
    return {check.code async for check in room.test(tenant_id, integration_id) if check.verdict is Verdict.FAILED}


async def test_an_emulated_connection_may_call_its_emulator_and_no_other_private_address(tmp_path: Path) -> None:
    with emulated("kong") as gateway, emulated("kong") as other:
        port = int(gateway.url.rsplit(":", 1)[1])
        async with _room(tmp_path, emulator_port=port, private=False) as (room, running):
            tenant_id = running.tenant_id
            made = await room.create(tenant_id, "k", "kong", "none", gateway.settings, emulated=True)
            assert await _codes(room, tenant_id, made.id) == set()
            moved = await room.change(tenant_id, made.id, values={"admin_url": other.url})
            assert not moved.emulated
            assert await _codes(room, tenant_id, made.id) == {"target_refused"}
            back = await room.change(tenant_id, made.id, values={"admin_url": gateway.url})
            assert not back.emulated
            assert await _codes(room, tenant_id, made.id) == {"target_refused"}
            strange = await room.create(tenant_id, "s", "kong", "none", {"admin_url": other.url}, emulated=True)
            assert await _codes(room, tenant_id, strange.id) == {"target_refused"}
            assert other.board.log == []


async def test_what_is_still_at_its_emulator_stays_marked(tmp_path: Path) -> None:
    with emulated("kong") as gateway:
        async with _room(tmp_path) as (room, running):
            made = await room.create(running.tenant_id, "k", "kong", "none", gateway.settings, emulated=True)
            assert (await room.change(running.tenant_id, made.id, name="other")).emulated
            same = await room.change(running.tenant_id, made.id, values={"admin_url": f" {gateway.url} "})
            assert same.emulated
            assert not (await room.change(running.tenant_id, made.id, values={"proxy": "http://127.0.0.1:9"})).emulated


async def test_of_many_that_take_one_name_at_once_exactly_one_gets_it(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        body = {"name": "one", "gateway": "kong", "signIn": "none", "settings": {"admin_url": "http://127.0.0.1:9"}}
        answers = await asyncio.gather(*(running.http.post("/api/v1/integrations", json=body) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
        assert {answer.json().get("code") for answer in answers} == {None, "name_taken"}


async def test_a_name_that_is_taken_behind_our_back_is_told_as_such(tmp_path: Path) -> None:
    async with _room(tmp_path) as (room, running):
        store, tenant_id = IntegrationStore(running.rooms.db), running.tenant_id
        first = await room.create(tenant_id, "a", "kong", "none", {"admin_url": "http://kong"})
        second = await room.create(tenant_id, "b", "kong", "none", {"admin_url": "http://kong"})
        with pytest.raises(NameTaken):
            await store.add(replace(second, id="int_other", name="a"), {})
        with pytest.raises(NameTaken):
            await store.replace(replace(second, name="a"), {}, was=1)
        assert [one.name for one in await room.all(tenant_id)] == [first.name, second.name]


async def test_sizes_and_addresses_are_refused_with_the_fields_pointer(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        settings = {"admin_url": "http://[::1", "token": "t" * 2001, "proxy": "http://proxy:abc"}
        body = {"name": "k", "gateway": "kong", "signIn": "header_token", "settings": settings}
        told = await running.call("POST", "/api/v1/integrations", body, 422)
        assert {one["pointer"] for one in told["errors"]} == {f"/settings/{name}" for name in settings}
        told = await running.call("POST", "/api/v1/integrations", {**body, "name": "n" * 201}, 422)
        assert told["code"] == "invalid"


async def test_no_two_tenants_and_no_two_addresses_share_a_call_budget(tmp_path: Path) -> None:
    async with _room(tmp_path) as (room, running):
        ours, theirs = running.tenant_id, (await running.rooms.accounts.create_tenant("other", "Other")).id

        async def budget(tenant_id: str, name: str, **more: str) -> object:
            return room.budget(await room.create(tenant_id, name, "aws", "access_keys", {**KEYS, **more}))

        first = await budget(ours, "a")
        assert await budget(ours, "b") is first
        assert await budget(theirs, "a") is not first
        assert await budget(ours, "c", endpoint_url="http://127.0.0.1:9") is not first
        assert await budget(ours, "d", proxy="http://127.0.0.1:9") is first


@pytest.mark.parametrize("values", [{"admin_url": "http://127.0.0.1:9"}, {"token": "another-token"}])
async def test_a_change_of_address_or_secret_closes_the_breaker(tmp_path: Path, values: dict[str, str]) -> None:
    with emulated("kong") as gateway:
        async with _room(tmp_path) as (room, running):
            settings = {"admin_url": gateway.url, "token": "a-token"}
            made = await room.create(running.tenant_id, "k", "kong", "header_token", settings)
            gateway.board.faults.append(Fault(503, times=-1))
            for _ in range(5):
                await _codes(room, running.tenant_id, made.id)
            opened = await room.get(running.tenant_id, made.id)
            assert opened.vitals.breaker.state is BreakerState.OPEN
            renamed = await room.change(running.tenant_id, made.id, name="other")
            assert renamed.vitals.breaker.state is BreakerState.OPEN
            changed = await room.change(running.tenant_id, made.id, values={"token": "a-token", **values})
            assert changed.vitals.breaker.state is BreakerState.CLOSED


async def test_a_probe_that_is_cancelled_leaves_the_next_call_to_probe(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong") as gateway:
        async with _room(tmp_path, clock=clock) as (room, running):
            made = await room.create(running.tenant_id, "k", "kong", "none", gateway.settings)
            gateway.board.faults.append(Fault(503, times=5))
            for _ in range(5):
                await _codes(room, running.tenant_id, made.id)
            clock.forward(300)
            gateway.board.faults.append(Fault(0, times=1, delay_ms=3000))
            probe = asyncio.create_task(_codes(room, running.tenant_id, made.id))
            await asyncio.sleep(0.2)
            assert await _codes(room, running.tenant_id, made.id) == {"breaker_open"}
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
            assert await _codes(room, running.tenant_id, made.id) == set()


async def test_a_secret_that_is_no_longer_kept_is_gone_from_the_records(tmp_path: Path) -> None:
    async with _room(tmp_path) as (room, running):
        temporary = {**KEYS, "session_token": "a-token-for-an-hour"}
        made = await room.create(running.tenant_id, "a", "aws", "access_keys", temporary)
        again = {"region": "us-east-1", "secret_access_key": "another-secret"}
        after = await room.change(running.tenant_id, made.id, values=again)
        assert set(after.secret_hints) == {"secret_access_key"}
        query = select(integration_secrets.c.field).where(integration_secrets.c.integration_id == made.id)
        async with running.rooms.db.read() as connection:
            assert (await connection.execute(query)).scalars().all() == ["secret_access_key"]


async def test_health_is_remembered_for_30_days(tmp_path: Path) -> None:
    clock = HandClock()
    async with _room(tmp_path, clock=clock) as (room, running):
        store = IntegrationStore(running.rooms.db)
        made = await room.create(running.tenant_id, "k", "kong", "none", {"admin_url": "http://kong"})
        other = await room.create(running.tenant_id, "o", "kong", "none", {"admin_url": "http://kong"})
        await store.save_vitals(other.id, Vitals(), HealthPoint(clock.now(), Health.HEALTHY, 1, None, None))
        for day in range(40):
            at = clock.now() + timedelta(days=day)
            await store.save_vitals(made.id, Vitals(), HealthPoint(at, Health.HEALTHY, 1, None, None))
        query = select(func.count()).select_from(health_points)
        async with running.rooms.db.read() as connection:
            kept = await connection.scalar(query.where(health_points.c.integration_id == made.id))
            others = await connection.scalar(query.where(health_points.c.integration_id == other.id))
        assert (kept, others) == (31, 1)
