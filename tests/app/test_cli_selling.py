"""Customers, plans and subscriptions through the command line, against a real api over real sockets."""

import json
from pathlib import Path
from typing import Any

import pytest

from aforo.app.cli.exits import Exit
from aforo.app.cli.failure import Failure
from aforo.app.cli.plan_words import Words, assignment, terms
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


def test_a_plan_made_of_options_is_published_sold_billed_and_moved(
    world: World, terminal: Terminal, tmp_path: Path
) -> None:
    terminal.imported(world, "kong-sold")
    product = "orders-v1"
    terminal.run("metrics", "add", "tokens", "--unit", "token")
    assert "tokens" in terminal.run("metrics", "list")
    terminal.run(
        "plans", "create", "pro", "--currency", "EUR", "--product", product, "--quota", "api_calls=100000/month",
        "--quota", "tokens=5/day:soft", "--rate", "api_calls=600/60", "--price", "api_calls=0.001", "--fee", "49.00",
    )  # fmt: skip
    assert terminal.out.strip() == "pro version 1 is a draft."
    assert terminal.run("plans", "publish", "pro").strip() == "pro version 1 is published."
    shown = terminal.run("plans", "show", "pro")
    assert "100000 api_calls a month (HARD, UTC), 5 tokens a day (SOFT, UTC)" in shown
    assert product in shown
    assert "149.00 EUR" in terminal.run("plans", "rate", "pro", "api_calls=100000")

    terminal.run("customers", "add", "Acme Ltd", "--external-id", "acme", "--tier", "gold")
    subscription = str(terminal.json("subscriptions", "add", "acme", "pro")["id"])
    listed = terminal.run("subscriptions", "list", "--customer", "acme")
    assert "Acme Ltd" in listed
    assert "ACTIVE" in listed
    assert "kong-sold" in terminal.run("subscriptions", "show", subscription)
    assert subscription in terminal.run("customers", "show", "acme")
    _billed(terminal, subscription, tmp_path / "bill.csv")

    terminal.run("plans", "edit", "pro", "--quota", "api_calls=7/month")
    assert terminal.out.strip() == "pro version 2 is a draft."
    terminal.run("plans", "edit", "pro", "--quota", "api_calls=8/month")
    assert terminal.out.strip() == "pro version 2 is a draft."
    terminal.run("plans", "publish", "pro")
    moved = terminal.json("subscriptions", "move", subscription, "--plan-version", "2")
    assert moved["planVersion"] == 2
    assert "PUBLISHED" in terminal.run("plans", "versions", "pro")

    assert "Nothing was used" not in terminal.run("margin")
    lines: Any = terminal.json("margin", "--by", "customer", "--span", "month")["data"]
    line = lines[0]
    assert (line["name"], line["revenue"], line["cost"]) == ("Acme Ltd", "49.00", None)
    why = terminal.run("margin", "acme")
    assert "Acme Ltd: revenue 49.00 EUR, cost — EUR" in why
    assert "Fixed fees" in why
    assert "No guard watches this customer." in why

    assert terminal.json("subscriptions", "suspend", subscription)["status"] == "SUSPENDED"
    assert terminal.json("subscriptions", "reactivate", subscription)["status"] == "ACTIVE"
    terminal.run("customers", "remove", "acme", "--yes", ends=Exit.CONFLICT)
    assert terminal.json("subscriptions", "cancel", subscription, "--yes")["status"] == "CANCELLED"


def _billed(terminal: Terminal, subscription: str, file: Path) -> None:
    listed = terminal.run("statements", "list", "--customer", "acme")
    assert "Acme Ltd" in listed
    assert "49.00 EUR" in listed
    rows = terminal.json("statements", "list", "--subscription", subscription)["data"]
    assert isinstance(rows, list)
    newest = str(rows[0]["id"])
    shown = terminal.run("statements", "show", newest)
    assert "Total so far  49.00 EUR" in shown
    assert "not known: no gateway numbers its events" in shown
    terminal.run("statements", "download", newest, "--to", str(file))
    assert file.read_text().splitlines()[-1].endswith(",open,EUR,total,,,,,,,,49.00")
    terminal.run("statements", "list", "--subscription", subscription, "--period", "2026-11", ends=Exit.USAGE)
    terminal.run("statements", "download", "stmt_x", "--to", str(file), ends=Exit.NOT_FOUND)


def test_a_customer_changes_and_an_empty_option_takes_a_value_away(world: World, terminal: Terminal) -> None:
    terminal.run("customers", "add", "Brand", "--external-id", "brand", "--email", "ops@brand.example")
    terminal.run("customers", "set", "brand", "--tier", "pro", "--email", "")
    changed = terminal.json("customers", "show", "brand")
    assert (changed["tier"], changed["email"]) == ("pro", None)
    terminal.run("customers", "remove", "brand", "--yes")
    terminal.run("customers", "show", "brand", ends=Exit.NOT_FOUND)
    assert "aforo customers list" in terminal.err


def test_terms_come_from_a_file_and_a_wrong_one_names_its_member(
    world: World, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "plan.json"
    tiers = [{"upTo": "10", "unitPrice": "1"}, {"upTo": None, "unitPrice": "0.5"}]
    file.write_text(
        json.dumps({"currency": "EUR", "rateCard": [{"model": "graduated", "metric": "api_calls", "tiers": tiers}]})
    )
    terminal.run("plans", "create", "tiered", "--file", str(file), "--publish")
    assert "12.50 EUR" in terminal.run("plans", "rate", "tiered", "api_calls=15")
    assert "up to 10: 1, beyond: 0.5" in terminal.run("plans", "show", "tiered")

    file.write_text('{"currency": "XXX"}')
    terminal.run("plans", "create", "wrong", "--file", str(file), ends=Exit.INVALID)
    assert "/currency" in terminal.err
    file.write_text("not json")
    terminal.run("plans", "create", "wrong", "--file", str(file), ends=Exit.USAGE)
    assert "Nothing was sent." in terminal.err


def test_costs_and_margins_are_set_and_taken_away(world: World, terminal: Terminal, tmp_path: Path) -> None:
    dry = terminal.run("costs", "add", "0.0004", "--currency", "EUR", "--metric", "api_calls", "--dry-run")
    assert "Nothing was changed." in dry
    file = tmp_path / "costs.csv"
    file.write_text("metric,unitCost,currency\napi_calls,cheap,EUR\n")
    assert 'a decimal string such as "0.001"' in terminal.run("costs", "import", str(file), ends=Exit.INVALID)
    assert "No cost rules" in terminal.run("costs", "list")
    cost = terminal.json("costs", "add", "0.0004", "--currency", "EUR", "--metric", "api_calls")["id"]
    assert "0.0004 EUR" in terminal.run("costs", "list")
    guard = terminal.json("margins", "add", "tenant", "--warn", "0.3", "--block", "0.1")
    assert guard["mode"] == "observe"
    assert "tenant" in terminal.run("margins", "list")
    assert "enforce" in terminal.run("margins", "set", str(guard["id"]), "--mode", "enforce")
    terminal.run("margins", "remove", str(guard["id"]))
    file.write_text("metric,unitCost,currency\napi_calls,0.0004,EUR\n")
    assert "0 cost rules added, 1 there already" in terminal.run("costs", "import", str(file))
    assert "Nothing was changed." in terminal.run("costs", "remove", str(cost), "--dry-run")
    terminal.run("costs", "remove", str(cost))
    assert "No cost rules" in terminal.run("costs", "list")


def test_short_words_become_terms_and_options_not_given_change_nothing() -> None:
    assert terms(Words()) == {}
    assert terms(Words(quotas=["a=1/day:overage"], rates=["a=5/10"], prices=["a=0.1"], fee="2")) == {
        "quotas": [{"metric": "a", "units": "1", "period": "day", "mode": "OVERAGE"}],
        "rateLimits": [{"metric": "a", "units": "5", "perSeconds": 10}],
        "rateCard": [
            {"model": "flat", "name": "Base fee", "amount": "2"},
            {"model": "per_unit", "metric": "a", "unitPrice": "0.1"},
        ],
    }


@pytest.mark.parametrize(
    "words", [Words(quotas=["a=1"]), Words(quotas=["a/day"]), Words(rates=["a=1/x"]), Words(prices=["=1"])]
)
def test_words_that_cannot_be_read_are_refused_with_their_form(words: Words) -> None:
    with pytest.raises(Failure) as caught:
        terms(words)
    assert caught.value.exit is Exit.USAGE
    assert "METRIC=" in str(caught.value)


def test_an_assignment_keeps_what_stands_behind_its_first_equals_sign() -> None:
    assert assignment("a=b=c", "NAME=VALUE") == ("a", "b=c")
