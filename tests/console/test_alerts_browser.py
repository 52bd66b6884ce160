"""A person adds a channel and follows a drift to who was told, in a real browser."""

from contextlib import ExitStack

import pytest

from tests.alerts.receivers import hook
from tests.console.test_browser_flow import Walk, browser, console, running, walk
from tests.flows.hands import KongHand
from tests.live import emulated

__all__ = ["browser", "console", "running", "walk"]

pytestmark = pytest.mark.browser


def test_a_person_adds_a_channel_tests_it_and_sees_who_was_told_of_a_drift(
    walk: Walk, console: str, running: ExitStack
) -> None:
    kong = running.enter_context(emulated("kong", products=2))
    web = running.enter_context(hook())
    page = walk.page
    page.goto(console)
    walk.go("Alerts")
    walk.look("60-alerts-empty")
    walk.follow("+ Add channel")
    page.get_by_role("radio", name="Slack").check()
    page.get_by_role("textbox", name="Name").fill("on-call")
    page.get_by_role("textbox", name="Address").fill(f"{web.url}/services/T0/B0/token")
    walk.look("61-channel-form")
    walk.press("Add channel")
    walk.press("Send a test")
    walk.sees("Last message delivered: 200 ok")
    walk.look("62-channel-tested")
    walk.import_all(kong, 2)
    KongHand(kong).edit({"ref": "payments-v2"})
    walk.go("Products")
    page.get_by_role("link", name="payments-v2").click()
    walk.press("Check now")
    walk.sees("on-call on its way")
    walk.look("63-drift-told")
    walk.go("Alerts")
    walk.look("64-alerts")
    page.get_by_role("link", name="payments-v2 differs").click()
    walk.sees("0 of 1 channel has it.")
    walk.look("65-alert")
    page.goto(f"{page.url.partition('/alerts')[0]}/alerts/channels")
    walk.look("66-channels")
    assert len(web.got) == 1
