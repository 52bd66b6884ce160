"""The supervisor: prepares the records, starts api and edge, restarts the one that crashes, stops all gracefully.

It imports nothing heavy and talks to its children by their exit codes, and by a pipe on which the api asks for the
emulators.
"""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

_GRACE_SECONDS = 20.0
_CALM_SECONDS = 30.0
"""A child that lived this long before it crashed is restarted at once; others wait a little longer each time."""
_READY_SECONDS = 30.0


def main(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    edge_port: int = 8081,
    data_dir: Path = Path("var"),
    emulate: bool = False,
) -> int:
    """Run until SIGINT or SIGTERM; 0 when all children ended in peace."""
    environment = {
        **os.environ,
        "AFORO_HOST": host,
        "AFORO_PORT": str(port),
        "AFORO_EDGE_PORT": str(edge_port),
        "AFORO_DATA_DIR": str(data_dir),
        "PYTHONUNBUFFERED": "1",
    }
    taken = [number for number in (port, edge_port) if _is_taken(host, number)]
    if taken:
        print(f"Port {taken[0]} of {host} is in use. Stop what listens there, or choose another one.", file=sys.stderr)
        return 2
    return asyncio.run(_Supervisor(environment, emulate=emulate).run())


class _Supervisor:
    def __init__(self, environment: dict[str, str], *, emulate: bool) -> None:
        self._environment = environment
        self._started = time.monotonic()
        self._emulate = emulate
        self._stopping = asyncio.Event()
        self._wishes, self._wish = os.pipe()
        self._start_signal, self._give_start = os.pipe()
        self._watchers: list[asyncio.Task[None]] = []
        self._emulating = False

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self._stopping.set)
        loop.add_reader(self._wishes, self._heard_wish)
        self._watch("api", "aforo.app.api", (self._wish, self._start_signal))
        first = await self._prepare()
        os.close(self._give_start)
        if first is None:
            self._stopping.set()
            await asyncio.gather(*self._watchers)
            return 1
        e = self._environment
        place = ("--data-dir", e["AFORO_DATA_DIR"], "--host", e["AFORO_HOST"], "--port", e["AFORO_EDGE_PORT"])
        self._watch("edge", "aforo.app.edge", (), *place)
        if self._emulate:
            self._start_emulators()
        greeter = asyncio.create_task(self._greet(first))
        await self._stopping.wait()
        greeter.cancel()
        await asyncio.gather(*self._watchers)
        return 0

    async def _prepare(self) -> dict[str, str | None] | None:
        """Bring the records up to date while the api imports; it opens them once the start signal is given."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aforo.app.prepare", env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await child.communicate()
        if child.returncode != 0:
            print("Aforo could not prepare its records; see the lines above.", file=sys.stderr)
            return None
        first: dict[str, str | None] = json.loads(told.decode().splitlines()[-1])
        return first

    def _watch(self, name: str, module: str, pipes: tuple[int, ...], *arguments: str) -> None:
        self._watchers.append(asyncio.create_task(self._keep_alive(name, module, pipes, arguments), name=name))

    async def _keep_alive(self, name: str, module: str, pipes: tuple[int, ...], arguments: tuple[str, ...]) -> None:
        wait = 0.0
        while not self._stopping.is_set():
            born = time.monotonic()
            names = ("AFORO_WISH_FD", "AFORO_START_FD")
            environment = {**self._environment, **dict(zip(names, map(str, pipes), strict=False))}
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments, env=environment, pass_fds=pipes, start_new_session=True
            )
            ended = asyncio.create_task(child.wait())
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if self._stopping.is_set():
                await _end(child)
                return
            wait = 0.0 if time.monotonic() - born > _CALM_SECONDS else min(30.0, wait * 2 + 0.5)
            print(f"{name} ended with {child.returncode}; restarting in {wait:.1f} s.", file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    def _heard_wish(self) -> None:
        if b"emulate" in os.read(self._wishes, 4096):
            self._start_emulators()

    def _start_emulators(self) -> None:
        if not self._emulating:
            self._emulating = True
            state = Path(self._environment["AFORO_DATA_DIR"]) / "emulators"
            self._watch("emulators", "aforo.app.emulate", (), "all", "--state-dir", str(state))

    async def _greet(self, first: dict[str, str | None]) -> None:
        """Say where to go, once both origins answer."""
        host = self._environment["AFORO_HOST"]
        near = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  compares, does not bind
        ports = int(self._environment["AFORO_PORT"]), int(self._environment["AFORO_EDGE_PORT"])
        ready = await asyncio.gather(*(_ready(near, port) for port in ports))
        api, edge = (f"http://{near}:{port}" for port in ports)
        took = time.monotonic() - self._started
        shown = os.environ.get("AFORO_PUBLIC_URL", api).rstrip("/")
        state = f"ready in {took:.1f} s" if all(ready) else "not ready: see the lines above"
        print(f"\nAforo is {state}.  api {api}  edge {edge}\n")
        print(f"  Sign in (once, within 30 minutes):  {shown}/sign-in/{first['signInToken']}")
        if first["adminKey"]:
            print(f"  Admin key (shown only now):         {first['adminKey']}")
        print("  Stop with Ctrl-C.\n", flush=True)


def _is_taken(host: str, port: int) -> bool:
    """Whether somebody listens there already; asked at the start, since a child could tell only by crashing."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask a child to end, and insist after the grace."""
    if child.returncode is None:
        child.terminate()
        try:
            await asyncio.wait_for(child.wait(), _GRACE_SECONDS)
        except TimeoutError:
            child.kill()
            await child.wait()


async def _ready(host: str, port: int) -> bool:
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until:
        if await asyncio.to_thread(_answers, host, port):
            return True
        await asyncio.sleep(0.05)
    return False


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
