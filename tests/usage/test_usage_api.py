"""Usage over the api's own routes, with the edge's side of the same data folder beside it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aforo.accounts import Caller, Scope
from aforo.kit.clock import SystemClock, rfc3339
from aforo.usage import Answer, EventLog, EventQuery, Ingests
from tests.live import Aforo, aforo
from tests.usage.parts import event


class Both:
    """A wired api and the edge's side of usage, on one data folder."""

    def __init__(self, room: Aforo, ingests: Ingests) -> None:
        self.room = room
        self.ingests = ingests
        self.caller = Caller(room.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST, Scope.USAGE_READ}))

    async def send(self, *events: dict[str, Any]) -> Answer:
        raw = json.dumps({"events": events}).encode()
        return await self.ingests.of(self.caller).ingest(raw, self.caller)

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = await self.room.http.get(path, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def both(folder: Path) -> AsyncIterator[Both]:
    async with aforo(folder) as room:
        known = {"api_calls"}
        ingests = Ingests(folder / "var" / "log", SystemClock(), metrics=lambda _: frozenset(known))
        running = Both(room, ingests)
        known_tokens = await room.http.post("/api/v1/metrics", json={"name": "peak", "unit": "x", "aggregation": "MAX"})
        assert known_tokens.status_code == 201, known_tokens.text
        known.add("peak")
        yield running
        await ingests.aclose()


def now(key: str, **members: Any) -> dict[str, Any]:
    return event(key, **{"occurredAt": rfc3339(SystemClock().now()), **members})


async def eventually(true: Any, seconds: float = 5) -> Any:
    for _ in range(int(seconds * 20)):
        if found := await true():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("not in time")


async def test_usage_is_summed_up_within_a_second_by_each_metrics_own_way(tmp_path: Path) -> None:
    async with both(tmp_path) as running:
        await running.send(now("a", quantity=2), now("b", quantity="0.5"), now("c", metricName="peak", quantity=9))
        await running.send(now("d", metricName="peak", quantity=4))

        async def shown() -> Any:
            rows = (await running.get("/v1/usage", window="hour", group_by="customer"))["data"]
            return [(row["metric"], row["aggregation"], row["quantity"], row["customer"]) for row in rows]

        async def complete() -> bool:
            return len(await shown()) == 2 and (await shown())[1][2] == "9"

        await eventually(complete, 1)
        assert await shown() == [("api_calls", "SUM", "2.5", "cust_a"), ("peak", "MAX", "9", "cust_a")]
        minutes = (await running.get("/v1/usage", window="minute", metric="api_calls"))["data"]
        assert [row["quantity"] for row in minutes] in (["2.5"], ["2", "0.5"])
        for bad in ({"window": "week"}, {"group_by": "colour"}, {"timezone": "Mars/Olympus"}, {"from": "x"}):
            assert (await running.get("/v1/usage", 422, **bad))["code"] == "invalid"
        old = rfc3339(SystemClock().now() - timedelta(hours=60))
        assert (await running.get("/v1/usage", 422, window="minute", **{"from": old}))["code"] == "invalid"


async def test_a_letter_is_listed_and_replayed_once_its_metric_exists(tmp_path: Path) -> None:
    async with both(tmp_path) as running:
        assert (await running.send(now("a", metricName="tokens"), now("b", quantity=-1))).failed == 2
        listed = (await running.get("/v1/dead-letters", code="unknown_metric"))["data"]
        assert [letter["event"]["idempotencyKey"] for letter in listed] == ["a"]
        first = await running.get("/v1/dead-letters", limit=1)
        second = await running.get("/v1/dead-letters", limit=1, cursor=first["nextCursor"])
        assert second["nextCursor"] is None
        assert {first["data"][0]["code"], second["data"][0]["code"]} == {"unknown_metric", "invalid_quantity"}
        running.ingests.of(running.caller)._parts.metrics = lambda _: frozenset({"tokens"})
        replayed = await running.room.call("POST", "/v1/dead-letters/replay", {"code": "unknown_metric"})
        assert (replayed["accepted"], replayed["failed"]) == (1, 0)
        assert len((await running.get("/v1/dead-letters"))["data"]) == 1
        assert (await running.room.call("POST", "/v1/dead-letters/replay"))["failed"] == 1


async def test_completeness_names_the_hole(tmp_path: Path) -> None:
    async with both(tmp_path) as running:
        await running.send(*(now(f"k{n}", nodeId="k", epoch=1, seq=n) for n in (1, 2, 4)))
        await running.send(now("k4", nodeId="k", epoch=1, seq=4, quantity=1))

        async def certificate() -> Any:
            said = await running.get("/v1/completeness", customer="cust_a")
            return said if said["received"] == 3 else None

        said = await eventually(certificate)
        assert (said["complete"], said["missingCount"]) == (False, 1)
        (hole,) = said["nodes"][0]["missing"]
        assert (hole["first"], hole["last"]) == (3, 3)


HEAD = (
    "idempotencyKey,customerId,metricName,quantity,occurredAt,statusCode,metadata.region,metadata,credential.nativeId"
)
CSV = """credential.nativeId
a,cust_a,api_calls,1.5,{now},200,eu,,n1
b,cust_a,api_calls,-1,{now},,,,
"c,""1",cust_a,api_calls,2,{now},,,"{{""x"": 1}}",

a,cust_a,api_calls,1.5,{now},200,eu,,n1
d,cust_a,unheard,1,{now},,,,
"""


async def uploaded(running: Both, name: str, content: bytes) -> Any:
    answer = await running.room.http.post("/v1/ingest/upload", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    job = f"/api/v1/jobs/{answer.json()['jobId']}"

    async def ended() -> Any:
        said = await running.get(job)
        return said if said["state"] != "RUNNING" else None

    return await eventually(ended, 20)


async def test_a_file_is_taken_in_by_a_job_that_names_the_bad_rows(tmp_path: Path) -> None:
    async with both(tmp_path) as running:
        text = (HEAD + CSV).format(now=rfc3339(SystemClock().now())).encode()
        job = await uploaded(running, "usage.csv", text)
        report = job["result"]
        assert (report["accepted"], report["duplicates"], report["failed"]) == (2, 1, 2)
        assert [(row["line"], row["code"]) for row in report["badRows"]] == [
            (3, "invalid_quantity"), (7, "unknown_metric"),
        ]  # fmt: skip
        assert job["done"] == job["about"] == len(text)
        stored = EventLog(tmp_path / "var" / "log").page(running.caller, EventQuery()).data
        assert [(one["idempotencyKey"], json.loads(bytes(one["metadata"]))) for one in stored] == [
            ('c,"1', {"x": 1}), ("a", {"region": "eu"}),
        ]  # fmt: skip
        lines = b"\n".join(json.dumps(now(f"n{n}")).encode() for n in range(2500)) + b"\n{broken\n"
        report = (await uploaded(running, "more.ndjson", lines))["result"]
        assert (report["accepted"], report["failed"], report["badRows"][0]["line"]) == (2500, 1, 2501)
        assert (await uploaded(running, "more.ndjson", lines))["result"]["duplicates"] == 2500
        assert (await uploaded(running, "x.csv", b"name,colour\n1,2\n"))["error"]["code"] == "unreadable"
        assert [*(tmp_path / "var" / "uploads").iterdir()] == []
        wrong = await running.room.http.post("/v1/ingest/upload", files={"file": ("x.xml", b"<x/>")})
        assert wrong.status_code == 415
        assert (await running.room.http.post("/v1/ingest/upload", data={"file": "x"})).status_code == 422


async def test_the_stream_tells_events_as_they_come_and_goes_on_behind_the_last_one(tmp_path: Path) -> None:
    async with both(tmp_path) as running:
        await running.send(now("before"))
        log, query = EventLog(tmp_path / "var" / "log"), EventQuery(customer_id="cust_a")
        place = log.start(running.caller, query)
        assert log.behind(running.caller, query, place).events == []
        await running.send(now("a"), now("x", customerId="cust_b"), now("b"))
        await running.send(now("c"))
        found = log.behind(running.caller, query, place)
        assert [shown["idempotencyKey"] for _, shown in found.events] == ["a", "b", "c"]
        assert log.behind(running.caller, query, found.place).events == []
        for index, (cursor, _) in enumerate(found.events):
            again = log.behind(running.caller, query, log.start(running.caller, EventQuery(cursor=cursor)))
            assert [shown["idempotencyKey"] for _, shown in again.events] == ["a", "b", "c"][index + 1 :]
        rival = Caller("ten_rival", "rival", "k", running.caller.scopes)
        assert log.behind(rival, query, place).events == []
