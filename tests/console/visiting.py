"""A person's browser without scripts: follows links and sends forms with what the page gave them."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from aforo.accounts import SESSION_COOKIE, Role
from aforo.kit.clock import Clock
from tests.live import Aforo, aforo

_PATIENCE_SECONDS = 60
"""How long work behind a page may take; far beyond what it takes on a busy machine."""


_SUMMING = "being summed up"
"""What a page says where figures will stand in a moment."""


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements = 0
        self.words: list[str] = []
        self.forms: list[dict[str, Any]] = []
        self.primaries = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1
        told = {name: value or "" for name, value in attrs}
        self._hidden += tag in ("title", "style", "script")
        self.primaries += {"button", "primary"} <= set(told.get("class", "").split())
        if tag == "form":
            self.forms.append({"action": told.get("action", ""), "method": told.get("method", "get"), "fields": []})
        elif tag in ("input", "textarea", "select") and self.forms and "name" in told:
            unticked = told.get("type") in ("checkbox", "radio") and "checked" not in told
            if not unticked:
                self.forms[-1]["fields"].append((told["name"], told.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("title", "style", "script")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


@dataclass
class Seen:
    """A page as it was answered."""

    status: int
    path: str
    html: str
    headers: dict[str, str]

    def __post_init__(self) -> None:
        self._parsed = _Seen()
        self._parsed.feed(self.html)

    @property
    def text(self) -> str:
        """The words on the page, spaces folded."""
        return re.sub(r"\s+", " ", " ".join(self._parsed.words)).replace(" .", ".").replace(" ,", ",")

    @property
    def elements(self) -> int:
        return self._parsed.elements

    @property
    def primaries(self) -> int:
        return self._parsed.primaries

    @property
    def compressed(self) -> int:
        return len(gzip.compress(self.html.encode(), compresslevel=6, mtime=0))

    def form(self, action: str) -> dict[str, list[str]]:
        """What the form with this action would send if nobody touched it."""
        found = next(form for form in self._parsed.forms if form["action"] == action)
        fields: dict[str, list[str]] = {}
        for name, value in found["fields"]:
            fields.setdefault(name, []).append(value)
        return fields


@dataclass
class Visitor:
    """Somebody who is signed in."""

    running: Aforo
    http: httpx2.AsyncClient
    csrf: str

    async def get(self, path: str, *, until_done: bool = True) -> Seen:
        """A page, redirects followed; a page of work that runs is reloaded as it asks for, unless told otherwise."""
        return await self._seen(await self.http.get(path), until_done)

    async def post(
        self, path: str, data: dict[str, Any] | None = None, csrf: str | None = None, *, until_done: bool = True
    ) -> Seen:
        """The page that answers a form; reloaded as `get` does."""
        token = self.csrf if csrf is None else csrf
        return await self._seen(await self.http.post(path, data={"csrf_token": token, **(data or {})}), until_done)

    async def become(self, role: Role) -> None:
        async with self.running.rooms.db.write() as connection:
            await connection.execute(text("UPDATE users SET role = :role"), {"role": role.value})

    async def _seen(self, answer: httpx2.Response, until_done: bool) -> Seen:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while until_done and ("refresh" in answer.headers or _SUMMING in answer.text):
                await asyncio.sleep(0.1)
                answer = await self.http.get(answer.url)
        return Seen(answer.status_code, answer.url.raw_path.decode(), answer.text, dict(answer.headers))


@asynccontextmanager
async def visiting(folder: Path, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Visitor]:
    """A wired app, and its administrator signed in by link."""
    async with aforo(folder, clock, **settings) as running:
        accounts = running.rooms.accounts
        cookie = await accounts.sign_in(await accounts.sign_in_token(running.tenant_id))
        session = await accounts.session(cookie)
        assert session is not None
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(running.app),
            base_url="http://aforo.test",
            cookies={SESSION_COOKIE: cookie},
            headers={"accept": "text/html"},
            follow_redirects=True,
        ) as http:
            yield Visitor(running, http, session.csrf)
