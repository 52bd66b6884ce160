"""What may be said of a new API key."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aforo.kit.clock import HandClock
from tests.live import aforo

KEY = {"name": "ci", "scopes": ["usage:ingest"]}


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
        "2026-11-22T11:59:59Z",
        "2030-01-01T00:00:00",
        -1e300,
    ],
)
async def test_a_key_ends_at_a_moment_of_the_next_100_years_or_never(tmp_path: Path, moment: object) -> None:
    async with aforo(tmp_path, HandClock(datetime(2026, 11, 22, 12, tzinfo=UTC))) as running:
        refused = await running.call("POST", "/api/v1/api-keys", KEY | {"expiresAt": moment}, 422)
        assert [fault["pointer"] for fault in refused["errors"]] == ["/expiresAt"]
        for good in ("2026-11-22T13:00:01+01:00", None):
            await running.call("POST", "/api/v1/api-keys", KEY | {"expiresAt": good}, 201)


@pytest.mark.parametrize(
    ("member", "value"),
    [("name", ""), ("name", "n" * 201), ("scopes", []), ("scopes", ["admin"] * 7), ("customerId", "c" * 201)],
)
async def test_what_a_key_is_told_has_a_length(tmp_path: Path, member: str, value: object) -> None:
    async with aforo(tmp_path) as running:
        refused = await running.call("POST", "/api/v1/api-keys", KEY | {member: value}, 422)
        assert [fault["pointer"] for fault in refused["errors"]] == [f"/{member}"]
