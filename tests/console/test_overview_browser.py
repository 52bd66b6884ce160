"""The console's front in a real browser: figures renew themselves, and the palette finds things by key."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from aforo.accounts import Caller, Scope
from aforo.kit.clock import SystemClock
from aforo.usage import Ingests
from tests.console.test_browser_flow import Walk, browser, console, running, walk
from tests.live import emulated
from tests.usage.test_usage_api import now

__all__ = ["browser", "console", "running", "walk"]

pytestmark = pytest.mark.browser


class Edge:
    """The edge's side of usage, on a loop of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ingests: Ingests) -> None:
        self._loop = loop
        self._ingests = ingests
        self._sent = 0

    def use(self, tenant_id: str, quantity: int) -> None:
        self._sent += 1
        raw = json.dumps({"events": [now(f"k{self._sent}", quantity=quantity)]}).encode()
        who = Caller(tenant_id, "t", "key_1", frozenset({Scope.USAGE_INGEST}))
        asyncio.run_coroutine_threadsafe(self._ingests.of(who).ingest(raw, who), self._loop).result(10)


@contextmanager
def edge(folder: Path) -> Iterator[Edge]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> Ingests:
        ingests = Ingests(folder / "log", SystemClock(), metrics=lambda _: frozenset({"api_calls"}))
        await ingests._opening
        return ingests

    ingests = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    yield Edge(loop, ingests)
    asyncio.run_coroutine_threadsafe(ingests.aclose(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


def _calls(page: Page, figure: str) -> None:
    page.locator("#figures .tile", has_text="Calls").locator(".figure", has_text=figure).wait_for()


def test_use_changes_the_tile_without_a_reload_and_another_tenants_never_shows(
    walk: Walk, console: str, running: object, tmp_path: Path
) -> None:
    page = walk.page
    with edge(tmp_path / "var") as usage, emulated("kong", products=4) as kong:
        page.goto(console)
        walk.look("60-overview-empty")
        walk.import_all(kong, 4)
        tenant_id = _tenant(tmp_path)
        usage.use(tenant_id, 41)
        walk.go("Overview")
        _calls(page, "41")
        page.evaluate("window.stayed = true")
        page.locator(".live[data-state=live]").wait_for()
        usage.use("ten_other", 500)
        usage.use(tenant_id, 2)
        _calls(page, "43")
        assert page.evaluate("window.stayed") is True, "the page was loaded again"
        walk.look("61-overview")
        walk.go("Margin")
        walk.look("62-margin-uncosted")
        page.keyboard.press("Control+k")
        page.keyboard.type("kong-pr")
        page.locator("dialog.palette").get_by_role("link", name="kong-prod").wait_for()
        walk.look("63-palette")
        page.keyboard.press("ArrowDown")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        walk.sees("kong-prod")
        page.goto("about:blank")
    assert walk.faults == []


def _tenant(folder: Path) -> str:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "var" / "records.db")) as records:
        return str(records.execute("SELECT id FROM tenants").fetchone()[0])
