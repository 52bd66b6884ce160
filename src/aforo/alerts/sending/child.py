"""The process in which apprise runs: reads one wish as JSON, sends, writes the outcome as JSON.

An audit hook sees every connection right before it is made, with its address, whatever library makes it. What may not
be called is refused there, as are programs that a plugin would start.
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final

from aforo.gateway_sdk.errors import TargetRefused
from aforo.gateway_sdk.transport.addresses import check_address

_CONNECTS: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_STARTS: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn"})


def main() -> None:
    wish = json.load(sys.stdin)
    told: list[str] = []
    allowed = bool(wish.get("allowPrivate"))
    made = _made(wish["url"], told)
    if made is None or "body" not in wish:
        _answer(ok=made is not None, words=told)
        return
    sys.addaudithook(_guard(told, allow_private=allowed))
    ok = bool(made.notify(title=wish["title"], body=wish["body"]))
    _answer(ok=ok, words=told)


def _made(url: str, told: list[str]) -> Any:
    """An apprise that leads to this one service, and keeps nothing on the disk; None where no plugin takes the URL."""
    import apprise

    handler = _Told(told)
    logging.getLogger("apprise").handlers = [handler]
    logging.getLogger("apprise").setLevel(logging.WARNING)
    asset = apprise.AppriseAsset(app_id="Aforo", app_desc="Aforo", storage_mode="memory", async_mode=False)
    made = apprise.Apprise(asset=asset)
    return made if made.add(url) and len(made) == 1 else None


class _Told(logging.Handler):
    def __init__(self, told: list[str]) -> None:
        super().__init__()
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told.append(record.getMessage())


def _guard(told: list[str], *, allow_private: bool) -> Callable[[str, tuple[Any, ...]], None]:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _STARTS:
            raise PermissionError("no program is started here")
        if event not in _CONNECTS:
            return
        place = args[1]
        if not isinstance(place, tuple):  # a socket of this machine
            raise PermissionError("only the network is called from here")
        try:
            check_address(str(place[0]), str(place[0]), allow_private=allow_private)
        except (TargetRefused, ValueError) as fault:
            told.insert(0, str(getattr(fault, "detail", fault)))
            raise PermissionError("this address is not called") from None

    return hook


def _answer(*, ok: bool, words: list[str]) -> None:
    answer = "Handed over." if ok else " ".join(words[:3]) or "The service did not take it."
    json.dump({"ok": ok, "answer": answer}, sys.stdout)


if __name__ == "__main__":
    main()
