"""Signing in at a provider in a real browser: wizard, consent page, and back to a connection that works."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from aforo.app.api import create
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.gateway_sdk.emulator import AsgiApp, Receive, Scope, Send
from tests.console.test_browser_flow import Walk, browser, sign_in_path
from tests.integrations.consenting import Provider, provider, settings_of
from tests.live import emulated, migrated, serving

__all__ = ["browser"]

pytestmark = pytest.mark.browser


class Later:
    """An app that is made once its own address is known, which is part of its settings."""

    def __init__(self) -> None:
        self.app: AsgiApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@pytest.fixture
def at() -> Iterator[Provider]:
    with provider() as running:
        yield running


@pytest.fixture
def console(tmp_path: Path, at: Provider) -> Iterator[str]:
    """A served app whose providers are the emulator; the sign-in link."""
    later = Later()
    with serving(later) as url:
        settings = Settings(data_dir=tmp_path / "var", public_url=url, oauth_emulator_url=at.url)
        migrated(settings.records_path)
        path = sign_in_path(settings)
        later.app = create(open_rooms(settings))
        yield f"{url}{path}"


def test_a_person_connects_apigee_by_consent_loses_it_and_reconnects(
    browser: Browser, console: str, at: Provider, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("AFORO_ARTIFACTS", tmp_path)) / "console"
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(reduced_motion="reduce")
    walk = Walk(context, folder)
    page = walk.page
    with emulated("apigee") as apigee:
        page.goto(console)
        walk.follow("+ New Integration")
        page.get_by_role("radio", name="Google Apigee").check()
        walk.press("Continue to sign-in")
        page.get_by_role("radio", name="Sign in with Google").check()
        walk.look("41-consent-way")
        walk.press("Continue with this sign-in")
        page.get_by_text("Seldom needed").click()
        settings = settings_of(apigee)[1]
        page.get_by_label("Organization").fill(settings["organization"])
        page.get_by_label("API address").fill(settings["api_url"])
        walk.look("42-consent-form")
        walk.press("Save and continue")
        walk.sees("One step is left")
        walk.look("43-consent-step")
        walk.follow("Continue to Google")
        walk.sees("Emulated sign-in at Google")
        assert "/emulated/oauth/google/" in page.url
        walk.press("Deny")
        walk.sees("Consent was declined at Google")
        assert [fault for fault in walk.faults if "409" not in fault] == []
        walk.faults.clear()
        walk.look("44-consent-declined")
        walk.follow("Begin again")
        walk.follow("Continue to Google")
        walk.press("Approve")
        walk.sees("The connection works")
        walk.look("45-consent-connected")
        assert "code=" not in page.url
        at.emulator.revoke_all()
        walk.press("Test again")
        walk.sees("1 check failed")
        walk.look("46-consent-gone")
        walk.follow("Reconnect")
        walk.follow("Reconnect at Google")
        walk.press("Approve")
        walk.sees("The connection works")
    context.close()
    assert walk.faults == []
    assert walk.barriers == [], "\n".join(walk.barriers)
