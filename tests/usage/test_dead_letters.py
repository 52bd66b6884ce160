"""Refused events are kept with the reason, without secrets, within bounds, and can be sent again."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aforo.accounts import Caller
from aforo.kit.clock import HandClock
from aforo.kit.errors import Overloaded
from aforo.usage import Ingests
from aforo.usage.commands import EdgeLink
from aforo.usage.dead_letters import DeadLetters, LetterQuery, Replayed
from aforo.usage.decode import Request, reread
from aforo.usage.model import Answer, Rejection
from tests.usage.parts import CALLER, METRICS, OTHER, body, event, listed


def shown(letters: DeadLetters, caller: Caller = CALLER, **query: Any) -> list[tuple[str, Any]]:
    found = letters.page(caller, LetterQuery(**query))
    return [(one.code, json.loads(bytes(one.event)) if one.event is not None else None) for one in found]


async def test_each_refused_event_is_kept_with_its_reason_and_once(tmp_path: Path) -> None:
    ingests = Ingests(tmp_path / "log", HandClock(), metrics=lambda _: METRICS)
    taking = ingests.of(CALLER)
    unknown, negative = event("a", metricName="later"), event("b", quantity=-1)
    for _ in range(2):
        await taking.ingest(body(unknown, negative, event("c"), 7), CALLER)
    await taking.ingest(body(event("c", quantity=2)), CALLER)
    letters = DeadLetters(tmp_path / "deadletters.db")
    kept = letters.page(CALLER, LetterQuery())
    assert {one.code: one.times for one in kept} == {
        "idempotency_conflict": 1, "unreadable": 2, "invalid_quantity": 2, "unknown_metric": 2
    }  # fmt: skip
    assert kept[0].code == "idempotency_conflict"
    assert shown(letters, code="unknown_metric") == [("unknown_metric", unknown)]
    assert shown(letters, code="unreadable") == [("unreadable", None)]
    assert shown(letters, OTHER) == []
    pages = [kept[0]]
    while more := letters.page(CALLER, LetterQuery(limit=1, cursor=pages[-1].id)):
        pages += more
    assert pages == kept
    await ingests.aclose()


def stored(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_no_letter_holds_a_secret(tmp_path: Path) -> None:
    ingests = Ingests(tmp_path / "log", HandClock(), metrics=lambda _: METRICS)
    rows = [
        event("a", metricName="later", apiKey="hush", metadata={"password": "hush", "x": 1}, note="sk_live_hush"),
        event("b", quantity=-1, credential={"nativeId": "n"}, headers={"Authorization": "Bearer hush", "y": 2}),
        event("c", customerId=["x"], client_secret="hush"),
    ]
    await ingests.of(CALLER).ingest(body(*rows, "sk_live_hush"), CALLER)
    await ingests.aclose()
    assert b"hush" not in stored(tmp_path)
    kept = dict(shown(DeadLetters(tmp_path / "deadletters.db")))
    assert kept["unknown_metric"]["metadata"] == {"x": 1}
    assert kept["invalid_quantity"]["credential"]["nativeId"] == "n"
    assert kept["invalid_quantity"]["headers"] == {"y": 2}


async def test_a_replay_over_the_socket_sends_what_can_be_sent_by_now(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    known = {"api_calls"}
    ingests = Ingests(deep / "log", HandClock(), metrics=lambda _: frozenset(known))
    sent = body(event("a", metricName="later", metadata={"n": 1.10}), event("b", quantity=-1), event("c"))
    await ingests.of(CALLER).ingest(sent, CALLER)
    await ingests._opening
    edge, caller = EdgeLink(deep), msgspec.to_builtins(CALLER)
    assert oct((deep / "usage.sock").stat().st_mode)[-3:] == "600"

    async def replayed(**which: Any) -> Replayed:
        return await edge.ask(Replayed, "replay", **{"caller": caller, "ids": None, "code": None, **which})

    assert (await replayed()).failed == 2
    known.add("later")
    assert await replayed(code="invalid_time") == Replayed(0, 0, 0, [])
    assert (await replayed(caller=msgspec.to_builtins(OTHER))) == Replayed(0, 0, 0, [])
    assert await replayed(code="unknown_metric") == Replayed(1, 0, 0, [])
    letters = DeadLetters(deep / "deadletters.db")
    assert [code for code, _ in shown(letters)] == ["invalid_quantity"]
    (one,) = letters.page(CALLER, LetterQuery())
    again = await replayed(ids=[one.id])
    assert (again.failed, again.errors[0].code, one.times) == (1, "invalid_quantity", 2)
    assert {shown["idempotencyKey"] for shown in listed(deep / "log")} == {"a", "c"}
    assert await edge.ask(Answer, "ingest", json.dumps(event("c")).encode(), caller=caller) == Answer(0, 1, 0, [])
    with pytest.raises(Overloaded, match="does not know this command"):
        await edge.ask(Answer, "dance")
    await ingests.aclose()
    with pytest.raises(Overloaded, match="does not answer"):
        await edge.ask(Answer, "replay")


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "d.db", writes=True, most_bytes=20_000)
    for batch in range(30):
        raws = [json.dumps({"n": batch, "m": n, "fill": "x" * 80}).encode() for n in range(10)]
        letters.keep(CALLER, batch, reread(raws, tenant_id="ten_1"), [Rejection(n, "c", "e") for n in range(10)])
    letters.keep(OTHER, 1, reread([b"{}"], tenant_id="ten_2"), [Rejection(0, "c", "e")])
    kept = [one["n"] for _, one in shown(letters, limit=1000)]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == 29
    assert 40 < len(kept) < 80
    assert len(shown(letters, OTHER)) == 1
    letters.close()


def test_a_disk_that_takes_no_letter_asks_for_the_same_bytes_again(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "d.db", writes=True)
    letters.close()
    with pytest.raises(Overloaded):
        letters.keep(CALLER, 1, Request(odd=reread([b"{}"], tenant_id="t").odd), [Rejection(0, "c", "e")])
