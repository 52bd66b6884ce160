"""Whether the control plane can do its work: whether the records take a write, and the disk has room for more."""

import shutil
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from aforo.kit.clock import Clock
from aforo.kit.db import Database

LEAST_FREE_BYTES: Final = 64 * 1024 * 1024
"""Room for the write-ahead log and one large import; with less, the next real write may be the one that fails."""
_GOOD_FOR_SECONDS: Final = 1.0


class Readiness:
    """Tries a write at most once a second, however often it is asked."""

    def __init__(self, db: Database, clock: Clock, least_free_bytes: int = LEAST_FREE_BYTES) -> None:
        self._db = db
        self._clock = clock
        self._least_free_bytes = least_free_bytes
        self._tried_at = -_GOOD_FOR_SECONDS
        self._in_the_way: str | None = None

    async def in_the_way(self) -> str | None:
        """What keeps the records from taking writes, in words; None when nothing does."""
        if self._clock.monotonic() - self._tried_at >= _GOOD_FOR_SECONDS:
            self._tried_at = self._clock.monotonic()
            self._in_the_way = await self._try()
        return self._in_the_way

    async def _try(self) -> str | None:
        free = shutil.disk_usage(self._db.path.parent).free
        if free < self._least_free_bytes:
            return f"The disk of the data folder is full: {free // 2**20} MiB are free."
        try:
            async with self._db.write() as connection:
                # a page is changed, logged and synced; nothing reads this number, and it stays what it is
                await connection.exec_driver_sql("PRAGMA user_version = 0")
        except SQLAlchemyError as fault:
            return f"The records cannot be written: {getattr(fault, 'orig', fault)}."
        return None
