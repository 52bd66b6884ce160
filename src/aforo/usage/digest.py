"""What stands for an idempotency key and for an event's content: short, and not to be foreseen without the seed."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import repeat
from typing import Any, Final

import msgspec
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from aforo.usage.record import Digests
from aforo.usage.rules.columns import NAMES, Columns, has_gaps, rows

_encode: Final = msgspec.msgpack.Encoder().encode
_KEY: Final = NAMES.index("idempotency_key")
_REQUIRED: Final = 1 << _KEY
"""The members up to the key are there in every event."""


class Digester:
    """128 bits for (tenant, key), 64 for the content. The seed is secret, or a sender could make keys collide."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.mark = xxh3_64_intdigest(b"mark", seed) >> 32

    def of(self, tenant_id: str, columns: Columns) -> Digests:
        """The digests of all events of one tenant."""
        keys = columns[_KEY]
        return Digests(self.mark, self.keys(tenant_id, keys or ()), self.contents(columns))

    def keys(self, tenant_id: str, keys: Iterable[str]) -> list[bytes]:
        return list(map(xxh3_128_digest, map(str.encode, keys), repeat(_tenant_seed(self._seed, tenant_id))))

    def contents(self, columns: Columns) -> list[int]:
        """An event's content is which members it has, and those: the same in whatever company it came."""
        return list(map(xxh3_64_intdigest, map(_encode, _members(columns)), repeat(self._seed)))


def _members(columns: Columns) -> Iterable[tuple[Any, ...]]:
    """For each event a bit for each member that it has, then these members."""
    if columns[0] is None:
        return ()
    present = [(1 << place, column) for place, column in enumerate(columns) if column is not None]
    if not any(has_gaps(column) for bit, column in present if bit > _REQUIRED):
        return zip(repeat(sum(bit for bit, _ in present)), *(column for _, column in present), strict=False)
    return map(_without_none, rows(columns))


def _without_none(row: tuple[Any, ...]) -> tuple[Any, ...]:
    members = [(1 << place, member) for place, member in enumerate(row) if member is not None]
    return (sum(bit for bit, _ in members), *(member for _, member in members))


@lru_cache(maxsize=1024)
def _tenant_seed(seed: int, tenant_id: str) -> int:
    return xxh3_64_intdigest(tenant_id.encode(), seed)
