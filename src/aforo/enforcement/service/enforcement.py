"""The room's front for the edge."""

from typing import Final

import structlog

from aforo.enforcement.counters import COST, Counters
from aforo.enforcement.leases import Leases
from aforo.enforcement.ledger import KEPT_MS, Keeper, Ledger
from aforo.enforcement.margins import MarginBook
from aforo.enforcement.meters import Meters, PeriodAt
from aforo.enforcement.model import MONTH, Log
from aforo.enforcement.reservations import Reservations
from aforo.enforcement.service.checks import Checks
from aforo.enforcement.service.leasing import Leasing
from aforo.enforcement.service.parts import Parts
from aforo.enforcement.service.settling import Settling
from aforo.enforcement.state import Changes, Snapshot
from aforo.enforcement.state.diff import changes
from aforo.kit.clock import Clock
from aforo.usage import Position, Record

_SWEEP_SECONDS: Final = 600.0


class Enforcement:
    """May this call through, and what has been used? Everything but `aclose` runs on one event loop."""

    def __init__(self, ledger: Ledger, clock: Clock, period_at: PeriodAt) -> None:
        """Loads what the last run left. Raises sqlite3.Error."""
        counters, leases, book = Counters(), Leases(), MarginBook()
        now_ms = int(clock.now().timestamp() * 1000)
        loaded = ledger.load(now_ms)
        for counter in loaded.counters:
            counters.add(counter)
        for lease in loaded.leases:
            leases.add(lease)
        keeper = Keeper(ledger, counters, leases, clock)
        for log, place in loaded.applied.items():
            keeper.apply(Log(log), *place)
        self._ledger = ledger
        self.parts = Parts(
            clock, counters, leases, Reservations(counters), Meters(counters, book, period_at), book, keeper,
            loaded.made_ms,
        )  # fmt: skip
        self.checks = Checks(self.parts)
        self.leasing = Leasing(self.parts, self.checks)
        self.settling = Settling(self.parts, self.leasing)
        self.changes = Changes(clock)
        self._swept = clock.monotonic()

    @property
    def ready(self) -> bool:
        return self.parts.snapshot is not None

    def take(self, snapshot: Snapshot, key: bytes) -> None:
        """Put a new snapshot in force, and tell connected nodes what changed."""
        before = self.parts.snapshot
        self.parts.snapshot, self.parts.key = snapshot, key
        if before is None:
            self._attach_counters(snapshot)
            return
        for tenant_id, tenant in snapshot.tenants.items():
            known = before.tenants.get(tenant_id)
            if known is not None and known is not tenant:
                self.changes.add(tenant_id, changes(known, tenant))

    def settle(self, log: str, record: Record, end: Position) -> None:
        """Take in a frame of durable events, in the log's order; `end` is the place behind it. Never fails.

        Nothing is taken before the first snapshot, and nothing twice: `applied` says from where to go on.
        """
        logger = structlog.get_logger()
        if not self.ready or end <= self.applied(log):
            return
        try:
            self.settling.record(Log(log), record, end.segment, end.offset)
        except Exception:
            logger.exception("events could not be applied to the counters", log=log)

    def applied(self, log: str) -> Position:
        """Up to where the counters hold the log's events; its beginning for a new ledger."""
        return Position(*(self.parts.keeper.applied(Log(log)) or (0, 0)))

    def stranded(self) -> dict[str, int]:
        """Nano-units of HARD quotas that nobody can use before their period ends: by leases that were never settled,
        and by crashes, at most.
        """
        now_ms = self.parts.now_ms()
        chunks = sum(one.stranded for one in self.parts.counters.all() if one.ends_ms > now_ms)
        return {"leases": self.parts.leases.stranded(now_ms), "chunks": chunks}

    async def tick(self) -> None:
        """Call a few times a second: expiry, and writing what nobody waits for."""
        parts, now_ms = self.parts, self.parts.now_ms()
        parts.reservations.expire(now_ms)
        self.leasing.expire(now_ms)
        if parts.clock.monotonic() - self._swept > _SWEEP_SECONDS:
            self._swept = parts.clock.monotonic()
            await self._sweep(now_ms)
        parts.keeper.touch()

    async def aclose(self) -> None:
        """Return the chunks and make everything durable."""
        self.changes.release()
        await self.parts.keeper.aclose()

    async def abandon(self) -> None:
        """Let go of the files without writing anything: what is not durable is lost, as in a crash."""
        await self.parts.keeper.abandon()

    async def _sweep(self, now_ms: int) -> None:
        parts = self.parts
        parts.meters.drop_ended(now_ms)
        parts.book.drop_ended(parts.counters.drop_ended(now_ms - KEPT_MS))
        parts.leases.drop_ended(now_ms - KEPT_MS)
        await parts.keeper.in_thread(lambda: self._ledger.forget(now_ms))

    def _attach_counters(self, snapshot: Snapshot) -> None:
        """Give margins what this month's counters show already."""
        parts, now_ms = self.parts, self.parts.now_ms()
        for counter in parts.counters.all():
            key = counter.key
            tenant = snapshot.tenants.get(key.tenant_id)
            grant = tenant.grants.get(key.subscription_id) if tenant else None
            if grant is not None and key.span == MONTH and key.metric != COST and counter.ends_ms > now_ms:
                parts.meters.at(key.log, grant, key.metric, now_ms)
