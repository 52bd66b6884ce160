"""Schedules and the maintenance pause through the command line, against a real api over real sockets."""

from typing import Any

from aforo.app.cli.exits import Exit
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


def test_schedules_are_listed_run_and_set(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-timed")
    listed: Any = terminal.json("schedules", "list", "--integration", "kong-timed")
    assert sorted(row["kind"] for row in listed["data"]) == ["drift", "health", "orphans"]
    assert "kong-timed" in terminal.run("schedules", "list", "--kind", "drift")
    ran: Any = terminal.json("schedules", "run", "drift", "--integration", "kong-timed")
    assert ran["last"]["result"] == "DONE"
    assert "products compared, none differs" in ran["last"]["words"]
    changed: Any = terminal.json("schedules", "set", ran["id"], "--every", "5m", "--off")
    assert (changed["everySeconds"], changed["enabled"], changed["nextAt"]) == (300, False, None)
    back: Any = terminal.json("schedules", "set", ran["id"], "--every", "default", "--on")
    assert (back["everySeconds"], back["state"]) == (900, "WAITING")
    terminal.run("schedules", "set", ran["id"], "--every", "soon", ends=Exit.USAGE)
    assert "Nothing was changed." in terminal.err
    terminal.run("schedules", "run", "sched_lost", ends=Exit.NOT_FOUND)


def test_a_pause_and_a_breakers_reset_name_their_reason(world: World, terminal: Terminal) -> None:
    terminal.connected(world, "kong-paused")
    terminal.run("integrations", "pause", "kong-paused", "--hours", "2", "--reason", "upgrade")
    assert "is paused until" in terminal.out
    terminal.run("schedules", "run", "health", "--integration", "kong-paused", ends=Exit.CONFLICT)
    assert "integration_paused" in terminal.err
    terminal.run("integrations", "resume", "kong-paused")
    assert "It answers." in terminal.run("schedules", "run", "health", "--integration", "kong-paused")
    assert "CLOSED" in terminal.run("integrations", "breaker", "kong-paused", "--reset", "kong is back")
