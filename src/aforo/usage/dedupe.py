"""Which idempotency keys were seen lately, and with what content.

For now this is memory only: a bounded number of keys, read back from the log's tail at start. The answer "new" is
therefore certain only for keys among the most recent ones.
"""

from enum import Enum
from hashlib import blake2b
from typing import Final

_CAPACITY: Final = 500_000


class Seen(Enum):
    """What is known of a key."""

    NEW = "new"
    SAME = "same"
    OTHER_CONTENT = "other content"


def key_digest(tenant_id: str, idempotency_key: str) -> bytes:
    """128 bits that stand for a tenant's key."""
    return blake2b(f"{tenant_id}\0{idempotency_key}".encode(), digest_size=16).digest()


def content_digest(encoded_event: bytes) -> int:
    """64 bits that stand for an event's content."""
    return int.from_bytes(blake2b(encoded_event, digest_size=8).digest(), "big")


class RecentKeys:
    """At least the last half of `capacity` keys, at most `capacity`; two generations make forgetting cheap."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self.capacity = capacity
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def see(self, key: bytes, content: int) -> Seen:
        """Whether the key is known; a new one is remembered."""
        known = self._young.get(key)
        if known is None:
            known = self._old.get(key)
        if known is not None:
            return Seen.SAME if known == content else Seen.OTHER_CONTENT
        if len(self._young) >= max(1, self.capacity // 2):
            self._old, self._young = self._young, {}
        self._young[key] = content
        return Seen.NEW

    def forget(self, keys: list[bytes]) -> None:
        """Their batch did not become durable."""
        for key in keys:
            self._young.pop(key, None)
            self._old.pop(key, None)
