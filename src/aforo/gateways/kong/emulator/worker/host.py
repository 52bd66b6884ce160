"""What Lua code in a worker needs of the world outside: clock, digests, regular expressions, log, shared memory."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import socket
import zlib
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote, unquote

LEVELS = ("stderr", "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_FLAGS = {"i": re.IGNORECASE, "s": re.DOTALL, "m": re.MULTILINE, "x": re.VERBOSE}


class Log:
    """The last lines that plugins logged, as (level, message); error.log of this node."""

    def __init__(self) -> None:
        self.lines: deque[tuple[str, str]] = deque(maxlen=2_000)

    def __call__(self, level: int, message: str) -> None:
        self.lines.append((LEVELS[int(level)], message))

    def at(self, level: str) -> list[str]:
        return [message for one, message in self.lines if one == level]


def functions(now: Callable[[], float], log: Log) -> dict[str, object]:
    """All that needs nothing of the worker. Strings are bytes in latin-1, as everywhere in a worker."""
    return {
        "now": lambda: round(now(), 3),
        "log": log,
        "pid": os.getpid(),
        "hostname": socket.gethostname(),
        "digest": lambda name, text: hashlib.new(name, _bytes(text)).hexdigest(),
        "digest_bin": lambda name, text: _text(hashlib.new(name, _bytes(text)).digest()),
        "hmac": lambda name, key, text: _text(hmac.new(_bytes(key), _bytes(text), name).digest()),
        "crc32": lambda text: zlib.crc32(_bytes(text)),
        "base64": lambda text: base64.b64encode(_bytes(text)).decode(),
        "unbase64": _unbase64,
        "escape": lambda text: quote(_bytes(text), safe="-._~"),
        "unescape": lambda text: unquote(text, encoding="latin-1"),
        "random": lambda count: _text(secrets.token_bytes(int(count))),
        "re_find": _find,
        "re_match": _match,
        "re_sub": _sub,
    }


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")


def _unbase64(text: str) -> str | None:
    try:
        return _text(base64.b64decode(text, validate=True))
    except ValueError:
        return None


@lru_cache(512)
def _compiled(pattern: str, flags: str) -> re.Pattern[str]:
    python = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    return re.compile(python, sum(_FLAGS.get(flag, 0) for flag in set(flags)))


def _find(text: str, pattern: str, flags: str) -> tuple[int, int] | None:
    found = _compiled(pattern, flags).search(text)
    return None if found is None else (found.start() + 1, found.end())


def _match(text: str, pattern: str, flags: str) -> tuple[str | bool, ...] | None:
    """The whole match and its groups; a group without part in it is false, as in OpenResty."""
    found = _compiled(pattern, flags).search(text)
    return None if found is None else (found[0], *(False if one is None else one for one in found.groups()))


def _sub(text: str, pattern: str, into: str, flags: str, most: int) -> tuple[str, int]:
    template = re.sub(r"\$(\d+)", r"\\g<\1>", into.replace("\\", r"\\"))
    return _compiled(pattern, flags).subn(template, text, count=int(most))
