"""`aforo alerts` through the command line, over real sockets, with the background worker delivering."""

import io
import threading
from typing import Any

import pytest

from aforo.app.cli.exits import Exit
from tests.alerts.receivers import hook
from tests.app.test_cli_flow import Terminal, World, signed_in, terminal, world

__all__ = ["signed_in", "terminal", "world"]


def test_a_channel_is_added_tested_told_of_a_drift_and_removed(
    world: World, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nobody is told" in terminal.run("alerts", "channels", "list")
    with hook() as web:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{web.url}/services/T0/B0/planted-token-5d1c\n"))
        terminal.run("alerts", "channels", "add", "on-call", "--kind", "slack", "--address", "-", "--about", "drift")
        assert "planted" not in terminal.out + terminal.err
        assert "DELIVERED: 200 ok" in terminal.run("alerts", "channels", "test", "on-call")
        web.answers = [(404, "no_service", {})]
        assert "FAILED: 404" in terminal.run("alerts", "channels", "test", "on-call", ends=Exit.GATEWAY)

        arrived = threading.Event()
        web.on_arrival = arrived.set
        terminal.imported(world, "kong-told")
        world.edit("PATCH", "/services/payments-v2", {"read_timeout": 4321})
        terminal.run("products", "drift", "payments-v2", "--integration", "kong-told")
        assert arrived.wait(10), "the worker delivers by itself"
        rows = _rows(terminal.json("alerts", "list", "--open"), "data")
        [told] = [row for row in rows if row["subject"]["name"] == "payments-v2"]
        shown = terminal.run("alerts", "show", told["id"])
        assert "payments-v2 differs at kong-told" in shown
        [delivery] = _rows(terminal.json("alerts", "show", told["id"]), "deliveries")
        assert delivery["channelName"] == "on-call"
    terminal.run("alerts", "channels", "remove", "on-call", "--yes")
    terminal.run("alerts", "replay", told["id"], delivery["id"], ends=Exit.CONFLICT)


def test_a_webhooks_secret_is_printed_once(terminal: Terminal) -> None:
    way = "alerts", "channels", "add", "hook", "--kind", "webhook", "--address", "https://hooks.example/x"
    assert "Signing secret: whsec_" in terminal.run(*way)
    assert "whsec_" not in terminal.run("alerts", "channels", "list")
    terminal.run("alerts", "channels", "remove", "hook", "--yes")


def _rows(view: dict[str, Any], member: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = view[member]
    return rows
