"""The whole job through the command line: a real api over real sockets, and the Kong emulator behind it."""

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import uvicorn

from aforo.accounts.service import Accounts
from aforo.app import api
from aforo.app.cli import main
from aforo.app.cli.exits import Exit
from aforo.app.settings import Settings
from aforo.app.wiring import open_rooms
from aforo.gateway_sdk.emulator import Fault, StateFile, Switchboard
from aforo.gateways.kong import emulator
from tests.live import migrated


@dataclass(frozen=True)
class World:
    """An Aforo and a Kong, and an outsider who edits that Kong."""

    url: str
    key: str
    kong_url: str
    kong: Switchboard
    records: Path

    def seated(self) -> None:
        """Wait until nothing is left to be done for a subscription at a gateway."""
        left = "SELECT count(*) FROM seat_outbox WHERE due_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 minute')"
        until = time.monotonic() + 30
        with contextlib.closing(sqlite3.connect(self.records)) as records:
            while records.execute(left).fetchone() != (0,):
                assert time.monotonic() < until, "seats are still on their way"
                time.sleep(0.05)

    def edit(self, method: str, path: str, body: object = None) -> dict[str, object]:
        answer = httpx2.request(method, f"{self.kong_url}{path}", json=body, trust_env=False)
        assert answer.is_success, answer.text
        edited: dict[str, object] = answer.json() if answer.content else {}
        return edited


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("aforo") / "var")
    settings.data_dir.mkdir()
    migrated(settings.records_path)
    key = asyncio.run(_first_key(settings))
    state = StateFile()
    emulator.seed(state, 6)
    kong = Switchboard(emulator.create(state))
    app = api.create(open_rooms(settings))
    servers = [
        uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning")),
        uvicorn.Server(uvicorn.Config(kong, port=0, log_level="warning", lifespan="off")),
    ]
    thread = threading.Thread(target=lambda: asyncio.run(_serve(servers)))
    thread.start()
    urls = [_url(server) for server in servers]
    yield World(urls[0], key, urls[1], kong, settings.records_path)
    for server in servers:
        server.should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def signed_in(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("AFORO_URL", world.url)
    monkeypatch.setenv("AFORO_API_KEY", world.key)
    yield
    world.kong.faults.clear()


class Terminal:
    """Runs commands; keeps the last one's two streams."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def run(self, *words: str, ends: Exit = Exit.OK) -> str:
        code = main(list(words))
        self.out, self.err = self._capsys.readouterr()
        assert code == ends, f"{words}: {self.out}{self.err}"
        return self.out

    def json(self, *words: str) -> dict[str, object]:
        told: dict[str, object] = json.loads(self.run(*words, "--json"))
        return told

    def connected(self, world: World, name: str) -> str:
        way = "--gateway", "kong", "--sign-in", "none", "--set", f"admin_url={world.kong_url}"
        return self.run("integrations", "add", name, *way)

    def imported(self, world: World, name: str) -> None:
        """A connected Kong, all of it imported."""
        self.connected(world, name)
        plan = self.json("products", "preview", name)
        self.run("products", "import", str(plan["planId"]), "--all", "--yes")


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(capsys)


def test_connect_preview_import_edit_drift_restore(world: World, terminal: Terminal) -> None:
    assert "kong-flow is connected" in terminal.connected(world, "kong-flow")
    plan = terminal.run("products", "preview", "kong-flow", "--exit-code", ends=Exit.DIFFERS)
    assert "+ NEW: payments-v2" in plan
    plan_id = plan.split()[1]
    terminal.run("products", "import", plan_id, "--select", "payments-v2")
    assert terminal.out.startswith("+ recorded payments-v2")
    terminal.run("products", "drift", "payments-v2", "--integration", "kong-flow", "--exit-code")

    before = world.edit("GET", "/services/payments-v2")["read_timeout"]
    world.edit("PATCH", "/services/payments-v2", {"read_timeout": 1234})
    changed = terminal.run("products", "preview", "kong-flow")
    assert "~ CHANGED: payments-v2 (configuration differs between gateway and Aforo)" in changed
    assert f"    ~ service payments-v2  read_timeout   {before} <- 1234" in changed.splitlines()
    terminal.run("products", "drift", "payments-v2", "--exit-code", ends=Exit.DIFFERS)
    assert f"{before} ≠ 1234" in terminal.out
    assert terminal.json("products", "show", "payments-v2")["monetizationStatus"] == "STALE"

    terminal.run("products", "restore", "payments-v2", "--dry-run")
    assert f"{before} -> 1234" in terminal.out
    assert world.edit("GET", "/services/payments-v2")["read_timeout"] == 1234
    terminal.run("products", "restore", "payments-v2", "--yes")
    assert "✓ done      update service payments-v2" in terminal.out
    assert world.edit("GET", "/services/payments-v2")["read_timeout"] == before
    terminal.run("products", "drift", "payments-v2", "--exit-code")
    assert terminal.json("products", "show", "payments-v2")["monetizationStatus"] == "UNMONETIZED"


def test_a_plan_that_has_become_stale_is_refused_and_nothing_is_imported(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-stale")
    world.edit("PATCH", "/services/search-v1", {"retries": 4})
    plan = str(terminal.json("products", "preview", "kong-stale")["planId"])
    world.edit("PATCH", "/services/search-v1", {"retries": 3})
    terminal.run("products", "import", plan, "--select", "search-v1", ends=Exit.CONFLICT)
    assert "plan_stale" in terminal.err
    assert terminal.json("products", "show", "search-v1", "--integration", "kong-stale")["recordVersion"] == 1


def test_a_partial_reading_says_so_and_calls_nothing_stale(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-partial")
    world.kong.faults.append(Fault(403, times=-1, path="/plugins"))
    shown = terminal.run("products", "preview", "kong-partial")
    assert "PARTIAL" in shown
    assert "0 stale" in shown


def test_a_restore_that_fails_half_way_shows_each_step_and_the_next_one_finishes(
    world: World, terminal: Terminal
) -> None:
    terminal.imported(world, "kong-half")
    ours = "orders-v1", "--integration", "kong-half"
    routes = world.edit("GET", "/services/orders-v1/routes")["data"]
    assert isinstance(routes, list)
    world.edit("PATCH", "/services/orders-v1", {"read_timeout": 777})
    world.edit("PATCH", f"/routes/{routes[0]['id']}", {"strip_path": not routes[0]["strip_path"]})
    world.kong.faults.append(Fault(400, times=1, path="/routes", method="PATCH"))
    terminal.run("products", "restore", *ours, "--yes", ends=Exit.GATEWAY)
    assert "✓ done      update service orders-v1" in terminal.err
    assert "✗ failed    update route" in terminal.err
    terminal.run("products", "restore", *ours, "--yes")
    assert "update service" not in terminal.out
    terminal.run("products", "drift", *ours, "--exit-code")


def test_accept_takes_the_gateways_version_and_an_older_one_can_be_restored(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-accept")
    ours = "catalog-v1", "--integration", "kong-accept"
    before = world.edit("GET", "/services/catalog-v1")["read_timeout"]
    world.edit("PATCH", "/services/catalog-v1", {"read_timeout": 4321})
    terminal.run("products", "accept", *ours, "--yes")
    terminal.run("products", "drift", *ours, "--exit-code")
    terminal.run("products", "restore", *ours, "--version", "1", "--yes")
    assert world.edit("GET", "/services/catalog-v1")["read_timeout"] == before


def test_an_ignored_path_is_named_as_it_is_shown(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-ignore")
    ours = "shipping-v1", "--integration", "kong-ignore"
    world.edit("PATCH", "/services/shipping-v1", {"read_timeout": 999})
    shown = "service", "shipping-v1", "read_timeout"
    terminal.run("products", "ignore", ours[0], *shown, *ours[1:])
    terminal.run("products", "drift", *ours, "--exit-code")
    terminal.run("products", "ignore", ours[0], *shown, *ours[1:], "--undo")
    terminal.run("products", "drift", *ours, "--exit-code", ends=Exit.DIFFERS)


def test_an_integration_with_products_is_not_forgotten_unless_they_may_be(world: World, terminal: Terminal) -> None:
    terminal.imported(world, "kong-used")
    terminal.run("integrations", "remove", "kong-used", "--yes", ends=Exit.CONFLICT)
    assert "--orphan" in terminal.err
    terminal.run("integrations", "remove", "kong-used", "--yes", "--orphan")
    terminal.run("integrations", "show", "kong-used", ends=Exit.NOT_FOUND)


def _connected(terminal: Terminal, world: World) -> str:
    way = "--gateway", "kong", "--sign-in", "none", "--set", f"admin_url={world.kong_url}"
    return terminal.run("integrations", "add", "kong-flow", *way)


async def _first_key(settings: Settings) -> str:
    rooms = open_rooms(settings)
    try:
        accounts: Accounts = rooms.accounts
        key = await accounts.ensure_first()
        assert key is not None
        return key
    finally:
        await rooms.aclose()


async def _serve(servers: list[uvicorn.Server]) -> None:
    await asyncio.gather(*(server.serve() for server in servers))


def _url(server: uvicorn.Server) -> str:
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    return f"http://127.0.0.1:{port}"
