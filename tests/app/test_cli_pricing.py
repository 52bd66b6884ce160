"""`aforo pricing` through the command line, over real sockets and the Kong emulator."""

import pytest

from aforo.app.cli.exits import Exit
from aforo.gateway_sdk.emulator import Fault
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


@pytest.fixture
def limit(world: World, terminal: Terminal) -> str:
    """A plan sold at Kong with one subscriber, whose limit there somebody has lowered; the limit's path."""
    terminal.imported(world, "kong-priced")
    way = "--currency", "EUR", "--product", "orders-v1", "--rate", "api_calls=600/60"
    terminal.run("plans", "create", "priced", *way)
    terminal.run("plans", "publish", "priced")
    terminal.run("customers", "add", "Priced Ltd", "--external-id", "priced-ltd")
    subscription = terminal.json("subscriptions", "add", "priced-ltd", "priced")["id"]
    plugins = world.edit("GET", f"/consumers/aforo-{subscription}/plugins")["data"]
    assert isinstance(plugins, list)
    path = f"/plugins/{plugins[0]['id']}"
    world.edit("PATCH", path, {"config": {"minute": 5}})
    return path


def test_a_plan_is_previewed_synced_and_watched(world: World, terminal: Terminal, limit: str) -> None:
    shown = terminal.run("pricing", "preview", "kong-priced")
    assert "~ CHANGED: plan priced v1 (plan and gateway differ)" in shown
    assert "config.minute   600 -> 5" in shown
    assert "impact  subscriptions 1   credentials 0" in shown
    terminal.run("pricing", "sync", "kong-priced", ends=Exit.USAGE)
    assert minute(world, limit) == 5

    world.kong.faults.append(Fault(400, times=1, path=limit, method="PUT"))
    terminal.run("pricing", "sync", "kong-priced", "--yes", "--confirm", "plan:priced", ends=Exit.GATEWAY)
    assert "✗ plan:priced" in terminal.out
    told = terminal.run("pricing", "sync", "kong-priced", "--yes", "--confirm", "plan:priced")
    assert "✓ plan:priced  priced  done" in told
    assert minute(world, limit) == 600
    terminal.run("pricing", "sync", "kong-priced", "--yes")

    assert "in sync" in terminal.run("pricing", "show", "kong-priced", "--exit-code")
    world.seated()  # a sync has its subscriptions looked at again, which would repair the edit
    world.edit("PATCH", limit, {"config": {"minute": 7}})
    drifted = terminal.run("pricing", "show", "kong-priced", "--exit-code", ends=Exit.DIFFERS)
    assert "config.minute   600 ≠ 7" in drifted
    assert terminal.json("pricing", "preview", "kong-priced")["summary"] == {
        "NEW": 0,
        "CHANGED": 1,
        "UNCHANGED": 0,
        "STALE": 0,
    }
    terminal.run("pricing", "guard", "kong-priced", ends=Exit.NOT_FOUND)


def minute(world: World, path: str) -> object:
    config = world.edit("GET", path)["config"]
    assert isinstance(config, dict)
    return config["minute"]
