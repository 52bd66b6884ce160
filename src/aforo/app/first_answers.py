"""`Idempotency-Key` on any POST: the same key and body within 24 hours get the first answer again.

First answers may hold a secret that is shown once, so they are kept sealed, and dropped after 24 hours.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, LargeBinary, Table, Text, delete, insert, select

from aforo.kit.clock import Clock, rfc3339
from aforo.kit.db import Database, metadata
from aforo.kit.errors import Conflict, Invalid
from aforo.kit.secretbox import SecretBox

_LIFE: Final = timedelta(hours=24)
_PATIENCE: Final = timedelta(minutes=2)
"""A first request that was not answered for this long died with its process."""

first_answers = Table(
    "first_answers",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("key_sha256", Text, primary_key=True),
    Column("request_sha256", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("sealed", LargeBinary),
)


class IdempotencyKeyReused(Invalid):
    """The same key came with another request."""

    code = "idempotency_key_reused"


class FirstStillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    code = "idempotency_in_progress"


class FirstAnswers:
    """The stored first answers of one installation."""

    def __init__(self, db: Database, box: SecretBox, clock: Clock) -> None:
        self._db = db
        self._box = box
        self._clock = clock

    async def claim(self, tenant_id: str, key: str, request: bytes) -> dict[str, Any] | None:
        """The first answer, or None when this request is the first; raises when the key belongs to another one."""
        named, asked = _sha256(key.encode()), _sha256(request)
        now = self._clock.now()
        mine = (first_answers.c.tenant_id == tenant_id) & (first_answers.c.key_sha256 == named)
        async with self._db.write() as connection:
            await connection.execute(delete(first_answers).where(first_answers.c.created_at < rfc3339(now - _LIFE)))
            given_up = mine & first_answers.c.sealed.is_(None) & (first_answers.c.created_at < rfc3339(now - _PATIENCE))
            await connection.execute(delete(first_answers).where(given_up))
            row = (await connection.execute(select(first_answers).where(mine))).mappings().first()
            if row is None:
                await connection.execute(insert(first_answers).values(**_claimed(tenant_id, named, asked, now)))
                return None
        if row["request_sha256"] != asked:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was used for another request.", next_step="Use a new key for a new request."
            )
        if row["sealed"] is None:
            raise FirstStillRunning("The first request with this key is still running.", next_step="Try again later.")
        opened = self._box.open(row["sealed"], tenant_id=tenant_id, owner_id=named, field="first_answer")
        kept: dict[str, Any] = json.loads(opened)
        return kept

    async def keep(self, tenant_id: str, key: str, status: int, headers: list[list[str]], body: bytes) -> None:
        """Store the first answer; one that asks to try again is forgotten instead."""
        named = _sha256(key.encode())
        mine = (first_answers.c.tenant_id == tenant_id) & (first_answers.c.key_sha256 == named)
        async with self._db.write() as connection:
            if status >= 500 or status in (401, 403, 409, 429):
                await connection.execute(delete(first_answers).where(mine))
                return
            told = json.dumps({"status": status, "headers": headers, "body": body.decode()}).encode()
            sealed = self._box.seal(told, tenant_id=tenant_id, owner_id=named, field="first_answer")
            await connection.execute(first_answers.update().where(mine).values(sealed=sealed))


def _claimed(tenant_id: str, named: str, asked: str, now: datetime) -> dict[str, Any]:
    return {"tenant_id": tenant_id, "key_sha256": named, "request_sha256": asked, "created_at": rfc3339(now)}


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
