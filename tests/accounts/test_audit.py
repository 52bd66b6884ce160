"""The audit trail only grows, and whoever changes it outside Aforo breaks its chain."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aforo.accounts.chain import GENESIS, Line, link, verify
from tests.console.visiting import visiting
from tests.live import aforo

SAID = st.tuples(*(st.text(max_size=8) for _ in range(5)))


def lines_of(said: list[tuple[str, ...]]) -> list[Line]:
    head, lines = GENESIS, []
    for number, (tenant, at, actor, action, subject) in enumerate(said, 1):
        head = link(head, tenant, at, actor, action, subject, "{}")
        lines.append(Line(number, tenant, at, actor, action, subject, "{}", head))
    return lines


@given(st.lists(SAID, min_size=1, max_size=8), st.data())
def test_any_single_change_inside_a_trail_is_found_where_it_was_made(
    said: list[tuple[str, ...]], data: st.DataObject
) -> None:
    lines = lines_of(said)
    assert verify(lines) == (len(lines), lines[-1].hash, None)
    place = data.draw(st.integers(0, len(lines) - 1))
    name = data.draw(st.sampled_from(["tenant_id", "at", "actor_id", "action", "subject", "hash"]))
    changed = [*lines[:place], lines[place]._replace(**{name: getattr(lines[place], name) + "x"}), *lines[place + 1 :]]
    broken = verify(changed).broken
    assert broken is not None
    assert broken.number == place + 1
    if place + 1 < len(lines):
        missing = verify([*lines[:place], *lines[place + 1 :]]).broken
        assert missing is not None
        assert missing.number == place + 2


async def test_the_database_refuses_to_change_or_forget_a_line(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        await running.call("POST", "/api/v1/metrics", {"name": "tokens", "unit": "x"}, 201)
        proof = await running.call("GET", "/api/v1/audit/proof")
        assert (proof["whole"], proof["brokenAt"]) == (True, None)
        db = sqlite3.connect(tmp_path / "var" / "records.db")
        for statement in ("UPDATE audit SET action = 'x'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(statement)
        db.close()


async def test_a_line_changed_past_the_database_is_named_by_number(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        for name in ("a", "b", "c"):
            await me.running.call("POST", "/api/v1/metrics", {"name": name, "unit": "x"}, 201)
        entries = (await me.running.call("GET", "/api/v1/audit"))["data"]
        number = entries[1]["number"]
        db = sqlite3.connect(tmp_path / "var" / "records.db", isolation_level=None)
        db.execute("DROP TRIGGER audit_never_changes")
        db.execute("UPDATE audit SET subject = 'other' WHERE number = ?", (number,))
        db.close()
        proof = await me.running.call("GET", "/api/v1/audit/proof")
        assert (proof["whole"], proof["brokenAt"]) == (False, number)
        assert f"The trail is broken at line {number}" in (await me.get("/audit")).text


async def test_the_trail_is_paged_filtered_and_exported(tmp_path: Path) -> None:
    async with visiting(tmp_path) as me:
        for number in range(5):  # i and l are letters of no id, so that no id is found by these names
            await me.running.call("POST", "/api/v1/metrics", {"name": f"mile{number}", "unit": "x"}, 201)
        first = await me.running.call("GET", "/api/v1/audit?limit=3")
        rest = await me.running.call("GET", f"/api/v1/audit?cursor={first['nextCursor']}")
        numbers = [one["number"] for one in [*first["data"], *rest["data"]]]
        assert numbers == sorted(numbers, reverse=True)
        assert len(set(numbers)) == len(numbers) >= 7
        found = (await me.running.call("GET", "/api/v1/audit?q=mile3"))["data"]
        assert [one["subject"] for one in found] == ["mile3"]
        assert "The trail is whole" in (await me.get("/audit?q=mile3")).text
        assert "mile4" not in (await me.get("/audit?q=mile3")).text
        sheet = (await me.get("/audit.csv")).html.splitlines()
        assert len(sheet) == len(numbers) + 1
