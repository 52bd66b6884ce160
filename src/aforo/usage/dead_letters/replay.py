"""Sending dead letters once more, as if their sender had."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from aforo.accounts import Caller
from aforo.usage.dead_letters.store import DeadLetters, LetterQuery
from aforo.usage.decode import reread
from aforo.usage.model import MAX_EVENTS, Rejection
from aforo.usage.service import Ingest

MOST: Final = 10_000


class Replayed(msgspec.Struct, frozen=True):
    """What became of the letters: `accepted` and `duplicates` are gone, `failed` stay with their new reason."""

    accepted: int
    duplicates: int
    failed: int
    errors: list[Rejection]


async def replay(
    ingest: Ingest, letters: DeadLetters, caller: Caller, *, ids: Sequence[str] | None = None, code: str | None = None
) -> Replayed:
    """Replay the named letters, or those of one code, or all: at most 10,000, the newest. Raises Overloaded."""
    query = LetterQuery(code, MOST)
    chosen = await asyncio.to_thread(letters.to_replay, caller, query, ids)
    total = Replayed(0, 0, 0, [])
    for start in range(0, len(chosen), MAX_EVENTS):
        part = chosen[start : start + MAX_EVENTS]
        answer = await ingest.keep(reread([event for _, event in part], tenant_id=caller.tenant_id), caller)
        failed = {one.index for one in answer.errors}
        gone = [id_ for index, (id_, _) in enumerate(part) if index not in failed]
        await asyncio.to_thread(letters.remove, gone)
        total = Replayed(
            total.accepted + answer.accepted,
            total.duplicates + answer.duplicates,
            total.failed + answer.failed,
            [*total.errors, *(Rejection(start + one.index, one.code, one.error) for one in answer.errors)][:100],
        )
    return total
