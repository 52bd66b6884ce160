"""The supervisor: prepares the records, starts api and edge, restarts the one that crashes, stops all gracefully.

It imports nothing heavy and talks to its children by their exit codes, and by a pipe on which the api asks for the
emulators. A child that crashes again and again ends the whole, with its last words.
"""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import cast

from aforo.app.child import LIFE_FD
from aforo.app.place import CannotStart, Place, near, origin

_GRACE_SECONDS = 20.0
_CALM_SECONDS = 30.0
"""A child that lived this long before it crashed is restarted at once; others wait a little longer each time."""
_CRASHES, _CRASHES_SECONDS = 5, 60.0
"""So many crashes of one child within so many seconds are no accident."""
_LAST_WORDS = 8
_EMULATORS = "emulators"
_READY_SECONDS = 30.0


def main(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    edge_port: int = 8081,
    data_dir: Path = Path("var"),
    emulate: bool = False,
) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP; 0 when stopped so, 1 when it cannot go on, 2 when it cannot start."""
    place = Place(host, port, edge_port, data_dir)
    try:
        place.check()
        lock = place.hold()
    except CannotStart as fault:
        print(f"Aforo is not started. {fault}", file=sys.stderr)
        return 2
    return asyncio.run(_Supervisor(place, lock, emulate=emulate).run())


class _Supervisor:
    def __init__(self, place: Place, lock: int, *, emulate: bool) -> None:
        self._place = place
        self._started = time.monotonic()
        self._emulate = emulate
        self._stopping = asyncio.Event()
        self._given_up = False
        self._wishes, self._wish = os.pipe()
        self._start_signal, self._give_start = os.pipe()
        self._life, self._living = os.pipe()  # nobody writes: the children see its end when this process ends
        self._inherited = (self._life, lock)
        self._watchers: list[asyncio.Task[None]] = []
        self._emulating = False
        self._environment = {
            **os.environ,
            "AFORO_HOST": place.host,
            "AFORO_PORT": str(place.port),
            "AFORO_EDGE_PORT": str(place.edge_port),
            "AFORO_DATA_DIR": str(place.data_dir),
            "PYTHONUNBUFFERED": "1",
            LIFE_FD: str(self._life),
        }

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(name) is not signal.SIG_IGN:  # as nohup leaves it
                loop.add_signal_handler(name, self._stopping.set)
        loop.add_reader(self._wishes, self._heard_wish)
        self._watch("api", "aforo.app.api", {"AFORO_WISH_FD": self._wish, "AFORO_START_FD": self._start_signal})
        first = await self._prepare()
        os.close(self._give_start)
        if first is None:
            self._stopping.set()
            await asyncio.gather(*self._watchers)
            return 1
        place = self._place
        where = ("--data-dir", str(place.data_dir), "--host", place.host, "--port", str(place.edge_port))
        self._watch("edge", "aforo.app.edge", {}, *where)
        if self._emulate:
            self._start_emulators()
        greeter = asyncio.create_task(self._greet(first))
        await self._stopping.wait()
        greeter.cancel()
        await asyncio.gather(*self._watchers)
        return 1 if self._given_up else 0

    async def _prepare(self) -> dict[str, str | None] | None:
        """Bring the records up to date while the api imports; it opens them once the start signal is given."""
        child = await asyncio.create_subprocess_exec(
            *_command("aforo.app.prepare"),
            env=self._environment,
            pass_fds=self._inherited,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await child.communicate()
        if child.returncode != 0:
            print("Aforo could not prepare its records; see the lines above.", file=sys.stderr)
            return None
        first: dict[str, str | None] = json.loads(told.decode().splitlines()[-1])
        return first

    def _watch(self, name: str, module: str, pipes: dict[str, int], *arguments: str) -> None:
        self._watchers.append(asyncio.create_task(self._keep_alive(name, module, pipes, arguments), name=name))

    async def _keep_alive(self, name: str, module: str, pipes: dict[str, int], arguments: tuple[str, ...]) -> None:
        wait, crashes = 0.0, deque[float](maxlen=_CRASHES)
        while not self._stopping.is_set():
            born = time.monotonic()
            last_words = await self._live(module, pipes, arguments)
            if self._stopping.is_set():
                return
            crashes.append(time.monotonic())
            if len(crashes) == crashes.maxlen and crashes[-1] - crashes[0] < _CRASHES_SECONDS:
                self._give_up(name, last_words)
                return
            wait = 0.0 if time.monotonic() - born > _CALM_SECONDS else min(30.0, wait * 2 or 0.5)
            print(f"{name} ended; restarting in {wait:.1f} s.", file=sys.stderr)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)

    async def _live(self, module: str, pipes: dict[str, int], arguments: tuple[str, ...]) -> deque[bytes]:
        """One life of a child, until it ends or is to stop; the last lines that it wrote."""
        child = await asyncio.create_subprocess_exec(
            *_command(module),
            *arguments,
            env={**self._environment, **{name: str(pipe) for name, pipe in pipes.items()}},
            pass_fds=(*self._inherited, *pipes.values()),
            start_new_session=True,
            stderr=asyncio.subprocess.PIPE,
        )
        last_words = deque[bytes](maxlen=_LAST_WORDS)
        passing_on = asyncio.create_task(_pass_on(child, last_words))
        ended = asyncio.create_task(child.wait())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if self._stopping.is_set():
            await _end(child)
        await asyncio.wait({passing_on}, timeout=1)
        passing_on.cancel()
        return last_words

    def _give_up(self, name: str, last_words: deque[bytes]) -> None:
        """Without api or edge there is no Aforo; without emulators there is."""
        said = b"".join(b"  " + line for line in last_words).decode(errors="replace").rstrip() or "  (none)"
        crashed = f"{name} crashed {_CRASHES} times within {_CRASHES_SECONDS:.0f} s."
        if name == _EMULATORS:
            print(f"\n{crashed} Aforo goes on without. Their last words:\n{said}", file=sys.stderr)
            self._emulating = False
            return
        print(
            f"\nAforo stops: {crashed} Its last words:\n{said}\nMend what they name, then start Aforo again.",
            file=sys.stderr,
        )
        self._given_up = True
        self._stopping.set()

    def _heard_wish(self) -> None:
        if b"emulate" in os.read(self._wishes, 4096):
            self._start_emulators()

    def _start_emulators(self) -> None:
        if not self._emulating:
            self._emulating = True
            state = self._place.data_dir / "emulators"
            self._watch(_EMULATORS, "aforo.app.emulate", {}, "all", "--state-dir", str(state))

    async def _greet(self, first: dict[str, str | None]) -> None:
        """Say where to go, once both origins answer."""
        host, ports = near(self._place.host), (self._place.port, self._place.edge_port)
        ready = await asyncio.gather(*(_ready(host, port) for port in ports))
        api, edge = (origin(host, port) for port in ports)
        took = time.monotonic() - self._started
        shown = os.environ.get("AFORO_PUBLIC_URL", api).rstrip("/")
        state = f"ready in {took:.1f} s" if all(ready) else "not ready: see the lines above"
        print(f"\nAforo is {state}.  api {api}  edge {edge}\n")
        print(f"  Sign in (once, within 30 minutes):  {shown}/sign-in/{first['signInToken']}")
        if first["adminKey"]:
            print(f"  Admin key (shown only now):         {first['adminKey']}")
        print("  Stop with Ctrl-C.\n", flush=True)


def _command(module: str) -> tuple[str, ...]:
    return sys.executable, "-m", "aforo.app.child", module


async def _pass_on(child: asyncio.subprocess.Process, last_words: deque[bytes]) -> None:
    """What the child says goes to our own standard error, for as long as that is there."""
    speech = cast("asyncio.StreamReader", child.stderr)  # asked for when it was started
    while said := await speech.read(65536):
        last_words.extend(said.splitlines(keepends=True))
        with contextlib.suppress(OSError):
            sys.stderr.buffer.write(said)
            sys.stderr.buffer.flush()


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
