"""One client's connection to whichever edge lives at the moment."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

_SECONDS: Final = 15.0


class Ended(Exception):
    """No more requests are to be sent."""


@dataclass(slots=True)
class Door:
    """Where the edge listens; None between two lives."""

    port: int | None = None
    ended: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def open(self, port: int | None) -> None:
        with self.changed:
            self.port = port
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait(self) -> int:
        """Raises Ended."""
        with self.changed:
            self.changed.wait_for(lambda: self.ended or self.port is not None)
            if self.ended or self.port is None:
                raise Ended
            return self.port


class Client:
    """Asks once; None when the answer did not come, and then nobody knows what became of the request."""

    def __init__(self, door: Door, key: str) -> None:
        self._door = door
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None
        self._port = 0
        self.window = (0, 0)

    def post(self, path: str, body: bytes) -> tuple[int, Any] | None:
        """Raises Ended."""
        port = self._door.wait()
        if self._connection is None or port != self._port:
            self.close()
            self._connection, self._port = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS), port
        sent = time.monotonic_ns()
        try:
            self._connection.request("POST", path, body, self._headers)
            answer = self._connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            time.sleep(0.01)
            return None
        self.window = (sent, time.monotonic_ns())
        return answer.status, told

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
