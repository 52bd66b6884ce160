"""Segments go into history while everything goes on, and rows of it can be reduced; sums and certificates stay."""

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aforo.accounts import Caller
from aforo.app import backup
from aforo.app.records import upgrade
from aforo.kit.clock import HandClock, SystemClock, rfc3339
from aforo.kit.secretbox import MasterKeys
from aforo.usage import EventLog, EventQuery, Ingests
from aforo.usage.commands import EdgeLink
from aforo.usage.completeness import CompletenessLog
from aforo.usage.erasing import Erased
from aforo.usage.errors import LogDamaged, LogUnavailable
from aforo.usage.history import history_path, keeper, no_moves
from aforo.usage.segment_log import LogReader, Position
from aforo.usage.segment_log.frame import HEAD
from aforo.usage.segment_log.manifest import load, segment_path
from tests.usage.parts import CALLER, METRICS, OTHER, body, event, listed
from tests.usage.test_rollups import NOON, WEEK, dump, lose_rollups, rows
from tests.usage.test_usage_api import eventually

TEST = Caller("ten_1", "acme", "key_t", CALLER.scopes, test=True)
MIDDLE = (NOON - 60 * 1_000) * 10**9
SENT = [
    [event("a-1", customerId="a", statusCode=204, endpointPath="/a", nodeId="n1", epoch=1, seq=1, cost="0.25")],
    [event("b-1", customerId="b", metadata={"who": "Ada"}, nodeId="n1", epoch=1, seq=2, quantity="2.5")],
    [event("a-2", customerId="a", metricName="tokens", quantity=7, trace={"xRequestId": "r"}, nodeId="n1", seq=4,
           epoch=1),
     event("c-1", customerId="c", responseTimeMs=1.0)],
]  # fmt: skip


def opened(folder: Path) -> Ingests:
    return Ingests(folder / "log", HandClock(), metrics=lambda _: METRICS)


async def sent(ingests: Ingests, batch: list[dict[str, Any]], caller: Caller = CALLER) -> tuple[int, int]:
    answer = await ingests.of(caller).ingest(body(*batch), caller)
    assert answer.failed == 0, answer.errors
    return answer.accepted, answer.duplicates


async def filled(folder: Path) -> Ingests:
    """Three closed segments, the last one with a retry behind its events; the numbers 3 of node n1 is missing."""
    ingests = opened(folder)
    for batch in SENT:
        assert await sent(ingests, batch) == (len(batch), 0)
        if batch is SENT[-1]:
            assert await sent(ingests, SENT[0]) == (0, 1)
        await ingests.logs["live"].rotate()
    return ingests


async def brought(ingests: Ingests) -> None:
    """Everything that is closed by now stands in history."""
    await erased(ingests, customers=["nobody"])


async def caught_up(ingests: Ingests) -> None:
    """Keys are in files and sums are made of all that is durable."""
    log = ingests.logs["live"]
    ends = [Position(one.number, one.length) for one in log.manifest.closed]
    end = log.durable_end if log.durable_end.offset > HEAD.size else max(ends)

    async def reached() -> bool:
        await ingests._dedupes["live"].seal()
        return ingests._sums.position("live") >= end

    await eventually(reached, 30)


async def erased(ingests: Ingests, tenant: str = "ten_1", customers: Any = ("a",)) -> Erased:
    await ingests._opening
    link = EdgeLink(ingests.letters._path.parent)
    return await link.ask(Erased, "erase", tenant=tenant, customers=customers)


def shown(folder: Path) -> list[Any]:
    return listed(folder / "log", limit=2)


def certificate(folder: Path) -> Any:
    return CompletenessLog(folder).certificate(CALLER, None, WEEK)


def text_of(path: Path) -> bytes:
    """Everything that a file of history says."""
    table = pq.read_table(path)
    return b"".join(str(column.to_string(window=1_000)).encode() for column in table.columns)


def assert_nothing_is_left(folder: Path) -> None:
    """Of what was sent with customer a's events, in any file of the folder; Parquet is looked at column by column."""
    assert not [*folder.rglob("*.torn")]
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = text_of(path) if path.suffix == ".parquet" else path.read_bytes()
        for left in (b"a-1", b"a-2", b'"/a"', b"/test", b"customerId"):
            assert left not in content, (path, left)


async def test_nothing_that_reads_the_log_notices_that_it_went_into_history(tmp_path: Path) -> None:
    ingests = await filled(tmp_path)
    before = shown(tmp_path)
    frames = [(frame.position, frame.end) for n in (1, 2, 3) for frame in LogReader(tmp_path / "log/live").forwards(n)]
    await brought(ingests)
    manifest = load(tmp_path / "log" / "live")
    assert len(manifest.closed) >= 3
    assert {one.history for one in manifest.closed} == {1}
    assert [*(tmp_path / "log" / "live").glob("*.log")] == [segment_path(tmp_path / "log" / "live", manifest.open)]
    assert shown(tmp_path) == before
    assert len(before) == 4
    reader = LogReader(tmp_path / "log" / "live")
    assert [(frame.position, frame.end) for n in (1, 2, 3) for frame in reader.forwards(n)] == frames
    assert await sent(ingests, SENT[1]) == (0, 1)
    await ingests.aclose()
    summed = dump(tmp_path)
    lose_rollups(tmp_path)
    ingests = opened(tmp_path)
    assert await sent(ingests, SENT[2]) == (0, 2)
    await ingests.aclose()
    made = dump(tmp_path)
    again = [line for line in summed if "position" not in line and "repeated" not in line]
    assert [line for line in made if "position" not in line and "repeated" not in line] == again


FILTERS: list[dict[str, Any]] = [
    {}, {"customer_id": "cust_2"}, {"metric": "tokens"}, {"product": "prod_1"}, {"product": "shop"},
    {"from_ns": MIDDLE}, {"to_ns": MIDDLE}, {"customer_id": "cust_1", "metric": "api_calls", "from_ns": MIDDLE},
]  # fmt: skip


async def test_every_page_is_the_same_from_history_as_from_the_log(tmp_path: Path) -> None:
    chance = random.Random(3)
    ingests = opened(tmp_path)
    for n in range(40):
        batch = [
            event(
                f"{n}-{m}", customerId=f"cust_{chance.randrange(3)}", metricName=chance.choice(["tokens", "api_calls"]),
                productId=chance.choice([None, "prod_1"]), product="shop", quantity=chance.randrange(1, 99),
                occurredAt=rfc3339(HandClock().now() - timedelta(minutes=chance.randrange(2_000))),
            )
            for m in range(chance.randrange(1, 9))
        ]  # fmt: skip
        await sent(ingests, batch, chance.choice([CALLER, CALLER, OTHER]))
        if chance.random() < 0.15:
            await ingests.logs["live"].rotate()
    log = tmp_path / "log"

    def pages() -> list[Any]:
        asked = [{**one, "limit": limit} for one in FILTERS for limit in (3, 100)]
        return [listed(log, caller, **one) for one in asked for caller in (CALLER, OTHER)]

    before = pages()
    middle = EventLog(log).page(CALLER, EventQuery(limit=70)).next_cursor
    rest = listed(log, cursor=middle)
    await brought(ingests)
    assert pages() == before
    assert len(before[0]) > 100
    assert len(rest) > 30
    assert listed(log, cursor=middle) == rest, "a cursor of the log is one of history"
    few = EventLog(log, page_bytes=1).page(CALLER, EventQuery(customer_id="nobody"))
    assert few.data == []
    assert few.next_cursor is not None, "one page looks into so many files only"
    await ingests.aclose()


async def test_what_has_not_been_read_by_all_stays_a_log(tmp_path: Path) -> None:
    reached = {"live": (2, 0)}
    ingests = Ingests(tmp_path / "log", HandClock(), metrics=lambda _: METRICS, counted=lambda: reached)
    for batch in SENT:
        await sent(ingests, batch)
        await ingests.logs["live"].rotate()
    await caught_up(ingests)
    assert await ingests._history["live"].compact() == 1
    assert [one.history for one in load(tmp_path / "log" / "live").closed] == [1, 0, 0]
    await ingests.aclose()


async def test_what_is_in_the_way_once_does_not_end_the_keeping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "_PAUSE_SECONDS", 0.05)
    asked = 0

    def counted() -> dict[str, tuple[int, int]]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise sqlite3.OperationalError("database is locked")
        return {"live": (9, 0)}

    ingests = Ingests(tmp_path / "log", HandClock(), metrics=lambda _: METRICS, counted=counted)
    await sent(ingests, SENT[0])
    await ingests.logs["live"].rotate()
    await caught_up(ingests)

    async def moved() -> bool:
        return all(one.history for one in load(tmp_path / "log" / "live").closed)

    await eventually(moved)
    await ingests.aclose()
    assert asked >= 3


async def test_erasure_takes_what_tells_of_a_customer_and_leaves_what_counts(tmp_path: Path) -> None:
    ingests = await filled(tmp_path)
    await sent(ingests, [event("x", customerId="a")], OTHER)
    await sent(ingests, [event("t", customerId="a", endpointPath="/test")], TEST)
    refused = await ingests.of(CALLER).ingest(body(event("q", customerId="a", quantity=-1)), CALLER)
    assert refused.failed == 1
    (tmp_path / "log" / "live" / "000000000009.torn").write_bytes(b"rest")
    await caught_up(ingests)
    sums, proof = rows(tmp_path, groups=("customer",)), certificate(tmp_path)
    assert await erased(ingests) == Erased(3, 1)
    assert await erased(ingests) == Erased(0)
    assert [one["customerId"] for one in shown(tmp_path)] == ["c", "b"]
    assert [one["customerId"] for one in listed(tmp_path / "log", OTHER)] == ["a"]
    assert listed(tmp_path / "log", TEST) == []
    assert rows(tmp_path, groups=("customer",)) == sums
    assert certificate(tmp_path) == proof
    assert await sent(ingests, SENT[0]) == (0, 1), "an erased event's key is still known"
    await ingests.aclose()
    assert_nothing_is_left(tmp_path)
    cells = [line for line in dump(tmp_path) if '"cells"' in line or '"days"' in line]
    lose_rollups(tmp_path)
    ingests = opened(tmp_path)
    assert await sent(ingests, SENT[0]) == (0, 1)
    await ingests.aclose()
    assert [line for line in dump(tmp_path) if '"cells"' in line or '"days"' in line] == cells


async def test_retention_reduces_by_the_time_of_the_event(tmp_path: Path) -> None:
    ingests = opened(tmp_path)
    await sent(ingests, [event("old", occurredAt="2026-11-20T00:07:09.5Z"), event("new")])
    await caught_up(ingests)
    sums = rows(tmp_path)
    limit = int(HandClock().now().timestamp()) * 10**9 - 24 * 3600 * 10**9
    await brought(ingests)
    found = await EdgeLink(tmp_path).ask(Erased, "retention", tenant="ten_1", beforeNs=limit)
    assert found == Erased(1)
    assert [one["idempotencyKey"] for one in shown(tmp_path)] == ["new"]
    assert rows(tmp_path) == sums
    await ingests.aclose()


async def test_a_backup_takes_history_with_it_and_nothing_moves_meanwhile(tmp_path: Path) -> None:
    var, new = tmp_path / "var", tmp_path / "new"
    var.mkdir()
    upgrade(var / "records.db")
    MasterKeys.load_or_create(tmp_path / "key")
    ingests = await filled(var)
    before = shown(var)
    with no_moves(var):
        moving = asyncio.create_task(brought(ingests))
        await asyncio.sleep(1.5)
        assert not moving.done()
        assert {one.history for one in load(var / "log" / "live").closed} == {0}
    await moving
    backup.back_up(var, tmp_path / "key", tmp_path / "aforo.tar", SystemClock())
    await ingests.aclose()
    backup.restore(tmp_path / "aforo.tar", new, tmp_path / "key", SystemClock())
    assert shown(new) == before
    ingests = opened(new)
    assert await sent(ingests, SENT[0]) == (0, 1)
    assert await sent(ingests, [event("more")]) == (1, 0)
    await ingests.aclose()
    assert len(shown(new)) == len(before) + 1


async def test_a_crash_between_naming_and_removing_leaves_one_truth(tmp_path: Path) -> None:
    ingests = await filled(tmp_path)
    log = segment_path(tmp_path / "log" / "live", 1)
    kept = log.read_bytes()
    before = shown(tmp_path)
    await brought(ingests)
    await ingests.aclose()
    log.write_bytes(kept)
    stray = history_path(tmp_path / "log" / "live", 2, 7)
    stray.write_bytes(b"half")
    ingests = opened(tmp_path)
    assert not log.exists()
    assert not stray.exists()
    assert shown(tmp_path) == before
    await ingests.aclose()


async def test_a_damaged_segment_is_not_brought_into_history_and_stays(tmp_path: Path) -> None:
    ingests = await filled(tmp_path)
    await caught_up(ingests)
    log = segment_path(tmp_path / "log" / "live", 1)
    bad = bytearray(log.read_bytes())
    bad[-3] ^= 1
    log.write_bytes(bad)
    with pytest.raises(LogUnavailable, match="damaged at byte 32"):
        await ingests._history["live"].compact()
    assert log.read_bytes() == bad
    assert not [*history_path(log.parent, 1, 1).parent.glob("*")]
    await ingests.aclose()


def test_the_child_ends_when_its_edge_is_gone(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "aforo.usage.history.work", str(tmp_path)], stdin=subprocess.PIPE, env=os.environ
    )
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(20) != 0


async def test_a_reader_that_began_before_a_segment_moved_reads_on(tmp_path: Path) -> None:
    ingests = await filled(tmp_path)
    reader = LogReader(tmp_path / "log" / "live")
    walk = reader.backwards()
    first = next(walk)
    await brought(ingests)
    rest = [frame.position for frame in walk]
    every = [frame.position for frame in reader.backwards()]  # a retry may have been noted meanwhile
    assert [first.position, *rest] == [place for place in every if place <= first.position]
    history_path(tmp_path / "log" / "live", 1, 1).unlink()
    with pytest.raises(LogDamaged, match="Segment 1 of the usage log is missing"):
        [*reader.forwards(1)]
    await ingests.aclose()
