"""Many times of one request at once. What is not plainly uniform is left to `moment`, one by one."""

from typing import Final

import numpy as np

from aforo.usage.model import Refused
from aforo.usage.rules.moment import from_number, from_text

_SECONDS: Final = len("2026-11-22T12:00:00")
_SHORTEST: Final = _SECONDS + len('""Z')
_MS_NS: Final = 1_000_000
_DIGIT_0, _DIGIT_9 = 0x30, 0x39


def moments(tokens: list[bytes]) -> list[int] | None:
    """Nanoseconds of UTC for JSON tokens of one form; None when they differ in form or any of them is not sound."""
    first = tokens[0]
    if len(set(tokens)) == 1:
        return _same(first, len(tokens))
    if len(set(map(len, tokens))) > 1:
        return None
    if first.startswith(b'"'):
        return _texts(tokens)
    return [int(token) * _MS_NS for token in tokens] if len(first) == 13 and b"".join(tokens).isdigit() else None


def _same(token: bytes, count: int) -> list[int] | None:
    try:
        text = token.strip(b'"').decode("ascii")
        return [from_text(text) if token.startswith(b'"') else from_number(text)] * count
    except (Refused, UnicodeDecodeError):
        return None


def _texts(tokens: list[bytes]) -> list[int] | None:
    """All shaped like the first: digits where it has digits, and every other byte, the offset's too, the same."""
    first = tokens[0]
    if len(first) < _SHORTEST or first[11:12] != b"T":
        return None
    letters = np.frombuffer(b"".join(tokens), np.uint8).reshape(len(tokens), len(first))
    ends = 1 + _SECONDS
    if first[ends : ends + 1] == b".":
        ends += len(first) - len(first[ends + 1 :].lstrip(b"0123456789")) - ends
    varies = (letters != letters[0]).any(axis=0)
    changed = letters[:, varies]
    if varies[ends:].any() or ((changed < _DIGIT_0) | (changed > _DIGIT_9)).any():
        return None
    try:
        base = from_text(first[1:-1].decode("ascii"))
        local = np.ascontiguousarray(letters[:, 1:ends]).view(f"S{ends - 1}").ravel().astype("datetime64[ns]")
    except (Refused, ValueError):  # second 60 and days that do not exist among them
        return None
    found: list[int] = (local.astype(np.int64) - (int(local[0].astype(np.int64)) - base)).tolist()
    return found
