"""An operator gives a customer a key, rotates it and ends it, in a real browser."""

from contextlib import ExitStack

import httpx2
import pytest

from tests.console.test_browser_flow import Walk, browser, console, running, walk
from tests.live import Emulated, emulated

__all__ = ["browser", "console", "running", "walk"]

pytestmark = pytest.mark.browser


def _subscribed(walk: Walk, kong: Emulated) -> None:
    """To the subscription's page, through the pages that lead there."""
    page = walk.page
    walk.import_all(kong, 4)
    walk.go("Plans")
    walk.follow("Create plan")
    page.get_by_label("Key").fill("pro")
    page.get_by_label("Name (optional)").fill("Pro")
    for box in page.get_by_role("checkbox").all():
        box.check()
    walk.press("Save draft")
    page.get_by_role("link", name="Publish plan…").click()
    walk.press("Publish 1 version")
    walk.go("Customers")
    walk.follow("+ New customer")
    page.get_by_label("Name").fill("Acme")
    walk.press("Add customer")
    walk.follow("Create subscription")
    walk.press("Create 1 subscription")


def test_a_person_creates_a_key_sees_its_secret_once_rotates_and_revokes_it(
    walk: Walk, console: str, running: ExitStack
) -> None:
    kong = running.enter_context(emulated("kong", products=4))
    page = walk.page
    page.goto(console)
    walk.go("Credentials")
    walk.look("60-credentials-empty")
    _subscribed(walk, kong)
    walk.sees("No credential yet")
    walk.look("61-subscription-without-key")
    walk.press("Create credential")
    walk.sees("You will not see it again.")
    walk.look("62-secret-masked")
    page.get_by_text("Show", exact=True).click()
    secret = page.locator(".secret code").inner_text()
    walk.look("63-secret-shown")
    called = httpx2.get(f"{kong.url}/proxy/v2/payments", headers={"apikey": secret}, trust_env=False)
    assert called.status_code == 200
    with page.expect_navigation():
        page.reload()
    walk.sees("No second look at the secret")
    assert secret not in page.content()
    walk.look("64-secret-reloaded")

    page.get_by_role("link", name="Rotate…").click()
    walk.sees("Grace in seconds")
    walk.look("65-rotate")
    page.locator("dialog").get_by_label("Reason").fill("leaked")
    walk.press("Rotate 1 key")
    walk.sees("You will not see it again.")
    walk.follow("I have stored it")
    walk.look("66-rotated")
    page.get_by_role("link", name="Revoke…").click()
    walk.sees("A revoked key cannot come back.")
    walk.look("67-revoke")
    page.locator("dialog").get_by_label("Reason").fill("leaked")
    walk.press("Revoke 1 key")
    walk.sees("REVOKED")
    walk.look("68-revoked")
    walk.go("Credentials")
    walk.look("69-credentials")
    walk.follow("consumers of kong-prod")
    walk.press("Read consumers")
    page.get_by_role("checkbox").first.check()
    walk.look("70-consumers")
    walk.go("Credentials")
    walk.follow("Orphans")
    walk.press("Look at 1 gateway")
    walk.look("71-orphans")
    walk.go("Subscriptions")
    page.locator("#subscriptions tbody th a").first.click()
    walk.sees("Create credential")
    walk.look("72-subscription")
    assert walk.faults == []
