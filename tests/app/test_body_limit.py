"""No body is read beyond its path's limit, whoever sends it and whatever it claims to be."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from aforo.app.body_limit import limit_bytes
from tests.live import aforo

MIB = 1024 * 1024


class Stream(httpx2.AsyncByteStream):
    """Sends MiB after MiB, without telling how many, and counts those that were taken."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.parts):
            self.taken += 1
            yield b" " * MIB


@pytest.mark.parametrize(
    ("path", "mib", "kind"),
    [
        ("/api/v1/api-keys", 1, "application/json"),
        ("/api/v1/integrations", 6, "application/json"),
        ("/sign-in", 1, "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("extra", [{}, {"Idempotency-Key": "k"}])
async def test_a_strangers_endless_body_is_refused_at_the_limit(
    tmp_path: Path, path: str, mib: int, kind: str, extra: dict[str, str]
) -> None:
    async with aforo(tmp_path, edge_port=9) as running:
        del running.http.headers["Authorization"]
        endless = Stream(1000)
        answer = await running.http.post(path, content=endless, headers={"Content-Type": kind, **extra})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.headers["content-type"] == "application/problem+json"
        assert endless.taken == mib + 1


async def test_what_is_forwarded_to_the_edge_is_not_read_from_a_stranger_at_all(tmp_path: Path) -> None:
    async with aforo(tmp_path, edge_port=9) as running:
        del running.http.headers["Authorization"]
        endless = Stream(1000)
        answer = await running.http.post("/v1/ingest", content=endless, headers={"Content-Type": "application/json"})
        assert (answer.status_code, endless.taken) == (401, 0)


@pytest.mark.parametrize(
    ("path", "mib"), [("/integrations/new", 6), ("/api/v1/integrations/int_1", 6), ("/integrations-not", 1), ("/x", 1)]
)
def test_settings_with_a_whole_kong_file_have_room(path: str, mib: int) -> None:
    assert limit_bytes(path) == mib * MIB


async def test_a_declared_size_over_the_limit_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        endless = Stream(1000)
        headers = {"Content-Type": "application/json", "Content-Length": str(2 * MIB)}
        answer = await running.http.post("/api/v1/api-keys", content=endless, headers=headers)
        assert (answer.status_code, endless.taken) == (413, 0)


async def test_a_body_just_within_the_limit_is_read(tmp_path: Path) -> None:
    async with aforo(tmp_path) as running:
        body = b'{"name": "k", "scopes": ["usage:read"]}'.rjust(MIB)
        answer = await running.http.post("/api/v1/api-keys", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201
