"""A product person prices, and sells to a first customer, in a real browser."""

from contextlib import ExitStack

import pytest

from tests.console.test_browser_flow import Walk, browser, console, running, walk
from tests.live import emulated

__all__ = ["browser", "console", "running", "walk"]

pytestmark = pytest.mark.browser


def test_a_person_writes_a_plan_publishes_it_and_subscribes_a_customer(
    walk: Walk, console: str, running: ExitStack
) -> None:
    kong = running.enter_context(emulated("kong", products=4))
    page = walk.page
    page.goto(console)
    for entry in ("Plans", "Customers", "Subscriptions"):
        walk.go(entry)
        walk.look(f"40-{entry.lower()}-empty")
    walk.import_all(kong, 4)

    walk.go("Plans")
    walk.follow("Create plan")
    walk.look("41-plan-form")
    page.get_by_label("Key").fill("pro")
    page.get_by_label("Name (optional)").fill("Pro")
    page.get_by_role("checkbox").first.check()
    page.locator("[name='quota.units']").first.fill("100000")
    page.locator("[name='price.price']").first.fill("0.001")
    walk.press("Save draft")
    walk.look("42-plan-draft")
    page.locator("[name='use.api_calls']").fill("123456")
    walk.press("Rate")
    walk.sees("123.46 EUR")
    walk.look("43-plan-rated")
    page.get_by_role("link", name="Publish plan…").click()
    walk.sees("Publish version 1 of Pro?")
    walk.look("44-plan-publish")
    walk.press("Publish 1 version")
    walk.look("45-plan-published")

    walk.go("Customers")
    walk.follow("+ New customer")
    page.get_by_label("Name").fill("Acme")
    page.get_by_label("External id").fill("acme")
    walk.press("Add customer")
    walk.look("46-customer")
    walk.follow("Create subscription")
    walk.look("47-subscription-form")
    walk.press("Create 1 subscription")
    walk.look("48-subscription")
    page.get_by_role("link", name="Suspend…").click()
    walk.sees("Calls of this subscription are refused")
    walk.look("49-suspend")
    page.get_by_role("link", name="Cancel", exact=True).click()
    for entry in ("Plans", "Customers", "Subscriptions"):
        walk.go(entry)
        walk.look(f"50-{entry.lower()}")
    assert walk.faults == []
