"""The stream that tells pages which of their parts have changed: whose, for whom, how many, and until when."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from aforo.accounts import SESSION_COOKIE, Caller, Scope
from aforo.app import live, problems
from aforo.app.api import create
from aforo.app.live.routes import PER_SESSION
from aforo.kit.clock import SystemClock
from aforo.usage import Ingests, UsageLog
from tests.live import Aforo, aforo
from tests.usage.test_usage_api import eventually, now

QUICK = 0.02


class Stream:
    """One open request, as a server would hold it."""

    def __init__(self, app: Any, cookie: str = "", last: str = "") -> None:
        self.status = 0
        self.text = ""
        self._gone = asyncio.Event()
        headers = [(b"accept", b"text/event-stream"), (b"host", b"aforo.test")]
        headers += [(b"cookie", f"{SESSION_COOKIE}={cookie}".encode())] if cookie else []
        headers += [(b"last-event-id", last.encode())] if last else []
        scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": live.ADDRESS, "raw_path": b"/live", "query_string": b"", "root_path": "",
            "headers": headers, "client": ("127.0.0.1", 1), "server": ("aforo.test", 80),
        }  # fmt: skip
        self._task = asyncio.create_task(app(scope, self._receive, self._send))

    @property
    def kinds(self) -> list[str]:
        return [line.removeprefix("data: ") for line in self.text.splitlines() if line.startswith("data: ")]

    @property
    def place(self) -> str:
        return [line.removeprefix("id: ") for line in self.text.splitlines() if line.startswith("id: ")][-1]

    async def has(self, words: str) -> None:
        await eventually(lambda: _soon(words in self.text))

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await self._task

    async def leave(self) -> None:
        self._gone.set()
        await self.ended()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"").decode()


async def _soon(true: bool) -> bool:
    return true


class House:
    """An app with nothing but the stream, that looks often, and the edge's side of usage."""

    def __init__(self, running: Aforo, ingests: Ingests) -> None:
        rooms = self.rooms = running.rooms
        self.tenant_id = running.tenant_id
        self._ingests = ingests
        self.app = FastAPI()
        self.pulse = live.Pulse(live.sources(rooms), every_seconds=QUICK)
        visitor, session = rooms.door.visitor, rooms.door.session
        self.app.include_router(live.router(self.pulse, visitor, session, beat_seconds=0.1, check_seconds=QUICK))
        problems.install(self.app, lambda request, fault: problems.answer(fault, request.url.path))
        self._sent = 0

    async def sign_in(self, tenant_id: str = "") -> str:
        accounts = self.rooms.accounts
        return await accounts.sign_in(await accounts.sign_in_token(tenant_id or self.tenant_id))

    async def use(self) -> None:
        self._sent += 1
        who = Caller(self.tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST}))
        await self._ingests.of(who).ingest(json.dumps({"events": [now(f"k{self._sent}")]}).encode(), who)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    async with aforo(folder) as running:
        ingests = Ingests(folder / "var" / "log", SystemClock(), metrics=lambda _: frozenset({"api_calls"}))
        await ingests._opening
        yield House(running, ingests)
        await ingests.aclose()


async def test_use_is_told_to_its_own_tenant_and_to_nobody_else(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        rival = await here.rooms.accounts.create_tenant("rival", "Rival")
        mine, theirs = Stream(here.app, await here.sign_in()), Stream(here.app, await here.sign_in(rival.id))
        await mine.has(": watching")
        await theirs.has(": watching")
        await here.use()
        await mine.has("data: usage")
        await theirs.has(": still there")
        assert (mine.kinds, theirs.kinds) == (["usage"], [])
        await mine.leave()
        await theirs.leave()


async def test_who_was_away_is_told_what_changed_meanwhile_and_everything_where_that_is_forgotten(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        cookie = await here.sign_in()
        stays, goes = Stream(here.app, cookie), Stream(here.app, cookie)
        await goes.has(": watching")
        await here.use()
        await goes.has("data: usage")
        await goes.leave()
        await here.use()
        await eventually(lambda: _soon(len(stays.kinds) == 2))
        back = Stream(here.app, cookie, last=goes.place)
        await back.has("data: usage")
        assert back.kinds == ["usage"]
        lost = Stream(here.app, cookie, last="of another day")
        await lost.has("data: letters")
        assert sorted(lost.kinds) == sorted(here.pulse.kinds)
        for stream in (stays, back, lost):
            await stream.leave()


async def test_what_changed_between_a_page_and_its_stream_is_told_when_the_stream_opens(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        drawn = await here.pulse.place(here.tenant_id)
        await here.use()
        summed = UsageLog(tmp_path / "var")
        await eventually(lambda: _soon(summed.events(here.tenant_id) == 1))
        stream = Stream(here.app, await here.sign_in(), last=drawn)
        await stream.has("data: usage")
        assert stream.kinds == ["usage"]
        await stream.leave()


async def test_the_stream_ends_with_the_session(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        cookie = await here.sign_in()
        stream = Stream(here.app, cookie)
        await stream.has(": watching")
        await here.rooms.accounts.sign_out(cookie)
        await stream.ended()


async def test_a_session_has_a_bounded_number_of_streams_and_one_that_left_makes_room(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        cookie = await here.sign_in()
        streams = [Stream(here.app, cookie) for _ in range(PER_SESSION)]
        for stream in streams:
            await stream.has(": watching")
        refused = Stream(here.app, cookie)
        await refused.ended()
        assert (refused.status, json.loads(refused.text)["code"]) == (429, "too_many_streams")
        other = Stream(here.app, await here.sign_in())
        await other.has(": watching")
        await streams.pop().leave()
        again = Stream(here.app, cookie)
        await again.has(": watching")
        for stream in (*streams, other, again):
            await stream.leave()


async def test_nobody_watches_without_a_session_and_nobody_looks_when_all_have_left(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        stranger = Stream(create(here.rooms))
        await stranger.ended()
        assert (stranger.status, json.loads(stranger.text)["code"]) == (401, "sign_in_needed")
        stream = Stream(here.app, await here.sign_in())
        await stream.has(": watching")
        assert any(task.get_name().startswith("pulse ") for task in asyncio.all_tasks())
        await stream.leave()
        await eventually(lambda: _soon(not any(task.get_name().startswith("pulse ") for task in asyncio.all_tasks())))
