"""Enforcement at a gateway as a browser without scripts reads it and presses its buttons."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from aforo.accounts import SESSION_COOKIE, Role
from tests.artifacts.test_switching import buyer, calls
from tests.artifacts.workshop import Workshop, workshop
from tests.console.visiting import Visitor


@contextlib.asynccontextmanager
async def visiting(folder: Path, *, kong: bool = False) -> AsyncIterator[tuple[Workshop, Visitor, str]]:
    """The tenant's administrator, signed in, and the page's address."""
    async with workshop(folder, kong=kong) as shop:
        accounts = shop.running.rooms.accounts
        cookie = await accounts.sign_in(await accounts.sign_in_token(shop.tenant_id))
        session = await accounts.session(cookie)
        assert session is not None
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(shop.app),
            base_url="http://aforo.test",
            cookies={SESSION_COOKIE: cookie},
            headers={"accept": "text/html"},
            follow_redirects=True,
        ) as http:
            yield shop, Visitor(shop.running, http, session.csrf), f"/integrations/{shop.integration_id}/enforcement"


async def test_an_operator_deploys_watches_enforces_pauses_and_leaves(tmp_path: Path) -> None:
    async with visiting(tmp_path, kong=True) as (shop, me, page):
        before = shop.gateway.state()
        assert f'href="{page}"' in (await me.get(f"/integrations/{shop.integration_id}")).html
        first = await me.get(page)
        assert "Nothing of Aforo runs inside this gateway" in first.text
        assert first.primaries == 1
        steps = await me.post(f"{page}/preview")
        assert "somebody's hook of pay runs after ours" in steps.text
        assert (steps.path.split("?")[0], steps.primaries) == (f"{page}/steps", 1)
        assert shop.gateway.state() == before
        attached = await me.post(f"{page}/deploy", {"attach": "yes"})
        assert (attached.path, attached.primaries) == (page, 1)
        assert "Calls pass through it. It observes: nobody is refused." in attached.text

        _, key = await buyer(shop, "1")
        async with shop.edge() as edge:
            await calls(shop, edge, key, 3)
            asked = await me.get(f"{page}/ask/enforce")
            assert "2 calls would have been refused in the last 7 days: 2 calls of 1 customer." in asked.text
            assert "quota_exceeded" in asked.text
            refused = await me.post(f"{page}/do/enforce", {"reason": " "})
            assert (refused.status, "Reason is required" in refused.text) == (422, True)
            assert "It enforces" in (await me.post(f"{page}/do/enforce", {"reason": "agreed"})).text
            assert await calls(shop, edge, key, 1) == [429]
            paused = await me.post(f"{page}/do/pause", {"reason": "checkout <b>fails</b>"})
            assert "checkout <b>fails</b>" in paused.text
            assert "<b>fails</b>" not in paused.html
            assert await calls(shop, edge, key, 1) == [200]
            assert "It enforces" in (await me.post(f"{page}/do/resume")).text
            proven = await me.post(f"{page}/verify", {"url": "https://gateway.example/pay"})
            assert "The call became an event" in proven.text
        assert "Nothing of Aforo runs" in (await me.post(f"{page}/do/detach", {"reason": "enough"})).text
        assert shop.gateway.state() == before
        reasons = [
            entry["detail"].get("reason")
            for entry in (await shop.running.call("GET", "/api/v1/audit"))["data"]
            if entry["action"].startswith("artifact.")
        ]
        assert {"agreed", "enough", "checkout <b>fails</b>"} <= set(reasons)


async def test_what_broke_off_stands_on_the_page_with_what_to_do(tmp_path: Path) -> None:
    async with visiting(tmp_path) as (shop, me, page):
        await shop.verb("deploy")
        shop.gateway.forbidden = "hook search"
        failed = await me.post(f"{page}/attach")
        assert "The toy says no to hook search." in failed.text
        told = await me.get(page)
        assert "Attach is not finished." in told.text
        assert "The toy says no to hook search." in told.text


async def test_who_may_only_read_sees_no_button_and_can_press_none(tmp_path: Path) -> None:
    async with visiting(tmp_path) as (_, me, page):
        await me.become(Role.VIEWER)
        seen = await me.get(page)
        assert seen.primaries == 0
        assert "needs the role operator" in seen.text
        assert (await me.post(f"{page}/deploy")).status == 403
        assert (await me.post(f"{page}/do/detach", {"reason": "x"})).status == 403


@pytest.mark.long
async def test_addresses_of_nothing_lead_nowhere(tmp_path: Path) -> None:
    async with visiting(tmp_path) as (shop, me, page):
        assert (await me.get(page.replace(shop.integration_id, "int_none"))).status == 404
        assert (await me.get(f"{page}/steps?job=job_none")).status == 404
        assert (await me.get(f"{page}/steps")).path == page
