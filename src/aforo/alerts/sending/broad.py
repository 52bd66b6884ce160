"""Anything that apprise knows, in a short-lived child process.

Apprise opens connections of its own. In a process of its own each of them is checked (`child`), a plugin that hangs is
ended, and the memory that its hundred plugins take is given back.
"""

import asyncio
import json
import os
import sys
from typing import Any, Final

from aforo.alerts.model import Delivery, Outcome
from aforo.alerts.rules import message

_SECONDS: Final = 40.0
_KEPT: Final = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONPATH", "VIRTUAL_ENV")
"""Of the environment; above all not a proxy's address, behind which the check would see only the proxy."""


async def send(url: str, delivery: Delivery, *, allow_private: bool) -> Outcome:
    """Apprise tells only yes or no, and its log lines why."""
    told = await _asked(
        {
            "url": url,
            "title": message.subject(delivery.payload),
            "body": message.text(delivery.payload),
            "allowPrivate": allow_private,
        }
    )
    return Outcome(bool(told["ok"]), str(told["answer"]))


async def not_understood(url: str) -> str | None:
    """What is wrong with an address; None if there is a plugin that takes it."""
    told = await _asked({"url": url})
    return None if told["ok"] else "apprise knows no service with such an address; its wiki lists them all"


async def _asked(wish: dict[str, Any]) -> dict[str, Any]:
    """The URL goes by standard input: arguments and environment can be read by others on this machine."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "aforo.alerts.sending.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            told, _ = await child.communicate(json.dumps(wish).encode())
    except TimeoutError:
        return {"ok": False, "answer": f"The service took longer than {_SECONDS:.0f} s."}
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        answer: dict[str, Any] = json.loads(told)
    except ValueError:
        return {"ok": False, "answer": "Apprise ended without a word."}
    return answer
