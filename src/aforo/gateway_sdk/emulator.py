"""What every emulator shares: fault switches, a call counter and a state file, around any ASGI app.

An emulator is a package `emulator` in the gateway's folder with

    create(state: StateFile) -> ASGI app                 the vendor's admin API and request path
    sample_connection(base_url) -> (sign_in, settings)   how to connect to it
    seed(state, size) -> None                            fill it with realistic products; 12 unless told otherwise

Around it, `Switchboard` answers under /__emulator__: `GET calls`, `POST faults`, `POST reset`.
"""

import asyncio
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class StateFile:
    """An emulator's state as one JSON file, replaced atomically; without a path it lives in this object only."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._kept = "{}"

    def load(self) -> dict[str, Any]:
        """The last saved state, or an empty one."""
        if self._path is not None:
            self._kept = self._path.read_text() if self._path.exists() else "{}"
        loaded: dict[str, Any] = json.loads(self._kept)
        return loaded

    def save(self, state: dict[str, Any]) -> None:
        if self._path is None:
            self._kept = json.dumps(state)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent)
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps(state))
        os.replace(name, self._path)  # noqa: PTH105  Path.replace would do the same, this reads as the pair of mkstemp


class SavedSoon:
    """Saves an emulator's state a moment after it has changed, once for many changes.

    Saving takes at most one part in twenty of the time: the longer a save takes, the rarer it is.
    """

    _AFTER_SECONDS = 0.25
    _SHARE = 20

    def __init__(self, save: Callable[[], None]) -> None:
        self._save = save
        self._timer: asyncio.TimerHandle | None = None
        self._rest_seconds = self._AFTER_SECONDS
        self._unsaved = False

    def changed(self) -> None:
        """Save soon; at once where no loop runs. An overdue timer was left behind by a loop that has ended."""
        self._unsaved = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        if self._timer is None or self._timer.when() < loop.time() - self._rest_seconds:
            self._timer = loop.call_later(self._rest_seconds, self.flush)

    def flush(self) -> None:
        """Save now what has changed since the last save."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._unsaved:
            begun = time.monotonic()
            self._save()
            self._unsaved = False
            self._rest_seconds = max(self._AFTER_SECONDS, (time.monotonic() - begun) * self._SHARE)

    async def live(self, receive: Receive, send: Send) -> None:
        """Answer the server's lifespan, and save at its end."""
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        self.flush()
        await send({"type": "lifespan.shutdown.complete"})


@dataclass(slots=True)
class Fault:
    """Answer `status` with `body` to the next `times` matching calls, after letting `after` of them pass.

    `status` 0 only delays. `path` is a prefix, `method` empty for all. `cut` answers but breaks the body off half-way.
    """

    status: int
    times: int = 1
    after: int = 0
    path: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"message":"switched on by the test"}'
    delay_ms: float = 0
    cut: bool = False

    def matches(self, method: str, path: str) -> bool:
        """Whether this call is to fail; counts it."""
        if not path.startswith(self.path) or (self.method and method != self.method) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


class Switchboard:
    """Wraps an emulator: counts calls, fails those it was told to fail, and is steered from a test or by HTTP."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.log: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith("/__emulator__/"):
            await self._steer(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        self.calls[f"{method} {path}"] += 1
        self.log.append((method, path))
        fault = next((fault for fault in self.faults if fault.matches(method, path)), None)
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.delay_ms:
            await asyncio.sleep(fault.delay_ms / 1000)
        if fault.cut:
            await self._app(scope, receive, _cutting(send))
        elif fault.status == 0:
            await self._app(scope, receive, send)
        else:
            await answer(send, fault.status, fault.body.encode(), fault.headers)

    async def _steer(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = scope["path"].removeprefix("/__emulator__/")
        if what == "calls":
            await answer_json(send, 200, {"calls": dict(self.calls), "total": len(self.log)})
        elif what == "faults" and scope["method"] == "POST":
            self.faults.append(Fault(**json.loads(await read_body(receive))))
            await answer_json(send, 201, {"faults": len(self.faults)})
        elif what == "reset" and scope["method"] == "POST":
            self.faults.clear()
            self.calls.clear()
            self.log.clear()
            await answer_json(send, 200, {})
        else:
            await answer_json(send, 404, {"message": "GET calls, POST faults, POST reset"})


async def read_body(receive: Receive) -> bytes:
    """The whole request body."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def answer(send: Send, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """One whole answer; JSON unless the headers say otherwise."""
    named = {"content-type": "application/json; charset=utf-8", **{k.lower(): v for k, v in (headers or {}).items()}}
    raw = [(name.encode(), value.encode()) for name, value in named.items()]
    if status != 204:
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if status == 204 else body})


async def answer_json(send: Send, status: int, value: object, headers: dict[str, str] | None = None) -> None:
    await answer(send, status, json.dumps(value).encode(), headers)


def _cutting(send: Send) -> Send:
    """Send half of the body, under a length that matches it: a page cut by something in between."""

    async def cut(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-length"]
            await send({**message, "headers": headers})
        else:
            body = message.get("body", b"")
            await send({**message, "body": body[: len(body) // 2]})

    return cut
