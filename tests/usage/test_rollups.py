"""Sums follow from the log alone: exact, counted once, and the same whenever they are made again."""

import asyncio
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.accounts import Caller
from aforo.kit.clock import HandClock, SystemClock, rfc3339
from aforo.usage import Ingests
from aforo.usage.completeness import CompletenessLog
from aforo.usage.rules.cells import Sums
from aforo.usage.rules.windows import aggregated, whole_days, window_of
from aforo.usage.usage_query import UsageLog, UsageQuery
from tests.usage.parts import CALLER, METRICS, OTHER, body, event, listed

NOON = 1_795_348_800
DAY_NS = 24 * 3600 * 10**9
WEEK = (NOON * 10**9 - 7 * DAY_NS, NOON * 10**9 + DAY_NS)


async def taken(folder: Path, *batches: list[dict[str, Any]], caller: Caller = CALLER) -> None:
    """Batches through a whole edge's side of usage, closed again."""
    ingests = Ingests(folder / "log", HandClock(), metrics=lambda _: METRICS)
    for batch in batches:
        answer = await ingests.of(caller).ingest(body(*batch), caller)
        assert answer.failed == 0, answer.errors
    await ingests.aclose()


def dump(folder: Path) -> list[str]:
    db = sqlite3.connect(folder / "rollups.db")
    found = [*db.iterdump()]
    db.close()
    return found


def rows(folder: Path, caller: Caller = CALLER, aggregations: dict[str, str] | None = None, **query: Any) -> Any:
    asked = UsageQuery(**{"from_ns": WEEK[0], "to_ns": WEEK[1], **query})
    return UsageLog(folder).rows(caller, asked, aggregations or {})


def lose_rollups(folder: Path) -> None:
    for path in folder.glob("rollups.db*"):
        path.unlink()


quantities = st.decimals("0.000000001", "999999999999999", places=9) | st.integers(1, 10**15 - 1)
events = st.fixed_dictionaries(
    {
        "customerId": st.sampled_from(["a", "b"]),
        "metricName": st.sampled_from(sorted(METRICS)),
        "quantity": quantities.map(str),
        "minutes": st.integers(0, 8_000),
        "productId": st.sampled_from([None, "prod_1"]),
        "statusCode": st.sampled_from([None, 200, 204, 500]),
        "subscriptionId": st.sampled_from([None, "sub_1"]),
    }
)


_DAYS = NOON // 86_400
edges = st.lists(
    st.integers(NOON // 900 - 8 * 96, NOON // 900 + 1) | st.integers(_DAYS - 8, _DAYS).map(lambda day: day * 96),
    min_size=2,
    max_size=9,
    unique=True,
).map(sorted)


def sent(key: str, drawn: dict[str, Any]) -> dict[str, Any]:
    members = {name: value for name, value in drawn.items() if name != "minutes"}
    at = datetime.fromtimestamp(NOON - 60 * drawn["minutes"], UTC)
    return event(key, occurredAt=rfc3339(at), **members)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(events, min_size=1, max_size=6), min_size=1, max_size=5), edges)
def test_sums_are_exact_and_made_again_bit_by_bit(batches: list[list[dict[str, Any]]], edges: list[int]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked = [[sent(f"{n}-{m}", one) for m, one in enumerate(batch)] for n, batch in enumerate(batches)]
        asyncio.run(taken(folder, *asked, asked[0]))
        totals: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
        for one in (one for batch in asked for one in batch):
            totals[one["metricName"], one["customerId"]].append(Decimal(one["quantity"]))
        found = rows(folder, groups=("customer",), aggregations={"tokens": "MAX"})
        exact = {key: max(values) if key[0] == "tokens" else sum(values) for key, values in totals.items()}
        assert {(row["metric"], row["customer"]): Decimal(row["quantity"]) for row in found} == exact
        assert sum(row["events"] for row in found) == sum(map(len, asked))
        in_stretches = UsageLog(folder).uses("ten_1", edges[:-1], edges[-1])
        by_hand: dict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
        for one in (one for batch in asked for one in batch):
            quarter = int(datetime.fromisoformat(one["occurredAt"]).timestamp()) // 900
            if edges[0] <= quarter < edges[-1]:
                by_hand[bisect_right(edges, quarter) - 1, one["customerId"], one["metricName"]] += Decimal(
                    one["quantity"]
                )
        summed: dict[tuple[int, str, str], Decimal] = defaultdict(Decimal)
        for (stretch, named), some in in_stretches.items():
            summed[stretch, named.customer, named.metric] += Decimal(some.nanos).scaleb(-9)
        assert summed == by_hand
        span = (_DAYS - 8) * DAY_NS, (_DAYS + 1) * DAY_NS
        for window, groups in itertools.product((None, "day", "month"), ((), ("customer", "product", "subscription"))):
            by_day, by_quarter = (
                rows(folder, window=window, groups=groups, zone=ZoneInfo(zone), from_ns=span[0], to_ns=span[1])
                for zone in ("UTC", "Etc/GMT")
            )
            assert by_day == by_quarter != []
        first = dump(folder)
        lose_rollups(folder)
        asyncio.run(taken(folder))
        assert dump(folder) == first


async def test_a_sum_beyond_64_bits_stays_exact(tmp_path: Path) -> None:
    most = [event(str(n), quantity=10**15 - 1) for n in range(1000)]
    await taken(tmp_path, *([{**one, "idempotencyKey": f"{n}-{m}"} for m, one in enumerate(most)] for n in range(10)))
    assert rows(tmp_path)[0]["quantity"] == str((10**15 - 1) * 10_000)
    assert UsageLog(tmp_path).sums("ten_1", WEEK, {}) == {"api_calls": Decimal((10**15 - 1) * 10_000)}


async def test_groups_windows_and_filters(tmp_path: Path) -> None:
    at = "2026-11-22T11:{}:00Z"
    await taken(
        tmp_path,
        [
            event("a", occurredAt=at.format("00"), statusCode=200, productId="prod_1", subscriptionId="sub_1"),
            event("b", occurredAt=at.format("20"), statusCode=204, product="Pay"),
            event("c", occurredAt="2026-11-21T23:30:00Z", statusCode=500, customerId="b"),
            event("d", metricName="tokens", quantity="0.5", credential={"integrationId": "int_1", "nativeId": "n"}),
        ],
    )
    await taken(tmp_path, [event("x", quantity=50)], caller=OTHER)
    trial = Caller("ten_1", "acme", "key_9", CALLER.scopes, test=True)
    await taken(tmp_path, [event("y", quantity=70)], caller=trial)

    def shown(*names: str, **query: Any) -> list[list[Any]]:
        return [[row[name] for name in names] for row in rows(tmp_path, **query)]

    assert shown("metric", "quantity", "events") == [["api_calls", "3", 3], ["tokens", "0.5", 1]]
    assert shown("customer", "quantity", metric="api_calls", groups=("customer",)) == [["b", "1"], ["cust_a", "2"]]
    assert shown("status", "quantity", metric="api_calls", groups=("status",)) == [["2xx", "2"], ["5xx", "1"]]
    assert shown("product", metric="api_calls", groups=("product",)) == [[None], ["Pay"], ["prod_1"]]
    assert shown("credential", metric="tokens", groups=("credential",)) == [["int_1//n"]]
    assert shown("quantity", subscription="sub_1") == shown("quantity", product="prod_1") == [["1"]]
    days = [["2026-11-21T00:00:00Z", "1"], ["2026-11-22T00:00:00Z", "2"]]
    assert shown("window", "quantity", metric="api_calls", window="day") == days
    in_berlin = [["2026-11-21T23:00:00Z", "3"]]
    assert shown("window", "quantity", metric="api_calls", window="day", zone=ZoneInfo("Europe/Berlin")) == in_berlin
    minutes = [["2026-11-22T11:00:00Z", "1"], ["2026-11-22T11:20:00Z", "1"], ["2026-11-22T12:00:00Z", "0.5"]]
    since_eleven = (NOON - 3600) * 10**9
    assert shown("window", "quantity", window="minute", from_ns=since_eleven) == minutes
    assert shown("quantity", caller=OTHER) == [["50"]]
    assert shown("quantity", caller=trial) == [["70"]]
    bound = Caller("ten_1", "acme", "key_3", CALLER.scopes, customer_id="b")
    assert shown("quantity", caller=bound) == [["1"]]
    assert shown("quantity", caller=bound, customer="cust_a") == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "America/Asuncion", "UTC"])
def test_windows_begin_by_the_local_clock_and_divide_time(zone: str) -> None:
    place = ZoneInfo(zone)
    for window in ("hour", "day", "month"):
        before = 0
        for second in range(1_750_000_000 // 900 * 900, 1_750_000_000 + 400 * 86_400, 900 * 7):
            begins = window_of(second, window, place)
            assert before <= begins <= second
            local, now = datetime.fromtimestamp(begins, place), datetime.fromtimestamp(second, place)
            assert local.minute == 0
            assert (local.date() == now.date()) or window == "month"
            assert window == "hour" or local.hour in (0, 1)
            assert window != "month" or (local.day == 1 and local.month == now.month)
            before = begins


@given(edges)
def test_whole_days_and_the_quarters_around_them_are_a_stretch_and_no_day_lies_over_an_edge(edges: list[int]) -> None:
    days, quarters = whole_days(edges)
    covered = [quarter for first, behind in days + quarters for quarter in range(first, behind)]
    assert sorted(covered) == list(range(edges[0], edges[-1]))
    inside = range(-(-edges[0] // 96), edges[-1] // 96)
    uncut = {day for day in inside if not any(day * 96 < edge < (day + 1) * 96 for edge in edges)}
    assert {quarter // 96 for one in days for quarter in range(*one)} == uncut
    assert not [edge for one in days for edge in one if edge % 96]


def test_an_average_is_exact_to_nine_digits() -> None:
    assert aggregated(Sums(3, 10**9, 0), "AVG") == "0.333333333"
    assert aggregated(Sums(2, 1, 0), "AVG") == "0"
    assert aggregated(Sums(2, 3, 0), "AVG") == "0.000000002"
    assert aggregated(Sums(5, 7 * 10**9, 2 * 10**9), "MAX") == "2"
    assert aggregated(Sums(5, 7 * 10**9, 2 * 10**9), "COUNT") == "5"


CHILD = """
import asyncio, json, sys, time
from pathlib import Path
from aforo.usage import Ingests
from aforo.kit.clock import SystemClock, rfc3339
from tests.usage.parts import CALLER, body, event

async def main():
    clock, life = SystemClock(), sys.argv[2]
    ingests = Ingests(Path(sys.argv[1]) / "log", clock)
    for n in range(100_000):
        batch = [event(f"{life}-{n}-{m}", occurredAt=rfc3339(clock.now()), nodeId="k", epoch=life, seq=n * 50 + m + 1)
                 for m in range(50)]
        assert (await ingests.of(CALLER).ingest(body(*batch), CALLER)).accepted == 50
        print(n, flush=True)

asyncio.run(main())
"""


def live_and_die(folder: Path, life: int) -> None:
    command = [sys.executable, "-c", CHILD, str(folder), str(life)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        for _ in range(60 + 35 * life):
            assert child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)


async def test_killed_at_any_moment_every_event_is_summed_up_once(tmp_path: Path) -> None:
    for life in range(3):
        live_and_die(tmp_path, life)
    ingests = Ingests(tmp_path / "log", SystemClock())
    await ingests.aclose()
    stored = len(listed(tmp_path / "log", limit=1000))
    assert stored > 50 * 250
    hour = 3600 * 10**9
    now = int(SystemClock().now().timestamp()) * 10**9
    assert [row["events"] for row in rows(tmp_path, from_ns=now - hour, to_ns=now + hour)] == [stored]
    certificate = CompletenessLog(tmp_path).certificate(CALLER, None, (now - hour, now + hour))
    assert (certificate.complete, certificate.received, len(certificate.nodes)) == (True, stored, 3)
    first = dump(tmp_path)
    lose_rollups(tmp_path)
    await Ingests(tmp_path / "log", SystemClock()).aclose()
    assert dump(tmp_path) == first


def numbered(seq: int, node: str = "k", epoch: Any = 1) -> dict[str, Any]:
    at = datetime.fromtimestamp(NOON - 3600 + seq % 3000, UTC)
    return event(f"{node}/{epoch}/{seq}", occurredAt=rfc3339(at), nodeId=node, epoch=epoch, seq=seq)


def ranges(numbers: set[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


async def certified(folder: Path, count: int, dropped: set[int], repeated: list[int], seed: int, batch: int) -> Any:
    """What is said of numbers 1 to count after some were dropped, some repeated, and all reordered."""
    kept = [n for n in range(1, count + 1) if n not in dropped]
    order = [*kept, *(n for n in repeated if n not in dropped)]
    random.Random(seed).shuffle(order)
    parts = (order[start : start + batch] for start in range(0, len(order), batch))
    await taken(folder, *([numbered(n) for n in part] for part in parts))
    return CompletenessLog(folder).certificate(CALLER, "cust_a", WEEK)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 60).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.sets(st.integers(1, count - 1), max_size=8),
            st.lists(st.integers(1, count), max_size=8),
        )
    ),
    st.integers(0, 99),
)
def test_the_certificate_names_exactly_what_is_missing_and_what_came_again(
    case: tuple[int, set[int], list[int]], seed: int
) -> None:
    count, dropped, repeated = case
    with tempfile.TemporaryDirectory() as name:
        said = asyncio.run(certified(Path(name), count, dropped, repeated, seed, 7))
        assert (said.complete, said.received) == (not dropped, count - len(dropped))
        (node,) = said.nodes
        assert [(hole.first, hole.last) for hole in node.missing] == ranges(dropped)
        again = [n for n in repeated if n not in dropped]
        assert {one.seq: one.times for one in node.repeated} == {n: again.count(n) for n in again}
        assert (said.missing_count, node.duplicates) == (len(dropped), len(again))


async def test_a_number_with_another_event_is_told_and_other_periods_and_tenants_are_not_blamed(tmp_path: Path) -> None:
    await taken(tmp_path, [numbered(1), {**numbered(1), "idempotencyKey": "other"}, numbered(2), numbered(5)])
    await taken(tmp_path, [numbered(1, "n2", "7"), numbered(0, "n2", 8), event("unnumbered")])
    log = CompletenessLog(tmp_path)
    said = log.certificate(CALLER, None, WEEK)
    assert [(node.node, node.epoch, node.missing_count, node.duplicates) for node in said.nodes] == [
        ("k", "1", 2, 1), ("n2", "7", 0, 0), ("n2", "8", 0, 0),
    ]  # fmt: skip
    assert (said.received, said.complete) == (6, False)
    yesterday = (WEEK[0], WEEK[0] + DAY_NS)
    assert msgspec.to_builtins(log.certificate(CALLER, None, yesterday)) == {
        "complete": True, "received": 0, "missingCount": 0, "nodes": []
    }  # fmt: skip
    assert log.certificate(OTHER, None, WEEK).nodes == []
    assert log.certificate(CALLER, "stranger", WEEK).nodes == []


@pytest.mark.long
async def test_a_million_events_give_no_false_alarm(tmp_path: Path) -> None:
    said = await certified(tmp_path, 1_000_000, set(), [], 1, 1000)
    assert (said.complete, said.received, said.missing_count) == (True, 1_000_000, 0)
