"""The style guide in a real browser: no policy violation, no sideways scrolling, and the small scripts at work."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from aforo.app.web import look, styleguide
from aforo.app.web.nav import NAVIGATION
from aforo.app.web.render import Render
from aforo.kit.clock import HandClock

pytestmark = pytest.mark.browser
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    render = Render(navigation=NAVIGATION, search_address="/search", clock=HandClock(styleguide.NOW))
    app = FastAPI()
    for router in (styleguide.routes(render), render.assets.routes(), look.routes()):
        app.include_router(router)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def faults() -> list[str]:
    return []


def visit(browser: Browser, url: str, width: int, scheme: str, faults: list[str], *, scripts: bool = True) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(url)
    return page


@pytest.mark.parametrize(
    ("width", "scheme"), [(320, "light"), (390, "light"), (834, "light"), (1280, "dark"), (1680, "light")]
)
def test_every_part_fits_its_window_and_breaks_no_policy(
    browser: Browser, address: str, faults: list[str], tmp_path: Path, width: int, scheme: str
) -> None:
    page = visit(browser, f"{address}/styleguide", width, scheme, faults)
    for details in page.locator("details").all():
        details.evaluate("part => { part.open = true }")
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    shot = page.screenshot(path=tmp_path / f"styleguide-{width}-{scheme}.png", full_page=True)
    assert faults == []
    assert wide <= 0
    assert len(shot) > 50_000


def test_the_same_page_works_without_scripts(browser: Browser, address: str, faults: list[str]) -> None:
    page = visit(browser, f"{address}/styleguide", 390, "light", faults, scripts=False)
    page.get_by_role("button", name="Menu", exact=True).click()
    assert page.locator("#drawer").is_visible()
    assert page.locator("#drawer").get_by_role("link", name="Integrations").is_visible()
    assert page.locator(".copy").first.is_hidden()


def test_the_theme_is_chosen_without_scripts_and_kept(browser: Browser, address: str, faults: list[str]) -> None:
    page = visit(browser, f"{address}/styleguide", 1280, "light", faults, scripts=False)
    page.get_by_role("button", name="Display: theme, density, time zone").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_url("**/styleguide")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator("body").evaluate("e => getComputedStyle(e.parentElement).backgroundColor") == "rgb(11, 16, 21)"


def test_on_paper_an_as_of_line_says_the_day_and_the_second(browser: Browser, address: str, faults: list[str]) -> None:
    page = visit(browser, f"{address}/styleguide", 1280, "light", faults)
    lines = page.locator(".asof").filter(has_text="As of")
    assert all("ago (" in words for words in lines.all_inner_texts())
    page.emulate_media(media="print")
    told = lines.all_inner_texts()
    assert len(told) >= 2
    assert all(re.search(r"As of 22 Nov 2026, \d\d:\d\d:\d\d UTC", words) for words in told), told
    assert not any("ago" in words for words in told)


def test_ticking_rows_keeps_count_and_impact_true_and_unknown_is_never_zero(
    browser: Browser, address: str, faults: list[str]
) -> None:
    page = visit(browser, f"{address}/styleguide", 1280, "light", faults)
    plan = page.locator("#plan-sample")
    assert plan.get_by_role("button", name="Import 4 products").is_enabled()
    plan.get_by_role("checkbox", name="search").check()
    assert plan.get_by_role("button", name="Import 5 products").is_visible()
    assert plan.get_by_text("53 subscriptions, 69 live keys, 4,430.00 EUR/mo").is_visible()
    plan.get_by_role("checkbox", name="payments-and-settlement").check()
    assert plan.get_by_text("at least 53 subscriptions").is_visible()
    for box in plan.get_by_role("checkbox").all():
        box.uncheck()
    assert plan.get_by_role("button", name="Import products").is_disabled()
    table = page.locator("#integrations-sample")
    table.get_by_role("checkbox", name="Select all on this page").check()
    assert table.get_by_text("Select all 12 that match").is_visible()
    assert faults == []


def test_a_dialog_is_the_page_behind_its_link_and_gives_the_focus_back(
    browser: Browser, address: str, faults: list[str]
) -> None:
    page = visit(browser, f"{address}/styleguide", 1280, "light", faults)
    link = page.get_by_role("link", name="Open as a dialog")
    link.click()
    dialog = page.get_by_role("dialog", name="Revoke this key at 3 gateways?")
    dialog.wait_for()
    assert dialog.get_by_role("link", name="Cancel").evaluate("e => e === document.activeElement")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert link.evaluate("e => e === document.activeElement")
    assert faults == []


def test_filtering_swaps_one_table_and_keeps_the_focus_and_the_address(
    browser: Browser, address: str, faults: list[str]
) -> None:
    page = visit(browser, f"{address}/styleguide", 1280, "light", faults)
    page.evaluate("window.same_page = true")
    field = page.get_by_label("Filter integrations")
    field.fill("kong")
    with page.expect_response("**/styleguide?q=kong"):
        field.press("Enter")
    page.wait_for_url("**/styleguide?q=kong")
    page.locator("#integrations-sample:not([aria-busy])").wait_for()
    assert page.evaluate("window.same_page")
    assert page.evaluate("document.activeElement.id") == "integrations-sample-q"
    assert faults == []
