"""The outbox brings every seat there in the end: through faults, crashes and rest, and each gateway for itself."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aforo.credentials import credential_rows, credential_version
from aforo.credentials.rules.backoff import LONGEST_SECONDS, wait_seconds
from aforo.credentials.sql import Outbox
from aforo.credentials.sql.credentials import put_place
from aforo.credentials.sql.outbox import ask, finish, put_off
from aforo.gateway_sdk.emulator import Fault
from aforo.kit.clock import HandClock, SystemClock
from tests.credentials.selling import Selling, opens, secret_of, selling
from tests.credentials.test_credentials_api import products
from tests.customers.shop import stocked
from tests.flows.hands import KongHand
from tests.live import Emulated, emulated


def keys_of(kong: Emulated, subscription_id: str) -> list[str]:
    """Ids of all keys at Kong that carry this subscription's mark."""
    rows = KongHand(kong).call("GET", "/key-auths?size=1000")["data"]
    return [row["id"] for row in rows if f"aforo-subscription:{subscription_id}" in (row["tags"] or [])]


async def test_a_gateway_that_is_down_is_told_and_reached_later_and_the_secret_is_then_shown_once(
    tmp_path: Path,
) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            sold = await products(shop.running, place, "payments-v2")
            kong.board.faults.append(Fault(503, times=-1, path="/consumers"))
            made = await shop.subscribe(sold)
            assert made["gateways"][0]["observed"] == "PENDING"
            assert "503" in made["gateways"][0]["reason"]
            issued = await shop.issue(made)
            assert (issued["secrets"], issued["places"]) == ([], [])
            kong.board.faults.clear()
            await shop.work()
            assert await shop.gateways_of(made) == {place: "PENDING"}
            shop.clock.forward(LONGEST_SECONDS)
            await shop.work()
            assert await shop.gateways_of(made) == {place: "ACTIVE"}
            late = await shop.call("POST", f"/credentials/{issued['id']}/secret")
            assert opens(kong, secret_of(late, place)) == 200
            assert (await shop.call("POST", f"/credentials/{issued['id']}/secret"))["secrets"] == []
            assert (await shop.call("GET", f"/subscriptions/{made['id']}"))["gateways"][0]["reason"] is None


async def test_one_gateways_fault_does_not_delay_another(tmp_path: Path) -> None:
    with emulated("kong") as good, emulated("kong") as bad:
        async with selling(tmp_path) as shop:
            here, _ = await stocked(shop.running, good, "good")
            there, _ = await stocked(shop.running, bad, "bad")
            sold = [
                *(await products(shop.running, here, "payments-v2")),
                *(await products(shop.running, there, "payments-v2")),
            ]
            bad.board.faults.append(Fault(0, times=-1, path="/consumers", delay_ms=3_000))
            started = asyncio.get_running_loop().time()
            made = await shop.subscribe(sold, primaryIntegrationId=here)
            assert asyncio.get_running_loop().time() - started < 2.5
            assert await shop.gateways_of(made) == {here: "ACTIVE", there: "PENDING"}
            bad.board.faults.clear()
            await shop.work()
            assert await shop.gateways_of(made) == {here: "ACTIVE", there: "ACTIVE"}


async def test_an_open_breaker_is_waited_for_and_the_revocation_holds_in_aforo_at_once(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            issued = await shop.issue(made)
            version = _version(shop)
            shop.open_breakers[place] = 300.0
            revoked = await shop.call("POST", f"/credentials/{issued['id']}/revoke")
            assert (revoked["state"], revoked["places"][0]["observed"]) == ("REVOKED", "ACTIVE")
            assert {row.state for row in _rows(shop) if row.type in ("key_auth", "key_sha256")} == {"REVOKED"}
            assert _version(shop) > version
            shop.clock.forward(299)
            shop.opened.clear()
            await shop.work()
            assert shop.opened == []
            shop.open_breakers.clear()
            shop.clock.forward(1)
            await shop.work()
            assert shop.opened == [(place, True)]
            assert opens(kong, secret_of(issued, place)) == 401


async def test_while_a_breaker_is_open_few_seats_of_that_gateway_are_tried_and_the_rest_waits_for_the_probe(
    tmp_path: Path,
) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            sold = await products(shop.running, place, "payments-v2")
            shop.open_breakers[place] = 300.0
            for number in range(6):
                await shop.subscribe(sold, key=f"plan-{number}")
            shop.clock.forward(300)
            shop.opened.clear()
            await shop.work()
            assert 1 <= len(shop.opened) <= 4
            shop.open_breakers.clear()
            shop.clock.forward(300)
            await shop.work()
            listed = await shop.call("GET", "/subscriptions")
            assert [one["gateways"][0]["observed"] for one in listed["data"]] == ["ACTIVE"] * 6


async def test_a_wish_that_comes_during_an_attempt_is_not_lost_when_the_attempt_ends(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            rooms, outbox = shop.running.rooms, Outbox(shop.running.rooms.db)
            now, key = shop.clock.now(), (shop.running.tenant_id, made["id"], place)
            async with rooms.db.write() as connection:
                await ask(connection, *key, now, urgent=False)
            (under_way,) = await outbox.of(made["id"])
            async with rooms.db.write() as connection:
                await ask(connection, *key, now, urgent=True)
                await finish(connection, under_way, None)
                await put_off(connection, under_way, now + timedelta(hours=1))
            (left,) = await outbox.due(now)
            assert (left.generation, left.urgent, left.attempts) == (2, True, 0)


async def test_the_worker_of_a_serving_process_does_what_is_due(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            async with shop.running.rooms.db.write() as connection:
                await ask(connection, shop.running.tenant_id, made["id"], "", shop.clock.now(), urgent=False)
            worker = shop.running.rooms.credentials.start()
            outbox = Outbox(shop.running.rooms.db)
            async with asyncio.timeout(20):
                while await outbox.of(made["id"]):
                    await SystemClock().sleep(0.05)
            worker.cancel()
            assert shop.opened == [(place, True), (place, False)]


@pytest.mark.parametrize(
    "calls", [pytest.param(calls, marks=[pytest.mark.long] if calls % 12 else []) for calls in range(0, 24, 3)]
)
async def test_a_process_that_dies_between_two_calls_is_taken_up_by_the_next(tmp_path: Path, calls: int) -> None:
    clock = HandClock()
    with emulated("kong") as kong:
        async with selling(tmp_path, clock) as shop:
            place, _ = await stocked(shop.running, kong)
            sold = await products(shop.running, place, "payments-v2")
            kong.board.faults.append(Fault(500, times=-1, after=calls, path="/"))
            driver: Any = shop.running.rooms.credentials.driver
            driver._record = _Dead()  # what it could still say of its failure is lost with the process
            made = await shop.subscribe(sold)
            issued = await shop.issue(made)
        kong.board.faults.clear()
        async with selling(tmp_path, clock) as shop:
            await shop.work()
            assert await shop.gateways_of(made) == {place: "ACTIVE"}
            later = await shop.call("POST", f"/credentials/{issued['id']}/secret")
            secrets = [one["secret"] for one in (*issued["secrets"], *later["secrets"])]
            assert [opens(kong, secret) for secret in secrets] == [200]
            assert len(keys_of(kong, made["id"])) == 1


async def test_asking_many_times_at_once_makes_one_key_each_and_no_more(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            issued = await asyncio.gather(*(shop.issue(made) for _ in range(4)))
            await shop.work()
            assert len(keys_of(kong, made["id"])) == 4
            secrets = {secret_of(one, place) for one in issued}
            assert [opens(kong, secret) for secret in secrets] == [200] * 4


async def test_a_subscription_of_the_future_is_set_up_closed_and_opens_when_its_time_comes(tmp_path: Path) -> None:
    clock = HandClock()
    with emulated("kong") as kong:
        async with selling(tmp_path, clock) as shop:
            place, _ = await stocked(shop.running, kong)
            sold = await products(shop.running, place, "payments-v2")
            made = await shop.subscribe(sold, startsAt="2026-11-22T12:10:00Z")
            secret = secret_of(await shop.issue(made, mode="AFORO_PROVIDED"))
            assert (await shop.gateways_of(made), opens(kong, secret)) == ({place: "SUSPENDED"}, 403)
            clock.forward(600)
            await shop.work()
            assert (await shop.gateways_of(made), opens(kong, secret)) == ({place: "ACTIVE"}, 200)


async def test_a_rotation_while_the_gateway_is_down_locks_nobody_out(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            old = await shop.issue(made)
            shop.open_breakers[place] = 900.0
            new = await shop.call("POST", f"/credentials/{old['id']}/rotate", {"graceSeconds": 60}, 201)
            shop.clock.forward(900)
            shop.open_breakers.clear()
            await shop.work()
            late = await shop.call("POST", f"/credentials/{new['id']}/secret")
            assert [opens(kong, secret_of(one, place)) for one in (old, late)] == [200, 200]
            shop.clock.forward(60)
            await shop.work()
            assert [opens(kong, secret_of(one, place)) for one in (old, late)] == [401, 200]


async def test_the_edge_reads_each_credential_by_native_id_by_hash_and_by_consumer(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            own = await shop.issue(made)
            shared = await shop.issue(made, mode="AFORO_PROVIDED")
            await shop.call("POST", f"/credentials/{own['id']}/suspend")
            rows = {(row.integration_id, row.type, row.native_id): row for row in _rows(shop)}
            states = sorted(
                (type_, row.state) for (_, type_, _), row in rows.items() if type_ in ("key_auth", "key_sha256")
            )
            assert states == [
                ("key_auth", "ACTIVE"),
                ("key_auth", "SUSPENDED"),
                ("key_sha256", "ACTIVE"),
                ("key_sha256", "SUSPENDED"),
            ]
            assert (place, "key_auth", shared["places"][0]["nativeId"]) in rows
            consumer = KongHand(kong).call("GET", f"/consumers?custom_id={made['id']}")["data"][0]["id"]
            assert rows[place, "consumer", consumer].subscription_id == made["id"]
            assert {row.tenant_id for row in rows.values()} == {shop.running.tenant_id}


async def test_a_secret_that_was_shown_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            shop.open_breakers[place] = 9.0
            issued = await shop.issue(made)
            shop.open_breakers.clear()
            shop.clock.forward(9)
            await shop.work()
            rooms = shop.running.rooms
            before = await rooms.credentials.credentials.one(shop.running.tenant_id, issued["id"])
            assert before.places[0].sealed is not None
            await shop.call("POST", f"/credentials/{issued['id']}/secret")
            async with rooms.db.write() as connection:
                await put_place(connection, before.id, before.places[0])
            assert (await shop.call("POST", f"/credentials/{issued['id']}/secret"))["secrets"] == []


async def test_no_secret_is_found_in_the_records(tmp_path: Path) -> None:
    with emulated("kong") as kong:
        async with selling(tmp_path) as shop:
            place, _ = await stocked(shop.running, kong)
            made = await shop.subscribe(await products(shop.running, place, "payments-v2"))
            issued = [await shop.issue(made), await shop.issue(made, mode="AFORO_PROVIDED")]
            secrets = [secret_of(issued[0], place), secret_of(issued[1])]
            kong.board.faults.append(Fault(503, times=1, method="PUT", path="/consumers"))
            await shop.issue(made)
        kept = b"".join(file.read_bytes() for file in (tmp_path / "var").rglob("*") if file.is_file())
        assert [secret for secret in secrets if secret.encode() in kept] == []


@pytest.mark.parametrize("attempts", [1, 2, 5, 9, 1_000_000])
def test_back_off_grows_to_a_bound_and_jitter_stays_in_its_upper_half(attempts: int) -> None:
    low, high = wait_seconds(attempts, 0.0), wait_seconds(attempts, 0.999)
    assert 1.0 <= low < high <= LONGEST_SECONDS
    assert low >= wait_seconds(max(attempts - 1, 1), 0.0)


class _Dead:
    """A process that does not write any more."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("the process is gone")


def _rows(shop: Selling) -> list[Any]:
    with closing(sqlite3.connect(shop.running.rooms.settings.records_path)) as connection:
        return list(credential_rows(connection))


def _version(shop: Selling) -> int:
    with closing(sqlite3.connect(shop.running.rooms.settings.records_path)) as connection:
        return credential_version(connection)
