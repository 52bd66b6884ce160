"""An emulated Kong in a process of its own, as `aforo emulate kong` runs it, so that it can be killed."""

import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2

from tests.gateways.kong.metered import PATH, PLUGIN_FOLDER, Metered, eventually


class KongProcess:
    """Before the same Aforo as `world`, with one service of the same name and one key."""

    def __init__(self, folder: Path, world: Metered) -> None:
        self._folder = folder
        self._world = world
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", trust_env=False)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "aforo.app.emulate", "kong", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "--state-dir", str(self._folder), "--products", "1"],
            cwd=self._folder,
            env={**os.environ, "AFORO_EMULATED_KONG_PLUGINS": str(PLUGIN_FOLDER)},
            stdout=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def aclose(self) -> None:
        self.kill()
        await self.http.aclose()

    async def is_up(self) -> bool:
        return bool(await eventually(self._answers, 20))

    async def open(self, service: str, secret: str, **config: Any) -> None:
        """The key has the same id as at the other Kong, since Aforo knows it by that."""
        assert await self.is_up()
        for row in (await self._admin("GET", "/plugins?size=1000"))["data"]:
            if row["name"] in ("rate-limiting", "acl"):
                await self._admin("DELETE", f"/plugins/{row['id']}")
        known = await self._world.admin("GET", f"/key-auths/{secret}")
        await self._admin("PUT", "/consumers/buyer", {})
        await self._admin("PUT", f"/consumers/buyer/key-auth/{known['id']}", {"key": secret})
        line = {"edge_url": self._world.edge.url, "api_key": self._world.api_key, "enforce": True}
        whole = {**line, "integration_id": self._world.integration_id, **config}
        await self._admin("POST", f"/services/{service}/plugins", {"name": "aforo", "config": whole})
        assert await eventually(self._is_saved)

    async def call(self, secret: str) -> int:
        return (await self.http.get(PATH, headers={"apikey": secret})).status_code

    def has_written(self, least: int) -> Callable[[], Awaitable[bool]]:
        async def written() -> bool:
            files = [file for kind in ("spool", "sending") for file in self._folder.glob(f"aforo-*.{kind}")]
            return sum(len(file.read_text().splitlines()) for file in files) >= least

        return written

    async def _answers(self) -> bool:
        try:
            return (await self.http.get("/status")).status_code == 200
        except httpx2.TransportError:
            return False

    async def _is_saved(self) -> bool:
        return '"aforo"' in (self._folder / "kong.json").read_text()

    async def _admin(self, method: str, path: str, body: object = None) -> Any:
        answer = await self.http.request(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None
