"""Taking usage in: bytes of a request to durable events and an answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aforo.accounts import Caller, TenantMismatch
from aforo.kit.clock import Clock
from aforo.usage import record
from aforo.usage.decode import Row, read
from aforo.usage.dedupe import RecentKeys, Seen, content_digest, key_digest
from aforo.usage.model import Answer, Refused, Rejection
from aforo.usage.rules.event import Sent, Terms, event
from aforo.usage.segment_log import LogReader, Position, SegmentLog
from aforo.usage.unpack import unpacked

_UNPACK_ASIDE_BYTES: Final = 64 * 1024
_UNPACK_AT_ONCE: Final = 2


def knows_api_calls(_tenant_id: str, metric: str) -> bool:
    """The metrics that every tenant has from the start."""
    return metric == "api_calls" or metric.startswith("system.")


class Ingest:
    """One log's events: validated, told apart from retries, appended, and only then answered."""

    def __init__(
        self,
        log: SegmentLog,
        clock: Clock,
        *,
        recent: RecentKeys | None = None,
        knows_metric: Callable[[str, str], bool] = knows_api_calls,
    ) -> None:
        self._log = log
        self._clock = clock
        self._recent = recent or RecentKeys()
        self._knows_metric = knows_metric
        self._in_flight: set[asyncio.Future[Position]] = set()
        self._received_ns = 0
        self._unpacking = asyncio.Semaphore(_UNPACK_AT_ONCE)

    async def ingest(self, body: bytes, caller: Caller, *, content_type: str = "", encoding: str = "") -> Answer:
        """Keep what can be kept. Raises Unreadable, TooLarge, UnsupportedMedia, TenantMismatch, Overloaded."""
        plain = await self._unpacked(body, encoding)
        request = read(plain, content_type, tenant_id=caller.tenant_id, bound_customer=caller.customer_id)
        if request.tenant is not None and not caller.is_tenant(request.tenant):
            raise TenantMismatch("The request names a tenant that is not the key's.")
        self._received_ns = max(self._received_ns + 1, int(self._clock.now().timestamp() * 1_000_000) * 1_000)
        return await self._keep(request.rows, caller)

    async def _unpacked(self, body: bytes, encoding: str) -> bytes:
        if not encoding or len(body) < _UNPACK_ASIDE_BYTES:
            return unpacked(body, encoding)
        async with self._unpacking:
            return await asyncio.to_thread(unpacked, body, encoding)

    async def _keep(self, rows: list[Row], caller: Caller) -> Answer:
        batch = _Batch(caller.tenant_id, self._recent)
        terms = Terms(
            self._received_ns, caller.customer_id, lambda metric: self._knows_metric(caller.tenant_id, metric)
        )
        originals = list(self._in_flight)
        for index, row in enumerate(rows):
            batch.take(index, row, terms)
        if batch.kept:
            await self._append(batch, terms.now_ns)
        if batch.duplicates or batch.conflicts:  # an original may still be on its way to the disk
            await asyncio.gather(*originals)
        return Answer(len(batch.kept), batch.duplicates, len(batch.rejections), batch.rejections)

    async def _append(self, batch: "_Batch", received_ns: int) -> None:
        try:
            done = self._log.append(record.encode(batch.tenant_id, received_ns, batch.kept))
        except Exception:
            self._recent.forget(batch.keys)
            raise
        self._in_flight.add(done)

        def settled(future: asyncio.Future[Position]) -> None:
            self._in_flight.discard(future)
            if future.cancelled() or future.exception() is not None:
                self._recent.forget(batch.keys)

        done.add_done_callback(settled)
        await asyncio.shield(done)


class _Batch:
    """What becomes of a request's rows, one after the other."""

    def __init__(self, tenant_id: str, recent: RecentKeys) -> None:
        self.tenant_id = tenant_id
        self.kept: list[bytes] = []
        self.keys: list[bytes] = []
        self.duplicates = 0
        self.conflicts = 0
        self.rejections: list[Rejection] = []
        self._recent = recent

    def take(self, index: int, row: Row, terms: Terms) -> None:
        try:
            if isinstance(row, Refused):
                raise row
            self._take(*row, terms)
        except Refused as refusal:
            self.rejections.append(Rejection(index, refusal.code, refusal.error))

    def _take(self, sent: Sent, extra: dict[str, bytes], terms: Terms) -> None:
        kept = event(sent, extra, terms)
        encoded = record.encode_event(kept)
        key = key_digest(self.tenant_id, kept.idempotency_key)
        match self._recent.see(key, content_digest(encoded)):
            case Seen.NEW:
                self.kept.append(encoded)
                self.keys.append(key)
            case Seen.SAME:
                self.duplicates += 1
            case Seen.OTHER_CONTENT:
                self.conflicts += 1
                raise Refused("idempotency_conflict", "this idempotencyKey was used before for another event")


class Ingests:
    """The live log and the test log of one data folder; a key's kind decides which one it writes to."""

    def __init__(self, folder: Path, clock: Clock, knows_metric: Callable[[str, str], bool] = knows_api_calls) -> None:
        """Opens both logs and reads their tails. Raises Conflict, LogDamaged, OSError."""
        self.logs = {name: SegmentLog(folder / name) for name in ("live", "test")}
        self._ingests = {
            name: Ingest(log, clock, recent=recent_keys(folder / name), knows_metric=knows_metric)
            for name, log in self.logs.items()
        }

    def of(self, caller: Caller) -> Ingest:
        return self._ingests["test" if caller.test else "live"]

    async def aclose(self) -> None:
        """Everything that waits becomes durable, then the logs are let go."""
        for log in self.logs.values():
            await log.aclose()


def recent_keys(folder: Path, capacity: int = 500_000) -> RecentKeys:
    """The keys of a log's last events; call after the log was opened for writing, which cuts a torn tail."""
    recent = RecentKeys(capacity)
    tail: list[tuple[bytes, int]] = []
    for frame in LogReader(folder).backwards():
        found = record.decode(frame.payload)
        if found is not None:
            pairs = zip(found.events(), found.raw_events(), strict=True)
            tail += reversed(
                [(key_digest(found.tenant_id, one.idempotency_key), content_digest(raw)) for one, raw in pairs]
            )
        if len(tail) >= capacity // 2:
            break
    for key, content in reversed(tail):
        recent.see(key, content)
    return recent
