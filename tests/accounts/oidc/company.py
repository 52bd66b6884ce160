"""Aforo's accounts, whose people sign in at an OpenID provider, and one person's browser on them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
from fastapi import FastAPI

import aforo.accounts
from aforo.accounts import SESSION_COOKIE, Accounts, Door, People, pages, routes, settings_pages
from aforo.accounts.oidc import open_company_sign_in
from aforo.accounts.people_sql import PeopleStore
from aforo.accounts.sql import AccountStore
from aforo.app import console, problems
from aforo.app.company_sign_in import company_setting
from aforo.app.records import upgrade
from aforo.app.settings import Settings
from aforo.app.web.render import Render
from aforo.kit.clock import HandClock
from aforo.kit.db import Database
from aforo.kit.secretbox import MasterKeys, SecretBox
from tests.accounts.oidc.provider import CLIENT, Provider, provider

COOKIE = "aforo_oidc"


@dataclass
class Company:
    """`api` holds an admin key; `http` is somebody's browser, without a session yet."""

    accounts: Accounts
    people: People
    tenant_id: str
    app: FastAPI
    at: Provider
    clock: HandClock
    api: httpx2.AsyncClient = field(init=False)
    http: httpx2.AsyncClient = field(init=False)

    def browser(self) -> httpx2.AsyncClient:
        """Another browser on the same console."""
        transport, headers = httpx2.ASGITransport(self.app), {"accept": "text/html"}
        return httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers)

    async def call(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.api.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def invite(self, email: str = "ada@acme.example", role: str = "operator") -> dict[str, Any]:
        made: dict[str, Any] = await self.call("POST", "/api/v1/users", {"name": "Ada", "email": email, "role": role})
        return made

    async def start(self, where: str = "/", http: httpx2.AsyncClient | None = None) -> dict[str, str]:
        """What the provider is asked when somebody presses the button."""
        answer = await (http or self.http).get("/sign-in/oidc/start", params={"next": where})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(f"{self.at.url}/authorize?")
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def back(self, query: dict[str, str], http: httpx2.AsyncClient | None = None) -> httpx2.Response:
        """The person agrees, and the provider sends the browser back."""
        parts = urlsplit(self.at.back(query))
        return await (http or self.http).get(f"{parts.path}?{parts.query}")

    async def sign_in(self, where: str = "/", http: httpx2.AsyncClient | None = None) -> httpx2.Response:
        return await self.back(await self.start(where, http), http)

    async def is_let_in(self) -> None:
        """Signing in with a browser of its own ends in a session."""
        async with self.browser() as http:
            answer = await self.sign_in(http=http)
        assert (answer.status_code, SESSION_COOKIE in answer.cookies) == (303, True), answer.text

    async def is_refused(self, words: str, status: int = 401) -> None:
        """Signing in with a browser of its own ends on the sign-in page with these words, and without a session."""
        async with self.browser() as http:
            answer = await self.sign_in(http=http)
        assert (answer.status_code, SESSION_COOKIE in answer.cookies) == (status, False), answer.text
        assert words in answer.text.replace("&#39;", "'"), answer.text

    async def audit(self) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = (await self.call("GET", "/api/v1/audit"))["data"]
        return told


@asynccontextmanager
async def company(folder: Path, **settings: Any) -> AsyncIterator[Company]:
    """The accounts room alone, on records of its own, wired as the app wires it."""
    clock = HandClock()
    with provider(lambda: clock.now().timestamp()) as at:
        told = {"oidc_issuer": at.url, "oidc_client_id": CLIENT[0], "oidc_client_secret": CLIENT[1]}
        chosen = Settings(data_dir=folder / "var", **{**told, "oidc_name": "Acme ID", **settings})
        chosen.data_dir.mkdir(parents=True)
        shutil.copy(_records(), chosen.records_path)
        db = Database(chosen.records_path)
        one, key = await _wired(chosen, db, at, clock)
        headers = {"authorization": f"Bearer {key}"}
        transport = httpx2.ASGITransport(one.app)
        one.api = httpx2.AsyncClient(transport=transport, base_url="http://aforo.test", headers=headers)
        async with one.api, one.browser() as one.http:
            yield one
        await db.aclose()


async def _wired(settings: Settings, db: Database, at: Provider, clock: HandClock) -> tuple[Company, str]:
    accounts, store = Accounts(AccountStore(db), clock), PeopleStore(db)
    key = await accounts.ensure_first()
    assert key
    people = People(store, accounts, clock, passwords=settings.password_sign_in)
    box = SecretBox(MasterKeys.load_or_create(settings.key_path))
    company = open_company_sign_in(company_setting(settings), store, accounts, box, clock)
    door, home, app = Door(accounts), settings.base_url, FastAPI()
    render = _render()
    problems.install(app, lambda request, fault: console.fail(render, request, fault))
    app.include_router(pages.router(accounts, people, company, door, render.page, home=home))
    app.include_router(routes.router(accounts, people, door.caller, home=home))
    parts = settings_pages.Parts(accounts, people, company, door.visitor, render.page, home, clock)
    app.include_router(settings_pages.router(parts))
    return Company(accounts, people, (await accounts.tenants())[0].id, app, at, clock), key


@cache
def _records() -> Path:
    """Empty records of the newest schema, made once."""
    made = Path(mkdtemp()) / "records.db"
    upgrade(made)
    return made


@cache
def _render() -> Render:
    return Render([("accounts", Path(aforo.accounts.__file__).parent / "templates")])
