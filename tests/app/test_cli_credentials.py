"""Credentials, consumers and orphans through the command line, against a real api over real sockets."""

from typing import Any

import httpx2
import pytest

from aforo.app.cli.exits import Exit
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


@pytest.fixture
def subscription(world: World, terminal: Terminal, request: pytest.FixtureRequest) -> str:
    """A new customer's, to payments-v2 at an own integration named after the test."""
    name = f"kong-{abs(hash(request.node.name)) % 10_000}"
    terminal.imported(world, name)
    product = terminal.json("products", "show", "payments-v2", "--integration", name)["id"]
    terminal.run("plans", "create", name, "--currency", "EUR", "--product", str(product), "--publish")
    terminal.run("customers", "add", f"Buyer {name}", "--external-id", name)
    return str(terminal.json("subscriptions", "add", name, name)["id"])


def opens(world: World, secret: str) -> int:
    return httpx2.get(f"{world.kong_url}/proxy/v2/payments", headers={"apikey": secret}, trust_env=False).status_code


def test_a_secret_is_printed_once_with_a_warning_and_the_key_lives_and_ends(
    world: World, terminal: Terminal, subscription: str
) -> None:
    terminal.run("credentials", "add", subscription)
    assert "Store this now" in terminal.err
    secret = terminal.out.rpartition(": ")[2].strip()
    assert opens(world, secret) == 200
    listed: Any = terminal.json("credentials", "list", "--subscription", subscription)
    one = listed["data"][0]["id"]
    assert secret not in terminal.run("credentials", "show", one)
    assert f"••••{secret[-4:]}" in terminal.out

    rotated: Any = terminal.json("credentials", "rotate", one, "--grace", "60")
    new = rotated["secrets"][0]["secret"]
    assert opens(world, new) == opens(world, secret) == 200
    terminal.run("credentials", "rotate", one, ends=Exit.CONFLICT)
    assert "Nothing was changed." in terminal.err

    assert "SUSPENDED" in terminal.run("credentials", "suspend", rotated["id"])
    assert "ACTIVE" in terminal.run("credentials", "reactivate", rotated["id"])
    terminal.run("credentials", "revoke", rotated["id"], ends=Exit.USAGE)
    assert terminal.json("credentials", "revoke", rotated["id"], "--yes")["state"] == "REVOKED"
    assert opens(world, new) == 401
    assert "No credentials." in terminal.run("credentials", "list", "--state", "SUSPENDED")
    terminal.run("credentials", "show", "cred_lost", ends=Exit.NOT_FOUND)


def test_a_scope_names_products_or_says_nothing(world: World, terminal: Terminal, subscription: str) -> None:
    made: Any = terminal.json("credentials", "add", subscription)
    secret = made["secrets"][0]["secret"]
    terminal.run("credentials", "scope", made["id"], ends=Exit.USAGE)
    assert opens(world, secret) == 200
    terminal.run("credentials", "scope", made["id"], "--nothing")
    assert opens(world, secret) == 403
    terminal.run("credentials", "secret", made["id"])
    assert "No secret yet" in terminal.err


def test_consumers_are_adopted_and_an_orphan_is_found_and_removed(
    world: World, terminal: Terminal, subscription: str
) -> None:
    place = next(
        row["name"]
        for row in terminal.json("integrations", "list")["data"]  # type: ignore[attr-defined]  # JSON of any shape
        if row["id"] in str(terminal.json("subscriptions", "show", subscription)["gateways"])
    )
    assert "umbrella" in terminal.run("consumers", "list", place)
    terminal.run("consumers", "adopt", place, "nobody", "--plan", place, "--yes", ends=Exit.NOT_FOUND)
    terminal.run("consumers", "adopt", place, "umbrella", "--plan", place, "--yes", ends=Exit.NOT_FOUND)
    assert "--new makes one" in terminal.err
    adopted: Any = terminal.json("consumers", "adopt", place, "umbrella", "--plan", place, "--new", "--yes")
    assert len(adopted["subscriptionIds"]) == 1
    assert f"has {adopted['subscriptionIds'][0]}" in terminal.run("consumers", "list", place)

    world.edit("POST", "/consumers", {"username": "left-over", "tags": ["aforo", "aforo-subscription:sub_lost"]})
    assert "left-over" in terminal.run("orphans", "scan", "--integration", place)
    found: Any = terminal.json("orphans", "list")
    lost = next(row["id"] for row in found["data"] if row["name"] == "left-over")
    terminal.run("orphans", "remove", lost, ends=Exit.USAGE)
    terminal.run("orphans", "remove", lost, "--yes")
    assert "left-over" not in str(world.edit("GET", "/consumers"))
