"""`aforo enforcement`, typed against a served Aforo."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from aforo.app.cli import main
from aforo.app.cli.exits import Exit
from tests.artifacts.test_switching import buyer, calls
from tests.artifacts.workshop import Workshop, workshop


class Terminal:
    """Runs commands beside the server, in a thread."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    async def run(self, *words: str, ends: Exit = Exit.OK) -> str:
        code = await asyncio.to_thread(main, ["enforcement", *words])
        out, err = self._capsys.readouterr()
        assert code == ends, f"{words}: {out}{err}"
        return out + err


@contextlib.asynccontextmanager
async def served(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    listener = socket.create_server(("127.0.0.1", 0))  # whoever connects before it serves is kept waiting
    server = uvicorn.Server(uvicorn.Config(shop.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    port = listener.getsockname()[1]
    monkeypatch.setenv("HOME", str(shop.path))
    monkeypatch.setenv("AFORO_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AFORO_API_KEY", shop.running.admin_key)
    yield
    server.should_exit = True
    await serving


@pytest.mark.long
async def test_the_whole_life_is_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal(capsys)
    async with workshop(tmp_path, kong=True) as shop, served(shop, monkeypatch):
        before = shop.gateway.state()
        shown = await terminal.run("preview", "gw", "--save", str(tmp_path / "files"))
        assert "+ create flow aforo" in shown
        assert "! somebody's hook of pay runs after ours" in shown
        assert "Preview: 3 steps; calls of pay, search pass through it." in shown
        assert (tmp_path / "files" / "aforo.toy").read_text() == "key = made-by-aforo-when-it-is-deployed\n"
        await terminal.run("deploy", "gw", ends=Exit.USAGE)
        assert shop.gateway.state() == before
        deployed = await terminal.run("deploy", "gw", "--target", "pay", "--exclude", "/health", "--yes")
        assert "DEPLOYED" in deployed
        assert "ATTACHED" in await terminal.run("attach", "gw", "--yes")
        assert shop.gateway.services == {"pay": "aforo", "search": None}

        _, key = await buyer(shop, "1")
        async with shop.edge() as edge:
            await calls(shop, edge, key, 3)
            asked = await terminal.run("enforce", "gw", ends=Exit.USAGE)
            assert "2 calls of 1 customer would have been refused since" in asked
            assert "quota_exceeded" in asked
            enforced = json.loads(await terminal.run("enforce", "gw", "--yes", "--json"))
            assert enforced["mode"] == "enforce"
            proven = await terminal.run("verify", "gw", "--call", "https://gateway.example/pay")
            assert "✓ The call became an event" in proven
            assert "! Canary" in await terminal.run("verify", "gw")
            assert "checkout fails" in await terminal.run("pause", "gw", "--reason", "checkout fails")
            await terminal.run("pause", "gw", ends=Exit.INVALID)
            assert "enforce" in await terminal.run("resume", "gw")
            assert "Paused everywhere" in await terminal.run("pause")
            assert await calls(shop, edge, key, 1) == [200]
            assert "Not paused" in await terminal.run("resume")
            assert await calls(shop, edge, key, 1) == [429]
        assert "observe" in await terminal.run("observe", "gw")
        assert "Verified" in await terminal.run("status", "gw")
        assert "ABSENT" in await terminal.run("detach", "gw", "--yes")
        assert shop.gateway.state() == before
        await terminal.run("attach", "gw", "--yes", ends=Exit.CONFLICT)
