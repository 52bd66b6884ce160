"""A ministack of one's own: a process that listens on loopback alone and keeps its files in a folder."""

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Final

import httpx2

from tests.gateways.aws.metered import eventually

PROGRAM: Final = Path(__file__).parents[4] / ".venv-ministack" / "bin" / "ministack"
_LISTENS: Final = "0A"


class Ministack:
    """Started with nothing of this process's environment, so that it knows neither a proxy nor anybody's keys."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._log = folder / "ministack.log"
        settings = {
            "BIND_HOST": "127.0.0.1",  # all interfaces, unless told
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",  # an MQTT listener on all interfaces, unless told
            "SFTP_ENABLED": "0",
            "TMPDIR": str(folder),
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
        }
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [PROGRAM], env=settings, cwd=folder, stdout=log, stderr=log, start_new_session=True
            )

    async def is_up(self, http: httpx2.AsyncClient) -> bool:
        async def answers() -> bool:
            assert self._process.poll() is None, self.log()
            try:
                return (await http.get(f"{self.url}/_ministack/ready")).status_code == 200
            except httpx2.TransportError:
                return False

        return bool(await eventually(answers, 30))

    def stop(self) -> None:
        """With the functions' processes, which are of its group."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def log(self) -> str:
        return self._log.read_text()

    def listens_at(self) -> set[str]:
        """The addresses at which it or one of its functions listens, as the kernel writes them."""
        mine = {inode for pid in self._processes() for inode in _sockets(pid)}
        found = set()
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENS and fields[9] in mine:
                    found.add(fields[1].partition(":")[0])
        return found

    def _processes(self) -> list[int]:
        pids = [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
        return [pid for pid in pids if _group(pid) == self._process.pid]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _sockets(pid: int) -> set[str]:
    found = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(one.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found
