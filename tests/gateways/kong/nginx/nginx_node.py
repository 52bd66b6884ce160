"""Debian's nginx with its Lua module, running a Kong plugin's own files as a Kong node would."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.gateways.kong.metered import PATH, PLUGIN_FOLDER, Metered, eventually

HERE: Final = Path(__file__).parent
NODE_ID: Final = "5b9b0ca6-0000-4000-8000-000000000001"


class NginxNode:
    """One service, which counts its calls itself. `keys` are those that its key-auth knows, with their ids."""

    def __init__(self, folder: Path, plugin: str, config: dict[str, Any], **options: Any) -> None:
        self.folder = folder
        self._options = {"plugins": PLUGIN_FOLDER, "workers": 2, "keys": {}, "service": {"name": "none"}} | options
        self._port, self._backend_port = _free_ports(2)
        folder.mkdir()
        told = {
            "plugin": plugin,
            "config": config,
            "node_id": NODE_ID,
            "prefix": str(folder),
            "backend_port": self._backend_port,
            "service": self._options["service"],
            "keys": self._options["keys"],
        }
        (folder / "node.json").write_text(json.dumps(told))
        (folder / "nginx.conf").write_text(self._filled())
        self.http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", trust_env=False)
        self._seen = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._backend_port}/seen", trust_env=False)

    async def start(self) -> None:
        self._launch()
        assert await eventually(self._answers), self._log.read_text()

    def kill(self) -> None:
        """Master and workers at once, without a word."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    async def aclose(self) -> None:
        self.kill()
        await self.http.aclose()
        await self._seen.aclose()

    async def call(self, secret: str, path: str = PATH, **headers: str) -> httpx2.Response:
        return await self.http.get(path, headers={"apikey": secret, **headers})

    async def backend_calls(self) -> int:
        return int((await self._seen.get("/calls")).text)

    async def hears(self) -> bool:
        """Whether the plugin has heard of changes; what it was told before that, it asks for once more."""
        return any(key.startswith("aforo:S:") for key in (await self._seen.get("/keys")).text.split())

    async def took_us(self) -> list[float]:
        """What the plugin's phases of each call took, waiting included; told once."""
        return [float(line) for line in (await self._seen.get("/took")).text.split()]

    def spooled(self) -> int:
        files = [file for kind in ("spool", "sending") for file in self.folder.glob(f"aforo-*.{kind}")]
        return sum(len(file.read_text().splitlines()) for file in files)

    def complaints(self) -> list[str]:
        """What nginx, its Lua module or the plugin wrote at the levels of an error, or a warning of the plugin's."""
        levels = ("[error]", "[crit]", "[alert]", "[emerg]", "[warn]")
        lines = self._log.read_text().splitlines()
        return [line for line in lines if any(level in line for level in levels)]

    @property
    def _log(self) -> Path:
        return self.folder / "error.log"

    def _launch(self) -> None:
        command = ["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self._log)]
        self._process = subprocess.Popen(command, start_new_session=True)

    async def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return (await self._seen.get("/calls")).status_code == 200
        except httpx2.TransportError:
            return False

    def _filled(self) -> str:
        text = (HERE / "nginx.conf").read_text()
        values = {
            "user": "user root;" if os.geteuid() == 0 else "",
            "workers": self._options["workers"],
            "folder": self.folder,
            "lua": HERE / "lua",
            "plugins": self._options["plugins"],
            "port": self._port,
            "backend_port": self._backend_port,
        }
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        return text


async def node_before(world: Metered, folder: Path, secret: str, **config: Any) -> NginxNode:
    """A node of the service `payments-v2` that knows this key, the plugin configured as Kong's schema fills it up."""
    service = await world.admin("GET", "/services/payments-v2")
    row = await world.admin("GET", f"/plugins/{await world.attach(**config)}")
    await world.admin("DELETE", f"/plugins/{row['id']}")
    filled = {name: value for name, value in row["config"].items() if value is not None}
    filled["products"] = {service["id"]: world.products["payments-v2"]}
    keys = {secret: (await world.admin("GET", f"/key-auths/{secret}"))["id"]}
    return NginxNode(folder, "aforo", filled, keys=keys, service=service)


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
