"""Usage, events, dead letters and completeness, as a browser without scripts reads them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aforo.accounts import Caller, Role, Scope
from aforo.kit.clock import SystemClock
from aforo.usage import Ingests
from tests.console.visiting import Visitor, visiting
from tests.customers.shop import customer
from tests.usage.test_usage_api import eventually, now


class Reader:
    """Somebody signed in, and the edge's side of the same data folder."""

    def __init__(self, me: Visitor, ingests: Ingests, metrics: set[str]) -> None:
        self.me = me
        self.ingests = ingests
        self.metrics = metrics
        self.caller = Caller(me.running.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST, Scope.USAGE_READ}))

    async def send(self, *events: dict[str, Any]) -> None:
        raw = json.dumps({"events": events}).encode()
        await self.ingests.of(self.caller).ingest(raw, self.caller)

    async def shows(self, path: str, *words: str) -> None:
        """A page that says all of this, at the latest when the sums have been made."""

        async def said() -> bool:
            seen = await self.me.get(path)
            return seen.status == 200 and all(word in seen.text for word in words)

        await eventually(said)


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[Reader]:
    metrics = {"api_calls"}
    async with visiting(folder) as me:
        ingests = Ingests(folder / "var" / "log", SystemClock(), metrics=lambda _: frozenset(metrics))
        await ingests._opening
        try:
            yield Reader(me, ingests, metrics)
        finally:
            await ingests.aclose()


async def test_before_the_first_event_each_page_says_what_will_stand_there(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        await who.shows("/usage", "No api_calls in the last 24 hours.", "Nothing was metered.")
        await who.shows("/events", "No event in the last 24 hours.", "Nothing came in yet.")
        await who.shows("/dead-letters", "Every event that was sent has been counted.")
        await who.shows("/completeness", "nothing can be proved")


async def test_usage_is_shown_by_the_customers_name_largest_first_and_as_a_sheet(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        acme = await customer(who.me.running, "Acme")
        mine = [now(f"a{number}", customerId=acme["id"], quantity=3) for number in range(3)]
        await who.send(*mine, now("b", customerId="=stranger"))
        await who.shows("/usage", "10 api_calls in the last 24 hours; Acme has 90.0 %.", "=stranger 1 10.0")
        await who.shows("/usage?span=hour", "10 api_calls in the last hour")
        await who.shows("/usage?span=month&group_by=status", "10 api_calls in the last 31 days")
        await who.shows(f"/usage?only={acme['id']}", "9 api_calls", "Customer is Acme")
        sheet = (await who.me.get("/usage.csv")).html
        assert f"{acme['id']},Acme,api_calls,9" in sheet
        assert "'=stranger" in sheet, "a spreadsheet takes a leading = for a formula"
        assert "=stranger" not in sheet.replace("'=stranger", "")


async def test_an_event_is_shown_whole_and_found_by_its_customer(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        acme = await customer(who.me.running, "Acme")
        await who.send(now("a", customerId=acme["id"], statusCode=201), now("b", customerId="nobody<script>"))
        await who.shows(
            "/events", "2 events in the last 24 hours.", "Acme", "201", '"idempotencyKey": "a"', "unattributed"
        )
        seen = await who.me.get(f"/events?customer={acme['id']}")
        assert "1 event in the last 24 hours." in seen.text
        assert "nobody" not in seen.text
        assert "<script>" not in (await who.me.get("/events")).html.replace('<script type="module"', "")
        assert "could not be read" in (await who.me.get("/events?cursor=nonsense")).text


async def test_dead_letters_name_their_reason_and_are_replayed_once_it_is_gone(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        await who.send(now("a", metricName="tokens"), now("b", metricName="tokens"), now("c", quantity=-1))
        await who.shows("/dead-letters", "3 events were refused and kept; the usual reason is unknown_metric.")
        refused = await who.me.post("/dead-letters/replay", {"code": "unknown_metric"})
        assert "0 events were counted, 0 had been already. 2 are refused still." in refused.text
        who.metrics.add("tokens")
        done = await who.me.post("/dead-letters/replay", {"code": "unknown_metric"})
        assert "2 events were counted" in done.text
        assert "1 event was refused and kept; the usual reason is invalid_quantity." in done.text
        await who.me.become(Role.VIEWER)
        assert "Replay needs the role operator" in (await who.me.get("/dead-letters")).text
        assert (await who.me.post("/dead-letters/replay", {})).status == 403


async def test_a_replay_while_the_edge_is_away_changes_nothing_and_says_so(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        await who.send(now("a", metricName="tokens"))
        await who.ingests.commands.aclose()
        failed = await who.me.post("/dead-letters/replay", {})
        assert failed.status == 503
        assert "Nothing was replayed. The edge does not answer. The dead letters are as they were." in failed.text


async def test_a_hole_is_named_with_its_numbers_on_both_pages(tmp_path: Path) -> None:
    async with reading(tmp_path) as who:
        numbered = [now(f"k{seq}", nodeId="kong-1", epoch=3, seq=seq) for seq in (0, 1, 2, 6)]
        await who.send(*numbered)
        await who.shows("/completeness", "4 of 7 numbered events are present: 3 missing.", "3 to 5", "kong-1 epoch 3")
        await who.shows("/usage", "3 events of 7 are missing.")
        await who.send(*(now(f"k{seq}", nodeId="kong-1", epoch=3, seq=seq) for seq in (3, 4, 5)))
        await who.shows("/completeness", "7 of 7 numbered events are present.")
