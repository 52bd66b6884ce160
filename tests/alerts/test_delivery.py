"""What becomes of a message on its way: tried again, resumed, never sent twice once it has arrived."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from aforo.alerts import Kind, Notice, Severity
from aforo.alerts.rules.schedule import MOST_TRIES, WAITS_SECONDS
from aforo.kit.clock import HandClock
from tests.alerts.desk import desk
from tests.alerts.receivers import hook, mailbox
from tests.alerts.test_told import SLACK_PATH, alerts, channel, deliver
from tests.live import Aforo


def notice(episode: str = "one", **members: Any) -> Notice:
    given: dict[str, Any] = {
        "kind": Kind.DRIFT,
        "severity": Severity.WARNING,
        "title": "payments differs",
        "since": datetime(2026, 11, 22, tzinfo=UTC),
    }
    return Notice(
        episode=episode, subject="prod_1", name="payments", detail="1 field.", path="/products/prod_1",
        **{**given, **members},
    )  # fmt: skip


async def raised(running: Aforo, episode: str = "one", **members: Any) -> str:
    made = await running.rooms.alerts.alerts.raise_alert(running.tenant_id, notice(episode, **members))
    assert made is not None
    return made.id


async def sent(running: Aforo, alert_id: str) -> list[Any]:
    found: list[Any] = (await running.call("GET", f"/api/v1/alerts/{alert_id}"))["deliveries"]
    return found


async def test_a_webhook_that_fails_is_tried_on_the_documented_schedule_with_one_id_and_one_body(
    tmp_path: Path,
) -> None:
    clock = HandClock(datetime.now(UTC))
    with hook() as web:
        async with desk(tmp_path, clock) as running:
            signing = (await channel(running, "webhook", web.url))["secret"]
            alert_id = await raised(running)
            web.answers = [(500, "not now", {})] * MOST_TRIES
            for tries, wait in enumerate(WAITS_SECONDS, 1):
                await deliver(running)
                assert len(web.got) == tries
                clock.forward(wait - 1)
                await deliver(running)
                assert len(web.got) == tries, "not a second early"
                clock.forward(1)
            await deliver(running)
            clock.forward(10 * 86_400)
            await deliver(running)
            assert len(web.got) == MOST_TRIES
            [one] = await sent(running, alert_id)
            assert (one["state"], one["answer"], len(one["attempts"])) == ("FAILED", "500 not now", MOST_TRIES)
            assert {posted.headers["webhook-id"] for posted in web.got} == {one["id"]}
            assert len({posted.body for posted in web.got}) == 1
            assert len({posted.headers["webhook-timestamp"] for posted in web.got}) == MOST_TRIES
            Webhook(signing).verify(web.got[0].body, web.got[0].headers)


async def test_a_receiver_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    clock = HandClock()
    with hook() as web:
        async with desk(tmp_path, clock) as running:
            await channel(running, "slack", web.url + SLACK_PATH)
            await raised(running)
            web.answers = [(429, "slow down", {"retry-after": "60"})]
            await deliver(running)
            clock.forward(59)
            await deliver(running)
            assert len(web.got) == 1
            clock.forward(1)
            await deliver(running)
            assert len(web.got) == 2


async def test_mail_that_is_refused_is_tried_again_with_the_same_message_id(tmp_path: Path) -> None:
    clock = HandClock()
    async with mailbox() as mail, desk(tmp_path, clock) as running:
        await channel(running, "email", mail.url())
        alert_id = await raised(running)
        mail.refuses = ["451 4.3.0 try later"]
        await deliver(running)
        [waiting] = await sent(running, alert_id)
        assert (waiting["state"], waiting["answer"]) == ("PENDING", "451 4.3.0 try later")
        clock.forward(5)
        await deliver(running)
        [done] = await sent(running, alert_id)
        assert (done["state"], done["answer"]) == ("DELIVERED", "250 2.0.0 queued as A1")
        assert [one["message-id"] for one in mail.letters] == [f"<{done['id']}@example.com>"]


async def test_what_a_crash_left_between_store_and_send_is_sent_after_the_next_start(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path, HandClock()) as running:
            await channel(running, "slack", web.url + SLACK_PATH)
            await raised(running)
        assert web.got == []
        async with desk(tmp_path, HandClock()) as again:
            await deliver(again)
            await deliver(again)
            assert len(web.got) == 1


async def test_a_try_that_a_crash_cut_off_is_made_again_under_its_id_and_shown_as_of_unknown_end(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    with hook() as web:
        async with desk(tmp_path, clock) as running:
            await channel(running, "webhook", web.url)
            alert_id = await raised(running)
            outbox = running.rooms.alerts.deliverer._deliveries
            [one] = (await outbox.of([alert_id]))[alert_id]
            await outbox.begin(one, clock.now(), clock.now())  # what a try writes before it sends; then the end
        async with desk(tmp_path, clock) as again:
            await deliver(again)
            [shown] = await sent(again, alert_id)
            assert [one["ok"] for one in shown["attempts"]] == [None, True]
            assert [one.headers["webhook-id"] for one in web.got] == [shown["id"]]


async def test_a_channel_that_hangs_delays_neither_another_nor_who_raises(tmp_path: Path) -> None:
    accepted = asyncio.Event()
    let_go = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        accepted.set()
        await let_go.wait()
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    taken: asyncio.Queue[bytes] = asyncio.Queue()
    hangs, works = [await asyncio.start_server(one, "127.0.0.1", 0) for one in (hang, take)]
    async with hangs, works, desk(tmp_path, HandClock()) as running:
        for name, server in (("a hangs", hangs), ("b works", works)):
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await channel(running, "webhook", url, name=name)
        await raised(running, "one")
        worker = asyncio.create_task(running.rooms.alerts.deliverer.run())
        async with asyncio.timeout(10):
            await accepted.wait()
            await taken.get()
            second = await raised(running, "two")
            await taken.get()
        assert {one["channelName"]: one["state"] for one in await sent(running, second)}["a hangs"] == "PENDING"
        worker.cancel()
        let_go.set()


async def test_nobody_hears_that_it_is_over_before_hearing_that_it_began(tmp_path: Path) -> None:
    clock = HandClock()
    with hook() as web:
        async with desk(tmp_path, clock) as running:
            await channel(running, "slack", web.url + SLACK_PATH)
            await raised(running)
            web.answers = [(500, "not now", {})]
            await deliver(running)
            await running.rooms.alerts.alerts.resolve(running.tenant_id, Kind.DRIFT, "one", "Same again.")
            await deliver(running)
            assert len(web.got) == 1
            clock.forward(5)
            await deliver(running)
            assert [one.json["text"] for one in web.got[1:]] == [
                "Aforo: WARNING: payments differs",
                "Aforo: over: payments differs",
            ]


async def test_an_episode_is_told_once_and_may_come_again_after_it_is_over(tmp_path: Path) -> None:
    async with desk(tmp_path, HandClock()) as running:
        room, tenant_id = running.rooms.alerts.alerts, running.tenant_id
        first = await asyncio.gather(*(room.raise_alert(tenant_id, notice()) for _ in range(5)))
        assert sum(one is not None for one in first) == 1
        assert await room.resolve(tenant_id, Kind.DRIFT, "one", "Same again.") is not None
        assert await room.resolve(tenant_id, Kind.DRIFT, "one", "Same again.") is None
        assert await room.raise_alert(tenant_id, notice()) is not None
        assert await room.raise_alert(tenant_id, notice("event", lasts=False)) is not None
        assert await room.raise_alert(tenant_id, notice("event", lasts=False)) is None
        assert len(await alerts(running)) == 3
        assert len(await alerts(running, "?open=true")) == 1


async def test_a_channel_hears_what_it_is_there_for(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path, HandClock()) as running:
            await channel(running, "slack", f"{web.url}/drift", name="drift", kinds=["drift"])
            await channel(running, "slack", f"{web.url}/grave", name="grave", minSeverity="CRITICAL")
            await raised(running, "a")
            await raised(running, "b", kind=Kind.HEALTH, severity=Severity.CRITICAL)
            await raised(running, "c", kind=Kind.CREDENTIAL, severity=Severity.INFO, lasts=False)
            await deliver(running)
            assert sorted(one.path for one in web.got) == ["/drift", "/grave"]


async def test_a_delivery_is_replayed_as_a_new_one_and_an_unended_one_is_not(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path, HandClock()) as running:
            made = await channel(running, "webhook", web.url)
            alert_id = await raised(running)
            [one] = await sent(running, alert_id)
            wish = {"deliveryId": one["id"]}
            refused = await running.call("POST", f"/api/v1/alerts/{alert_id}/replay", wish, 409)
            assert refused["code"] == "delivery_under_way"
            await deliver(running)
            again = await running.call("POST", f"/api/v1/alerts/{alert_id}/replay", wish, 202)
            await deliver(running)
            assert [posted.headers["webhook-id"] for posted in web.got] == [one["id"], again["id"]]
            assert web.got[0].body == web.got[1].body
            assert again["replayOf"] == one["id"]
            await running.call("DELETE", f"/api/v1/alerts/channels/{made['id']}", status=204)
            gone = await running.call("POST", f"/api/v1/alerts/{alert_id}/replay", wish, 409)
            assert "was removed" in gone["detail"]


async def test_a_webhook_that_answers_gone_is_not_called_again_until_it_is_changed(tmp_path: Path) -> None:
    with hook() as web:
        async with desk(tmp_path, HandClock()) as running:
            made = await channel(running, "webhook", web.url)
            web.answers = [(410, "gone", {})]
            first = await raised(running, "one")
            await raised(running, "two")
            await deliver(running)
            assert len(web.got) == 1
            assert (await sent(running, first))[0]["state"] == "FAILED"
            place = f"/api/v1/alerts/channels/{made['id']}"
            assert (await running.call("GET", place))["paused"] == "410 gone"
            assert await sent(running, await raised(running, "three")) == []
            await running.call("PATCH", place, {"url": f"{web.url}/new"})
            await raised(running, "four")
            await deliver(running)
            assert [one.path for one in web.got] == ["/", "/new"]


@pytest.mark.parametrize(
    ("host", "allowed", "words"),
    [("169.254.169.254", True, "never calls"), ("127.0.0.1", False, "private or loopback")],
)
async def test_metadata_addresses_are_never_called_and_private_ones_only_if_allowed(
    tmp_path: Path, host: str, allowed: bool, words: str
) -> None:
    forms = {
        "email": f"smtp://{host}:2525?from=a@example.com&to=b@example.com&tls=none",
        "slack": f"http://{host}:2525/services/T/B/x",
        "webhook": f"http://{host}:2525/hook",
        "apprise": f"json://{host}:2525/hook",
    }
    async with desk(tmp_path, HandClock(), allow_private_targets=allowed) as running:
        for kind, url in forms.items():
            made = await channel(running, kind, url)
            told = await running.call("POST", f"/api/v1/alerts/channels/{made['id']}/test")
            assert told["state"] == "FAILED"
            assert words in told["answer"], kind
