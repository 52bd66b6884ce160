"""Somebody says what a unit costs, sees what that comes to, and asks why a customer loses money, in a real browser."""

from contextlib import ExitStack

import pytest

from tests.console.test_browser_flow import Walk, browser, console, running, walk

__all__ = ["browser", "console", "running", "walk"]

pytestmark = pytest.mark.browser


def test_a_person_prices_a_unit_by_form_and_by_sheet_and_looks_at_a_customers_margin(
    walk: Walk, console: str, running: ExitStack
) -> None:
    del running
    page = walk.page
    page.goto(console)
    walk.go("Costs")
    walk.sees("No cost rule yet.")
    walk.follow("+ New cost rule")
    page.get_by_label("Metric").select_option("api_calls")
    page.get_by_label("A unit costs").fill("0.0004")
    page.get_by_label("Currency").fill("EUR")
    walk.press("Show the effect")
    walk.sees("Nothing that it covers was used in the last 30 days.")
    walk.press("Add 1 cost rule")
    walk.sees("1 cost rule is in force")
    walk.follow("Import CSV")
    page.get_by_label("Lines").fill("metric,unitCost,currency\napi_calls,0.0004,EUR\nnothing,1,EUR\n")
    walk.press("Check the lines")
    walk.sees("there is no metric nothing")
    walk.look("82-cost-sheet")
    walk.go("Customers")
    walk.follow("+ New customer")
    page.get_by_label("Name").fill("Acme")
    walk.press("Add customer")
    walk.through(page.locator("#main").get_by_role("link", name="Margin", exact=True))
    walk.sees("Used nothing this month")
    walk.look("83-customer-margin")
    assert walk.faults == []
