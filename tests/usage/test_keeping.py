"""For how long events are kept, and erasing a customer's: the API, the page, the command, the daily run."""

from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from aforo.accounts import Role
from aforo.app.cli import main
from aforo.kit.clock import SystemClock, rfc3339
from aforo.usage import EventLog, EventQuery
from tests.app.test_serve import served
from tests.customers.shop import customer
from tests.usage.parts import event
from tests.usage.test_pages import Reader, reading

LONG_AGO = timedelta(days=40)


def seen(who: Reader, folder: Path) -> list[str]:
    page = EventLog(folder / "var" / "log").page(who.caller, EventQuery())
    return sorted(str(one["idempotencyKey"]) for one in page.data)


async def sent(who: Reader, **customers: str) -> None:
    at = rfc3339(SystemClock().now())
    await who.send(*(event(key, customerId=name, occurredAt=at) for key, name in customers.items()))


async def test_a_person_erases_a_customer_by_any_of_its_names(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        acme = await customer(who.me.running, externalId="acme-1")
        await sent(who, one="acme-1", two=acme["id"], three="other")
        asked = await who.me.get("/settings/events/erase?customer=acme-1")
        assert "Erase the events of acme-1?" in asked.text
        refused = await who.me.post("/settings/events/erase", {"customer": "acme-1", "typed_name": "acme"})
        assert refused.status == 422
        assert "Nothing was erased: acme-1 was not typed." in refused.text
        assert seen(who, tmp_path) == ["one", "three", "two"]
        done = await who.me.post("/settings/events/erase", {"customer": "acme-1", "typed_name": "acme-1"})
        assert "2 events reduced, 0 dead letters removed." in done.text
        assert seen(who, tmp_path) == ["three"]
        audit = await who.me.get("/audit")
        assert "events.erased" in audit.text


async def test_retention_is_decided_on_its_page_and_applied_by_the_daily_run(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        running = who.me.running
        first = await who.me.get("/settings/events")
        assert "Events are kept whole for ever." in first.text
        for wrong in ("6", "soon", "36501", "-9"):
            refused = await who.me.post("/settings/events", {"days": wrong})
            assert refused.status == 422, wrong
        assert (await running.rooms.keeping.apply(running.tenant_id)) is None
        done = await who.me.post("/settings/events", {"days": "30"})
        assert "Events are kept whole for 30 days." in done.text
        old = rfc3339(SystemClock().now().replace(microsecond=0) - LONG_AGO)
        await who.send(event("old", occurredAt=old))
        await sent(who, new="acme")
        assert seen(who, tmp_path) == ["new", "old"]
        told = await running.rooms.keeping.apply(running.tenant_id)
        assert told is not None
        assert told.events == 1
        assert seen(who, tmp_path) == ["new"]
        forever = await who.me.post("/settings/events", {"days": ""})
        assert "Events are kept whole for ever." in forever.text


async def test_the_api_erases_and_keeps_for_administrators_only(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        await sent(who, one="acme", two="other")
        call = who.me.running.call
        assert (await call("PUT", "/api/v1/retention", {"days": 400}))["days"] == 400
        await call("PUT", "/api/v1/retention", {"days": 3}, 422)
        assert (await call("GET", "/api/v1/retention"))["days"] == 400
        assert await call("POST", "/api/v1/erasures", {"customerId": "acme"}) == {"events": 1, "deadLetters": 0}
        await call("POST", "/api/v1/erasures", {"customerId": ""}, 422)
        assert seen(who, tmp_path) == ["two"]
        await who.me.become(Role.FINANCE)
        assert (await who.me.get("/settings/events")).status == 403


def test_the_command_line_erases_while_both_processes_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as running:
        monkeypatch.setenv("AFORO_URL", running.api)
        monkeypatch.setenv("AFORO_API_KEY", running.admin_key)
        headers = {"Authorization": f"Bearer {running.admin_key}"}
        at = rfc3339(SystemClock().now())
        sent = [event("one", customerId="acme", occurredAt=at), event("two", customerId="other", occurredAt=at)]
        answer = httpx2.post(f"{running.edge}/v1/ingest", json={"events": sent}, headers=headers, trust_env=False)
        assert answer.json()["accepted"] == 2
        assert main(["usage", "erase", "acme"]) != 0, "it asks first"
        assert main(["usage", "erase", "acme", "--yes"]) == 0
        assert "1 event reduced to what sums need, 0 dead letters removed." in capsys.readouterr().out
        assert main(["usage", "retention", "--days", "30"]) == 0
        assert "Events are kept whole for 30 days." in capsys.readouterr().out
        answer = httpx2.post(f"{running.edge}/v1/ingest", json={"events": sent}, headers=headers, trust_env=False)
        assert answer.json()["duplicates"] == 2
        listed = httpx2.get(f"{running.api}/v1/events", headers=headers, trust_env=False).json()["data"]
        assert [one["customerId"] for one in listed] == ["other"]
