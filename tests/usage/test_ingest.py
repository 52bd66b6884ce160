"""What becomes of each event of a request, whatever its bytes are."""

import asyncio
import gzip
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lz4.frame
import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from aforo.accounts import Caller
from aforo.accounts.errors import TenantMismatch
from aforo.kit.clock import HandClock
from aforo.kit.errors import AforoError, TooLarge, Unreadable
from aforo.usage.decode import read
from aforo.usage.errors import LogUnavailable, TooManyEvents, UnsupportedMedia
from aforo.usage.model import MAX_BODY_BYTES, Answer, Event, Refused
from aforo.usage.rules.event import Sent, Terms
from aforo.usage.rules.event import event as canonical
from tests.usage.parts import CALLER, OTHER, body, event, ingest, listed


async def answered(folder: Path, raw: bytes, caller: Caller = CALLER, **how: str) -> Answer:
    taking, log = ingest(folder)
    try:
        return await taking.ingest(raw, caller, **how)
    finally:
        await log.aclose()


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def codes(answer: Answer) -> list[str]:
    return [rejection.code for rejection in answer.errors]


async def test_one_bare_event_is_a_batch_of_one(tmp_path: Path) -> None:
    assert await answered(tmp_path, json.dumps(event("a")).encode()) == Answer(1, 0, 0, [])


async def test_an_empty_batch_is_accepted_and_an_empty_body_is_not(tmp_path: Path) -> None:
    assert await answered(tmp_path, b'{"events":[]}') == Answer(0, 0, 0, [])
    for empty in (b"", b" \n"):
        with pytest.raises(Unreadable):
            await answered(tmp_path, empty)
        with pytest.raises(Unreadable):
            await answered(tmp_path, empty, content_type="application/x-ndjson")


async def test_a_bad_row_never_sinks_its_batch(tmp_path: Path) -> None:
    rows = [
        event("a"), event("b", quantity=-1), event("c", customerId=None), 7, event("d", metricName="unheard_of"),
        event("e", occurredAt="yesterday"), event("f", customerId=["x"]), event("g", productType="TOASTER"), event("h"),
        event("i", occurredAt="2026-11-22T12:05:01Z"), event("j", occurredAt="2026-08-01T00:00:00Z"),
        event("k" * 1025), event("l", customerId="c" * 65), event("m", metadata={"x": "y" * 16_400}),
        event("n", metadata=[1]), event("o", customerId="system"), event("p", seq=2**64), event("", quantity=1),
    ]  # fmt: skip
    answer = await answered(tmp_path, body(*rows))
    assert (answer.accepted, answer.duplicates, answer.failed) == (2, 0, 16)
    assert dict(zip([one.index for one in answer.errors], codes(answer), strict=True)) == {
        1: "invalid_quantity", 2: "missing_member", 3: "unreadable", 4: "unknown_metric", 5: "invalid_time",
        6: "invalid_member", 7: "invalid_member", 9: "timestamp_in_future", 10: "too_late", 11: "invalid_member",
        12: "invalid_member", 13: "metadata_too_large", 14: "invalid_metadata", 15: "invalid_member",
        16: "invalid_member", 17: "missing_member",
    }  # fmt: skip
    assert [shown["idempotencyKey"] for shown in listed(tmp_path)] == ["h", "a"]


async def test_lines_are_events_and_a_broken_line_is_one_failed_event(tmp_path: Path) -> None:
    lines = b"\n".join(
        [json.dumps(event("a")).encode(), b"", b'{"half":', b"\xff\xfe", json.dumps(event("b")).encode()]
    )
    answer = await answered(tmp_path, lines + b"\r\n", content_type="application/x-ndjson; charset=utf-8")
    assert (answer.accepted, codes(answer)) == (2, ["unreadable", "unreadable"])


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("ZSTD", zstandard.compress), ("lz4", lz4.frame.compress)]
)
async def test_packed_bodies_are_unpacked(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    raw = body(*(event(f"{n}") for n in range(800)))
    assert (await answered(tmp_path, pack(raw), encoding=encoding)).accepted == 800
    half = len(pack(raw)) // 2
    for broken in (pack(raw)[:half], pack(raw)[:-1], b"\0" + pack(raw), b"junk"):
        with pytest.raises(Unreadable):
            await answered(tmp_path, broken, encoding=encoding)


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress), ("lz4", lz4.frame.compress)]
)
async def test_a_bomb_is_too_large_and_the_limit_itself_is_not(
    tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    full = body(event("a")).ljust(MAX_BODY_BYTES)
    assert (await answered(tmp_path, pack(full), encoding=encoding)).accepted
    with pytest.raises(TooLarge):
        await answered(tmp_path, pack(full + b" "), encoding=encoding)
    with pytest.raises(TooLarge):
        await answered(tmp_path, pack(bytes(200 * 1024 * 1024)), encoding=encoding)


async def test_unknown_encodings_and_types_are_named(tmp_path: Path) -> None:
    for encoding, media in (("br", ""), ("", "text/csv")):
        with pytest.raises(UnsupportedMedia):
            await answered(tmp_path, body(event("a")), encoding=encoding, content_type=media)


async def test_1000_events_are_taken_and_1001_are_not(tmp_path: Path) -> None:
    rows = [event(str(n)) for n in range(1001)]
    assert (await answered(tmp_path / "a", body(*rows[:1000]))).accepted == 1000
    for raw, media in (
        (body(*rows), ""),
        (body(*rows[:1000], {"odd": 1}), ""),
        (b"\n".join(json.dumps(row).encode() for row in rows), "application/x-ndjson"),
    ):
        with pytest.raises(TooManyEvents):
            await answered(tmp_path / "b", raw, content_type=media)
    assert listed(tmp_path / "b") == []


async def test_nan_and_infinity_refuse_their_own_event_only(tmp_path: Path) -> None:
    answer = await answered(
        tmp_path, body(event("a"), event("b", quantity=float("nan")), event("c", cost=float("inf")))
    )
    assert (answer.accepted, codes(answer)) == (1, ["invalid_quantity", "invalid_cost"])


async def test_huge_numbers_are_refused_exactly_and_kept_exactly_in_metadata(tmp_path: Path) -> None:
    raw = body(event("a", quantity="@"), event("b", metadata={"n": "@", "big": 10**30})).replace(b'"@"', b"1e400")
    answer = await answered(tmp_path, raw)
    assert (answer.accepted, codes(answer)) == (1, ["invalid_quantity"])
    assert bytes(listed(tmp_path)[0]["metadata"]) == b'{"big":%d,"n":1E+400}' % 10**30


async def test_deep_nesting_is_an_answer(tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    with pytest.raises(Unreadable):
        await answered(tmp_path, deep)
    with pytest.raises(Unreadable):
        await answered(tmp_path, body(event("a", metadata="@")).replace(b'"@"', b'{"x":' + deep + b"}"))
    shallow = b"[" * 300 + b"]" * 300
    answer = await answered(tmp_path, body(event("a", metadata="@")).replace(b'"@"', b'{"key":' + shallow + b"}"))
    assert codes(answer) == ["invalid_metadata"]


async def test_lone_surrogates_and_bytes_that_are_not_utf8_refuse_their_own_event(tmp_path: Path) -> None:
    rows = [event("a"), event("b", customerId="@"), event("c", metadata={"x": "@"}), event("d", colour="@")]
    for odd in (b"\\ud800", b"\xff"):
        answer = await answered(tmp_path / odd.hex(), body(*rows).replace(b"@", odd))
        assert (answer.accepted, answer.failed) == (1, 3)


async def test_of_duplicate_members_the_last_counts(tmp_path: Path) -> None:
    raw = json.dumps(event("a")).encode().replace(b'"quantity": 1', b'"quantity": 1, "quantity": 2')
    await answered(tmp_path, raw)
    assert listed(tmp_path)[0]["quantity"] == "2"


async def test_unknown_members_become_metadata_and_secrets_are_dropped(tmp_path: Path) -> None:
    sent = event(
        "a", colour="red", apiKey="S3CRET", inputTokens=7, metadata={"client_secret": "S3CRET", "deep": {"x": 1.10}},
        nested=[{"Authorization": "S3CRET"}, "sk_live_S3CRET"], credential={"type": "key", "secret": "S3CRET"},
    )  # fmt: skip
    await answered(tmp_path, body(sent))
    assert b"S3CRET" not in stored(tmp_path)
    assert b"inputTokens" in stored(tmp_path)
    metadata = json.loads(bytes(listed(tmp_path)[0]["metadata"]))
    assert metadata == {"colour": "red", "inputTokens": 7, "deep": {"x": 1.1}, "nested": [{}]}


async def test_an_empty_lua_table_is_an_empty_object(tmp_path: Path) -> None:
    assert (await answered(tmp_path, body(event("a", metadata=[]), event("b", metadata={})))).accepted == 2
    assert [bytes(shown["metadata"]) for shown in listed(tmp_path)] == [b"{}", b"{}"]


async def test_every_known_member_comes_back(tmp_path: Path) -> None:
    sent = event(
        "a", quantity="2.50", productType="API", endpointPath="/v1/pay", httpMethod="POST", statusCode="200",
        responseTimeMs=12.5, executionStatus="success", traceId=12, sessionId="s", agentId="g", toolName="t",
        executionDurationMs=3, sessionBoundary=True, productId="prod_1", integrationId="int_1",
        credential={"integrationId": "int_1", "type": "consumer", "nativeId": "n"}, subscriptionId="sub_1",
        decisionId="dec_1", leaseId="lease_1", nodeId="node", epoch=3, seq=9, cost=0.25,
        trace={"traceparent": "00-1", "tracestate": None},
    )  # fmt: skip
    assert codes(await answered(tmp_path, body(sent))) == []
    (shown,) = listed(tmp_path)
    changed = {"quantity": "2.5", "statusCode": 200, "executionStatus": "SUCCESS", "traceId": "12", "cost": "0.25"}
    for name, value in {**sent, **changed}.items():
        if name not in ("trace", "metadata"):
            assert shown[name] == value, name
    assert shown["trace"] == {"traceparent": "00-1", "tracestate": None, "xTraceId": None, "xRequestId": None}
    assert shown["id"].startswith("evt_")


async def test_the_older_agent_form_is_mapped_and_only_identical_bytes_are_its_duplicate(tmp_path: Path) -> None:
    row = {"metricKey": "api_calls", "value": 3, "timestamp": 1795348800000, "agentId": "agent-7"}
    raw = body(row, row)
    taking, log = ingest(tmp_path)
    assert await taking.ingest(raw, CALLER) == Answer(2, 0, 0, [])
    assert await taking.ingest(raw, CALLER) == Answer(0, 2, 0, [])
    assert await taking.ingest(raw + b" ", CALLER) == Answer(2, 0, 0, [])
    bound = Caller("ten_1", "acme", "key_3", CALLER.scopes, customer_id="cust_b")
    assert await taking.ingest(body(row, {}), bound) == Answer(
        1, 0, 1, (await taking.ingest(body(7, {}), bound)).errors[1:]
    )
    await log.aclose()
    shown = listed(tmp_path)
    assert [one["customerId"] for one in shown] == ["cust_b"] + ["agent-7"] * 4
    assert shown[-1]["quantity"] == "3"
    assert shown[-1]["idempotencyKey"] == hashlib.sha256(b"ten_1\0" + raw + b"\x000").hexdigest()


def cloud_event(key: str, **members: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": "api_calls", "subject": "cust_a", "source": "/kong/1", "id": key,
        "time": "2026-11-22T12:00:00Z", "data": {"quantity": 2, "statusCode": 200}, **members,
    }  # fmt: skip


async def test_cloud_events_are_read_alone_and_in_batches(tmp_path: Path) -> None:
    one, many = "application/cloudevents+json", "application/cloudevents-batch+json; charset=utf-8"
    raw = json.dumps(cloud_event("a", region="eu")).encode()
    assert await answered(tmp_path, raw, content_type=one) == Answer(1, 0, 0, [])
    rows = [cloud_event("a", region="eu"), cloud_event("b"), cloud_event("c", data="x"), cloud_event("d", source=None)]
    answer = await answered(tmp_path, json.dumps(rows).encode(), content_type=many)
    assert (answer.accepted, answer.duplicates, codes(answer)) == (1, 1, ["unreadable", "missing_member"])
    second, first = listed(tmp_path)
    assert (first["metricName"], first["customerId"], first["quantity"]) == ("api_calls", "cust_a", "2")
    assert (first["idempotencyKey"], first["statusCode"]) == ("/kong/1 a", 200)
    assert bytes(first["metadata"]) == b'{"region":"eu"}'
    assert (second["idempotencyKey"], bytes(second["metadata"])) == ("/kong/1 b", b"{}")
    for wrong, media in ((b"{}x", one), (raw, many)):
        with pytest.raises(Unreadable):
            await answered(tmp_path, wrong, content_type=media)


async def test_a_bound_key_speaks_for_its_customer_only(tmp_path: Path) -> None:
    bound = Caller("ten_1", "acme", "key_3", CALLER.scopes, customer_id="cust_b")
    answer = await answered(
        tmp_path, body(event("a"), event("b", customerId=None), event("c", customerId="cust_b")), bound
    )
    assert (answer.accepted, codes(answer)) == (2, ["customer_mismatch"])


async def test_a_body_that_names_another_tenant_is_refused(tmp_path: Path) -> None:
    for name in ("tenant_id", "tenantId"):
        for row in (event("a"), {"odd": 1}):
            with pytest.raises(TenantMismatch):
                await answered(tmp_path, json.dumps({"events": [row], name: "rival"}).encode())
    assert (await answered(tmp_path, json.dumps({"events": [event("a")], "tenant_id": "acme"}).encode())).accepted == 1


async def test_a_retry_is_a_duplicate_and_other_content_a_conflict_also_after_a_restart(tmp_path: Path) -> None:
    first = body(event("a"), event("b"), event("a"), event("b", quantity=2))
    answer = await answered(tmp_path, first)
    assert (answer.accepted, answer.duplicates, codes(answer)) == (2, 1, ["idempotency_conflict"])
    taking, log = ingest(tmp_path)
    answer = await taking.ingest(first, CALLER)
    assert (answer.accepted, answer.duplicates, codes(answer)) == (0, 3, ["idempotency_conflict"])
    assert (await taking.ingest(body(event("a", metadata={})), CALLER)).duplicates == 1
    await log.aclose()
    assert len(listed(tmp_path)) == 2


async def test_the_same_key_of_two_tenants_is_two_events(tmp_path: Path) -> None:
    taking, log = ingest(tmp_path)
    assert [(await taking.ingest(body(event("a")), who)).accepted for who in (CALLER, OTHER)] == [1, 1]
    await log.aclose()
    assert len(listed(tmp_path)) == len(listed(tmp_path, OTHER)) == 1


async def test_a_duplicate_is_answered_only_once_its_original_is_durable(tmp_path: Path) -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow_sync(_handle: int) -> None:
        begun.set()
        gate.wait()

    taking, log = ingest(tmp_path, sync=slow_sync)
    first, second = (asyncio.create_task(taking.ingest(body(event("a")), CALLER)) for _ in range(2))
    await asyncio.to_thread(begun.wait)
    done, _ = await asyncio.wait({first, second}, timeout=0.1)
    assert not done
    gate.set()
    assert sorted([(await first).duplicates, (await second).duplicates]) == [0, 1]
    await log.aclose()


async def test_a_failed_sync_refuses_the_batch_and_its_duplicates_and_a_retry_counts_once(tmp_path: Path) -> None:
    failing = [True]

    def sync(handle: int) -> None:
        if failing[0]:
            raise OSError(5, "I/O error")
        os.fdatasync(handle)

    taking, log = ingest(tmp_path, sync=sync)
    outcomes = await asyncio.gather(
        *(taking.ingest(body(event("a")), CALLER) for _ in range(2)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LogUnavailable, LogUnavailable]
    assert listed(tmp_path) == []
    failing[0] = False
    assert await taking.ingest(body(event("a")), CALLER) == Answer(1, 0, 0, [])
    await log.aclose()
    assert len(listed(tmp_path)) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from([*event(""), "metadata", "credential", "trace", "seq", "epoch", "cost", "metricKey", "value"])


@settings(max_examples=200)
@given(st.lists(st.dictionaries(members, json_values, max_size=8) | json_values, max_size=4), st.randoms())
def test_any_json_gives_one_outcome_for_each_row(rows: list[Any], random: Any) -> None:
    raw = json.dumps({"events": rows}, ensure_ascii=random.random() < 0.5).encode(errors="surrogatepass")
    _each_row_has_one_outcome(raw, len(rows))


@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from(["", "application/x-ndjson"]), st.integers(0, 200))
def test_any_bytes_are_an_answer(noise: bytes, media: str, cut: int) -> None:
    for raw in (noise, body(event("a"))[:cut] + noise):
        try:
            request = read(raw, media, tenant_id="ten_1")
        except AforoError:
            continue
        assert all(row is not None for row in request.rows)


def _each_row_has_one_outcome(raw: bytes, count: int) -> None:
    terms = Terms(1_795_348_800 * 10**9, None, lambda _: True)
    outcomes: list[Event | Refused] = []
    for row in read(raw, "", tenant_id="ten_1").rows:
        try:
            outcomes.append(row if isinstance(row, Refused) else canonical(*row, terms))
        except Refused as refusal:
            outcomes.append(refusal)
    assert len(outcomes) == count


def test_the_clock_of_these_tests_is_where_the_events_say() -> None:
    assert HandClock().now().timestamp() == 1_795_348_800


def test_an_ordinary_event_is_read_in_one_typed_pass() -> None:
    """The other way reads member by member and costs several times as much."""
    sent = event("a", metadata={"x": [1]}, cost=1.5, statusCode=200, trace={"xTraceId": None}, responseTimeMs=1)
    read_at_once = msgspec.json.decode(json.dumps(sent), type=Sent)
    assert bytes(read_at_once.metadata) == b'{"x": [1]}'
    assert bytes(read_at_once.cost) == b"1.5"
