"""Taking usage in: bytes of a request to durable events and an answer."""

import asyncio
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from itertools import compress, repeat
from typing import Final, TypeAlias

from aforo.accounts import Caller, TenantMismatch
from aforo.kit.clock import Clock
from aforo.usage import record
from aforo.usage.decode import Request, read
from aforo.usage.dedupe import Dedupe
from aforo.usage.judge import Judged, judge
from aforo.usage.model import Answer, Rejection
from aforo.usage.record import Digests, Record
from aforo.usage.rules.columns import NAMES, Columns
from aforo.usage.rules.event import Terms
from aforo.usage.segment_log import Position, SegmentLog, after
from aforo.usage.unpack import unpacked

_UNPACK_ASIDE_BYTES: Final = 64 * 1024
_UNPACK_AT_ONCE: Final = 2

Metrics: TypeAlias = Callable[[str], Container[str] | None]
"""The names of a tenant's metrics; None where they are not known, and then every name passes."""
Settle: TypeAlias = Callable[[Sequence[Record]], None]
"""Told of accepted events once they are durable, in the order of the log."""
Refusals: TypeAlias = Callable[[Caller, int, Request, list[Rejection]], None]
"""Keeps the refused events of a request that was received then; may block on the disk."""
Durable: TypeAlias = Callable[[Record, Position], None]
"""Told of every frame once it is durable, with the place behind it."""


def every_metric(_tenant_id: str) -> None:
    """No metric is unknown."""


@dataclass(slots=True)
class Parts:
    """What an ingest works with beside its log. `settle` and `durable` must neither block nor fail."""

    metrics: Metrics = every_metric
    settle: Settle | None = None
    durable: Durable | None = None
    refusals: Refusals | None = None


@dataclass(slots=True)
class _Batch:
    """A request's new events, and what became of the others."""

    tenant_id: str
    received_ns: int
    columns: Columns
    digests: Digests
    rejections: list[Rejection]
    duplicates: int = 0
    conflicts: int = 0
    retries: list[tuple[str, int | str | None, int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.digests.keys)


_CONFLICT: Final = ("idempotency_conflict", "this idempotencyKey was used before for another event")


class Ingest:
    """One log's events: validated, told apart from retries, appended, and only then answered."""

    def __init__(self, log: SegmentLog, dedupe: Dedupe, clock: Clock, parts: Parts | None = None) -> None:
        self._log = log
        self._dedupe = dedupe
        self._clock = clock
        self._parts = parts or Parts()
        self._in_flight: set[asyncio.Future[Position]] = set()
        self._received_ns = 0
        self._unpacking = asyncio.Semaphore(_UNPACK_AT_ONCE)

    async def ingest(self, body: bytes, caller: Caller, *, content_type: str = "", encoding: str = "") -> Answer:
        """Keep what can be kept. Raises Unreadable, TooLarge, UnsupportedMedia, TenantMismatch, Overloaded."""
        plain = await self._unpacked(body, encoding)
        request = read(plain, content_type, tenant_id=caller.tenant_id, bound_customer=caller.customer_id)
        return await self.keep(request, caller)

    async def keep(self, request: Request, caller: Caller) -> Answer:
        """Keep what can be kept of rows that were read. Raises TenantMismatch, Overloaded."""
        if request.tenant is not None and not caller.is_tenant(request.tenant):
            raise TenantMismatch("The request names a tenant that is not the key's.")
        judged = judge(request, self._terms(caller))
        originals = list(self._in_flight)
        batch = self._without_retries(judged, caller.tenant_id)
        waiting = [self._append(batch)] if batch.count else []
        if batch.retries:
            self._note_retries(batch)
        if batch.duplicates or batch.conflicts:  # an original may still be on its way to the disk
            waiting += originals
        for done in waiting:
            await asyncio.shield(done)
        if batch.rejections and self._parts.refusals is not None:
            await asyncio.to_thread(self._parts.refusals, caller, batch.received_ns, request, batch.rejections)
        return Answer(batch.count, batch.duplicates, len(batch.rejections), batch.rejections)

    async def _unpacked(self, body: bytes, encoding: str) -> bytes:
        if not encoding or len(body) < _UNPACK_ASIDE_BYTES:
            return unpacked(body, encoding)
        async with self._unpacking:
            return await asyncio.to_thread(unpacked, body, encoding)

    def _terms(self, caller: Caller) -> Terms:
        """Times of receipt only grow, so that a reader may stop at the first that is too old."""
        self._received_ns = max(self._received_ns + 1, int(self._clock.now().timestamp() * 1_000_000) * 1_000)
        known = self._parts.metrics(caller.tenant_id)
        return Terms(self._received_ns, caller.customer_id, _all_pass if known is None else _knows(known))

    def _without_retries(self, judged: Judged, tenant_id: str) -> _Batch:
        digests = self._dedupe.digester.of(tenant_id, judged.columns)
        known = self._dedupe.known(digests.keys) if digests.keys else {}
        batch = _Batch(tenant_id, self._received_ns, judged.columns, digests, judged.rejections)
        if known or len(set(digests.keys)) != len(digests.keys):
            _sort_out(batch, known, judged.indexes)
        return batch

    def _append(self, batch: _Batch) -> "asyncio.Future[Position]":
        """Queue the batch's frame; when it is durable everybody is told, in the order of the log."""
        keys = dict(zip(batch.digests.keys, batch.digests.contents, strict=True))
        payload = record.encode(batch.tenant_id, batch.received_ns, batch.columns, batch.digests)
        self._dedupe.begin(keys)
        try:
            done = self._log.append(payload)
        except Exception:
            self._dedupe.forget(keys)
            raise
        self._in_flight.add(done)

        def settled(future: asyncio.Future[Position]) -> None:
            self._in_flight.discard(future)
            if future.cancelled() or future.exception() is not None:
                self._dedupe.forget(keys)
                return
            end = after(future.result(), payload)
            self._dedupe.durable(keys, end)
            self._tell(Record.just_made(batch.tenant_id, batch.received_ns, batch.columns, batch.count), end)

        done.add_done_callback(settled)
        return done

    def _tell(self, made: Record, end: Position) -> None:
        if self._parts.durable is not None:
            self._parts.durable(made, end)
        if self._parts.settle is not None and made.count:
            self._parts.settle([made])

    def _note_retries(self, batch: _Batch) -> None:
        """For the completeness certificate. Nobody waits for this frame: a lost one is a retry that nobody counted."""
        payload = record.encode_retries(batch.tenant_id, batch.received_ns, batch.retries)
        noted = record.decode(payload)

        def settled(future: asyncio.Future[Position]) -> None:
            if not future.cancelled() and future.exception() is None and noted is not None:
                self._tell(noted, after(future.result(), payload))

        self._log.append(payload).add_done_callback(settled)


def _sort_out(batch: _Batch, known: dict[bytes, int], indexes: Sequence[int]) -> None:
    """Keep the new ones; of several with one key in one request the first is the original."""
    seen = dict(known)
    new: list[bool] = []
    again: list[bool] = []
    for place, (key, content) in enumerate(zip(batch.digests.keys, batch.digests.contents, strict=True)):
        is_new = key not in seen
        before = seen.setdefault(key, content)
        new.append(is_new)
        again.append(not is_new and before == content)
        if before != content:
            batch.rejections.append(Rejection(indexes[place], *_CONFLICT))
    batch.duplicates = sum(again)
    batch.conflicts = len(new) - sum(new) - batch.duplicates
    batch.retries = _numbered(batch.columns, again)
    batch.rejections.sort(key=lambda one: one.index)
    batch.columns = _chosen(batch.columns, new)
    keys, contents = batch.digests.keys, batch.digests.contents
    batch.digests = Digests(batch.digests.mark, list(compress(keys, new)), list(compress(contents, new)))


def _numbered(columns: Columns, again: list[bool]) -> list[tuple[str, int | str | None, int]]:
    """Node, epoch and sequence number of those retries that have them."""
    node, epoch, seq = (NAMES.index(name) for name in ("node_id", "epoch", "seq"))
    if columns[node] is None or columns[seq] is None:
        return []
    numbers = (repeat(None) if columns[place] is None else columns[place] or () for place in (node, epoch, seq))
    return [one for one in compress(zip(*numbers, strict=False), again) if one[0] and one[2] is not None]


def _chosen(columns: Columns, which: list[bool]) -> Columns:
    return [None if column is None else tuple(compress(column, which)) for column in columns]


def _all_pass(_metric: str) -> bool:
    return True


def _knows(known: Container[str]) -> Callable[[str], bool]:
    return lambda metric: metric in known or metric == "api_calls" or metric.startswith("system.")
