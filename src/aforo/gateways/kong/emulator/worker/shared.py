"""`ngx.shared`: memory that all workers of a node see, with lives, and with the least recently used going first."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

Scalar = str | int | float | bool


class SharedDict:
    """One of them. Answers are those of OpenResty: a value, or None and why."""

    def __init__(self, size: int = 5 * 1024 * 1024, now: Callable[[], float] = time.monotonic) -> None:
        self._rows: OrderedDict[str, tuple[Any, float]] = OrderedDict()
        self._room = size
        self._now = now
        self._held = 0

    def get(self, key: str) -> Scalar | tuple[None, str] | None:
        value = self._live(key)
        return (None, "value is a list") if isinstance(value, deque) else value

    get_stale = get

    def add(self, key: str, value: Scalar, life: float = 0, _flags: int = 0) -> tuple[bool, str | None, bool]:
        if self._live(key) is not None:
            return False, "exists", False
        return self.set(key, value, life)

    safe_add = add

    def replace(self, key: str, value: Scalar, life: float = 0, _flags: int = 0) -> tuple[bool, str | None, bool]:
        if self._live(key) is None:
            return False, "not found", False
        return self.set(key, value, life)

    def incr(
        self, key: str, by: float, init: float | None = None, life: float = 0
    ) -> tuple[int | float | None, str | None]:
        held = self._live(key)
        if held is None:
            if init is None:
                return None, "not found"
            self.set(key, init + by, life)
            return init + by, None
        if isinstance(held, (str, bool, deque)):
            return None, "not a number"
        _, ends = self._rows[key]
        self._rows[key] = held + by, ends
        return held + by, None

    def delete(self, key: str) -> None:
        self._drop(key)

    def ttl(self, key: str) -> tuple[float | None, str | None]:
        if self._live(key) is None:
            return None, "not found"
        ends = self._rows[key][1]
        return (ends - self._now() if ends else 0), None

    def expire(self, key: str, life: float) -> tuple[bool | None, str | None]:
        value = self._live(key)
        if value is None:
            return None, "not found"
        self._rows[key] = value, self._now() + life if life else 0
        return True, None

    def flush_all(self) -> None:
        self._rows.clear()
        self._held = 0

    def flush_expired(self, _most: int = 0) -> int:
        over = [key for key in list(self._rows) if self._live(key) is None]
        return len(over)

    def keys(self, most: int) -> str:
        live = [key for key in list(self._rows) if self._live(key) is not None]
        return "\n".join(live[: most or None])

    def lpush(self, key: str, value: Scalar) -> tuple[int | None, str | None]:
        return self._push(key, value, left=True)

    def rpush(self, key: str, value: Scalar) -> tuple[int | None, str | None]:
        return self._push(key, value, left=False)

    def lpop(self, key: str) -> Scalar | None:
        return self._pop(key, left=True)

    def rpop(self, key: str) -> Scalar | None:
        return self._pop(key, left=False)

    def llen(self, key: str) -> int:
        held = self._live(key)
        return len(held) if isinstance(held, deque) else 0

    def capacity(self) -> int:
        return self._room

    def free_space(self) -> int:
        return max(0, self._room - self._held)

    def set(self, key: str, value: Scalar | None, life: float = 0, _flags: int = 0) -> tuple[bool, None, bool]:
        self._drop(key)
        if value is not None:
            self._put(key, value, life)
        return True, None, self._make_room()

    def safe_set(self, key: str, value: Scalar | None, life: float = 0) -> tuple[bool, None, bool]:
        return self.set(key, value, life)

    def _push(self, key: str, value: Scalar, *, left: bool) -> tuple[int | None, str | None]:
        held = self._live(key)
        if held is None:
            self._put(key, held := deque(), 0)
        if not isinstance(held, deque):
            return None, "value not a list"
        (held.appendleft if left else held.append)(value)
        return len(held), None

    def _pop(self, key: str, *, left: bool) -> Scalar | None:
        held = self._live(key)
        if not isinstance(held, deque):
            return None
        found: Scalar = held.popleft() if left else held.pop()
        if not held:
            self._drop(key)
        return found

    def _live(self, key: str) -> Any:
        row = self._rows.get(key)
        if row is None:
            return None
        if row[1] and row[1] <= self._now():
            self._drop(key)
            return None
        self._rows.move_to_end(key)
        return row[0]

    def _put(self, key: str, value: Any, life: float) -> None:
        self._rows[key] = value, self._now() + life if life else 0
        self._held += _size(key, value)

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key, None)
        if row is not None:
            self._held -= _size(key, row[0])

    def _make_room(self) -> bool:
        """Whether something that still lived had to go."""
        gone = False
        while self._held > self._room and len(self._rows) > 1:
            self._drop(next(iter(self._rows)))
            gone = True
        return gone


def _size(key: str, value: Any) -> int:
    """Roughly what a row takes in nginx's slabs."""
    return 64 + len(key) + (len(value) if isinstance(value, str) else 8)
