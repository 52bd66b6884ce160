"""The columns' way and the row's way say the same of every event, only at different speeds."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aforo.usage import record
from aforo.usage.decode import read
from aforo.usage.digest import Digester
from aforo.usage.model import Event, Refused
from aforo.usage.rules.columns import of_events, of_sent, rows
from aforo.usage.rules.event import Sent, Terms
from aforo.usage.rules.event import event as canonical
from aforo.usage.rules.metadata import metadata, metadatas
from aforo.usage.rules.moment import from_number, from_text
from aforo.usage.rules.moments import moments
from tests.usage.parts import body, event

TERMS = Terms(1_795_348_800 * 10**9, None, lambda metric: metric in ("api_calls", "tokens"))
DIGESTER = Digester(7)

changes = st.fixed_dictionaries(
    {},
    optional={
        "customerId": st.sampled_from(["a", "", "c" * 64, "c" * 65, "system", None]),
        "metricName": st.sampled_from(["tokens", "unheard", "system.beat"]),
        "quantity": st.sampled_from([1, 0, -1, 2.5, "3", "0.000000001", "1e3", 10**15, 10**15 - 1, "x", None]),
        "occurredAt": st.sampled_from(
            ["2026-11-22T11:59:59.123Z", "2026-11-22T11:59:60.000Z", "2026-11-31T11:59:59.123Z", 1795348800000, "no",
             "2026-11-22T13:59:59.1+02:00", "2026-11-22T13:59:59.9-02:00", "2026-11-22T12:04:59.000Z", 1795348800123]
        ),
        "statusCode": st.sampled_from([200, 404, None, 2**70]),
        "productType": st.sampled_from(["API", "api", "TOASTER"]),
        "executionStatus": st.sampled_from(["SUCCESS", None]),
        "endpointPath": st.sampled_from(["/a", "", "/" * 2048, "/" * 2049]),
        "credential": st.sampled_from([{"nativeId": "n"}, None, {"type": "t" * 2049}]),
        "trace": st.sampled_from([{"xTraceId": "x"}, None]),
        "epoch": st.sampled_from([1, "1", None]),
        "seq": st.sampled_from([1, -1, None, 2**63]),
        "responseTimeMs": st.sampled_from([1, 1.0, 2.5]),
        "sessionBoundary": st.sampled_from([True, "end"]),
        "cost": st.sampled_from([0, "0.5", -1, None]),
        "metadata": st.sampled_from(
            [{}, [], None, {"b": 1, "a": 1.10}, {"apiKey": "x", "y": 1}, {"z": "Bearer x"}, {"\u00e9": [1, {"p": 0}]}]
        ),
    },
)  # fmt: skip


def sents(changed: list[dict[str, Any]]) -> list[Sent]:
    found = read(body(*(event(str(n), **one) for n, one in enumerate(changed))), "", tenant_id="t").sents
    return found or []


def judged(sent: Sent) -> Event | None:
    try:
        return canonical(sent, {}, TERMS)
    except Refused:
        return None


@settings(max_examples=300)
@given(st.lists(changes, min_size=1, max_size=5))
@example([{"metadata": {}}, {"metadata": {"a": 1}}])
@example([{"occurredAt": "2026-11-22T11:59:59.123Z"}, {"occurredAt": "2026-11-31T11:59:59.123Z"}])
def test_columns_of_sound_events_are_those_of_the_events_judged_one_by_one(changed: list[dict[str, Any]]) -> None:
    asked = sents(changed)
    if not asked:
        return
    columns, events = of_sent(asked, TERMS), [judged(sent) for sent in asked]
    if columns is None:
        return
    sound = [one for one in events if one is not None]
    assert len(sound) == len(events)
    assert [*rows(columns)] == [*rows(of_events(sound))]
    assert DIGESTER.of("t", columns) == DIGESTER.of("t", of_events(sound))


def test_ordinary_events_take_the_columns_way() -> None:
    ordinary = [
        {"customerId": f"c{n}", "occurredAt": f"2026-11-22T11:{n % 60:02d}:59.{n:03d}Z", "quantity": n + 1,
         "statusCode": 200 + n, "endpointPath": f"/{n}", "metadata": {"region": "eu", "n": n}, "seq": n, "nodeId": "k"}
        for n in range(100)
    ]  # fmt: skip
    assert of_sent(sents(ordinary), TERMS) is not None
    assert of_sent(sents([{**one, "quantity": f"{n}.5"} for n, one in enumerate(ordinary)]), TERMS) is not None
    assert of_sent(sents([{**one, "occurredAt": 1795348800000 + n} for n, one in enumerate(ordinary)]), TERMS)


@settings(max_examples=100)
@given(st.lists(changes, min_size=1, max_size=5), st.randoms())
def test_an_events_digest_is_the_same_in_whatever_company_it_comes(changed: list[dict[str, Any]], random: Any) -> None:
    events = [one for one in map(judged, sents(changed)) if one is not None]
    if not events:
        return
    together = DIGESTER.of("t", of_events(events))
    alone = [DIGESTER.of("t", of_events([one])) for one in events]
    assert together.contents == [one.contents[0] for one in alone]
    assert together.keys == [one.keys[0] for one in alone]


@settings(max_examples=100)
@given(st.lists(changes, min_size=1, max_size=5))
def test_a_frame_gives_back_the_events_that_were_put_in(changed: list[dict[str, Any]]) -> None:
    events = [one for one in map(judged, sents(changed)) if one is not None]
    if not events:
        return
    columns = of_events(events)
    digests = DIGESTER.of("ten_1", columns)
    back = record.decode(record.encode("ten_1", 5, columns, digests))
    assert back is not None
    assert (back.tenant_id, back.received_ns, back.count) == ("ten_1", 5, len(events))
    assert [repr(one) for one in back.events()] == [repr(one) for one in events]
    assert back.digests() == digests


def test_a_frame_of_the_first_version_is_still_read() -> None:
    """Bytes that 0.1.0 wrote: kind 1, an array of events."""
    old = bytes.fromhex("0105") + b"ten_1" + (5).to_bytes(8, "little") + (1).to_bytes(4, "little")
    old += bytes.fromhex("dd00000001dc001f") + b"\xa1c\xa9api_calls\x01\x00\x05\xa1k" + b"\xc0" * 24 + b"\xc4\x00"
    back = record.decode(old)
    assert back is not None
    assert back.events() == [Event("c", "api_calls", 1, 0, 5, "k")]
    assert [*back.column("metric_name")] == ["api_calls"]
    assert back.digests() is None


@settings(max_examples=200)
@given(st.lists(st.sampled_from([
    "2026-11-22T12:00:00Z", "2026-11-22T12:00:59Z", "2026-11-22T12:00:60Z", "2024-02-29T23:59:59Z",
    "2025-02-29T23:59:59Z", "2026-11-22t12:00:00Z", "2026-11-22T12:00:00.1Z", "2026-11-22T12:00:00.123456789Z",
    "2026-11-22T12:00:00.123456780+05:30", "2026-11-22T12:00:00.999456780-05:30", "2026-11-22T24:00:00Z", "é",
]), min_size=1, max_size=4))  # fmt: skip
def test_times_read_at_once_are_those_read_one_by_one(texts: list[str]) -> None:
    found = moments([json.dumps(text, ensure_ascii=False).encode() for text in texts])
    if found is not None:
        assert found == [from_text(text) for text in texts]


def test_times_of_one_form_are_read_at_once() -> None:
    for form in ("2026-11-22T12:{}:00Z", "2026-11-22T12:{}:00.123456789+05:30", "2026-11-22T12:{}:59.5-02:00"):
        texts = [form.format(f"{n:02d}") for n in range(60)]
        assert moments([b'"%s"' % text.encode() for text in texts]) == [from_text(text) for text in texts]
    assert moments([b"1795348800000", b"1795348800001"]) == [from_number("1795348800000"), from_number("1795348800001")]
    assert moments([b"1795348800000", b"179534880000x"]) is None


@given(st.lists(st.sampled_from([
    b"{}", b"[]", b"null", b'{"a":1}', b'{ "b" : 1.10, "a":2}', b'{"api_key":"x"}', b'{"x":"sk_live_1"}',
    b'{"x":"rk_test_1"}', b'{"x":"Bearer y"}', b'{"pass-word":1}', b'{"x":"\\u0073k_live_1"}', b'{"n":1e400}',
]), min_size=1))  # fmt: skip
def test_metadata_read_at_once_is_that_read_one_by_one(raws: list[bytes]) -> None:
    assert metadatas(raws) == {raw: metadata(raw, {}) for raw in raws}


@pytest.mark.parametrize("name", ["apiKey", "pass_word", "clientSecret", "Authorization"])
def test_secrets_in_metadata_are_dropped(name: str) -> None:
    raw = json.dumps({name: "hush", "x": 1}).encode()
    assert metadatas([raw])[raw] == b'{"x":1}'
