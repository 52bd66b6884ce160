"""What the edge keeps in its own files, read beside it: quotas, dead letters, holes in the sequence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from aforo.accounts import Caller
from aforo.accounts.model import Tenant
from aforo.alerts import Affected, Alert, Alerts, Kind, Notice, Severity
from aforo.enforcement.standing import Used, used
from aforo.kit.clock import rfc3339
from aforo.kit.errors import NotFound
from aforo.usage.completeness import CompletenessLog, NodeCertificate
from aforo.usage.dead_letters import DeadLetters

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_LEVELS: Final = (Decimal("0.8"), Decimal(1))
_HOLES_LOOK_BACK: Final = timedelta(days=31)
_ON_THE_WAY: Final = timedelta(minutes=10)
"""A node sends in batches and tries again: what is younger may only be late."""

_Writes = dict[str, Callable[[], Awaitable[Notice | None]]]


class QuotaWatch:
    """Remembers what each counter showed, so that a survey asks only for the plans of those that moved."""

    def __init__(self) -> None:
        self._limits: dict[int, tuple[Decimal, Decimal | None]] = {}

    async def tell(self, alerts: Alerts, rooms: "Rooms", tenant_id: str, now: datetime) -> None:
        """One alert at 80 % and one at 100 % of a quota in a period; both are over when the period is."""
        ledger = rooms.settings.data_dir / "ledger.db"
        counters = await asyncio.to_thread(used, ledger, tenant_id, int(now.timestamp() * 1_000))
        holding: _Writes = {}
        for one in counters:
            limit = await self._limit(rooms, tenant_id, one)
            for level in _LEVELS:
                if limit and one.units >= limit * level:
                    episode = f"{one.counter} {one.starts_ms} {level:.0%}"
                    holding[episode] = partial(_reached, rooms, tenant_id, one, limit, level, episode, now)
        await alerts.reconcile(tenant_id, Kind.QUOTA, holding, _period_over)

    async def _limit(self, rooms: "Rooms", tenant_id: str, one: Used) -> Decimal | None:
        """The quota that this counter counts; None where the plan has none such any more."""
        known = self._limits.get(one.counter)
        if known and known[0] == one.units:
            return known[1]
        try:
            held = (await rooms.customers.subscriptions.one(tenant_id, one.subscription_id)).subscription
            plan = await rooms.customers.plans.one(tenant_id, held.plan_id, held.plan_version)
        except NotFound:
            limit = None
        else:
            spans = {
                (quota.metric, quota.period, quota.anchor_day, quota.time_zone): quota.units
                for quota in plan.terms.quotas
            }
            limit = next((units for key, units in spans.items() if key == (one.metric, *one.span)), None)
        self._limits[one.counter] = (one.units, limit)
        return limit


async def _reached(
    rooms: "Rooms", tenant_id: str, one: Used, limit: Decimal, level: Decimal, episode: str, now: datetime
) -> Notice | None:
    try:
        held = (await rooms.customers.subscriptions.one(tenant_id, one.subscription_id)).subscription
        customer = await rooms.customers.customers.one(tenant_id, held.customer_id)
        plan = await rooms.customers.plans.one(tenant_id, held.plan_id, held.plan_version)
    except NotFound:
        return None
    ends = datetime.fromtimestamp(one.ends_ms / 1_000, UTC)
    full = level == 1
    mode = next((quota.mode.value for quota in plan.terms.quotas if quota.metric == one.metric), "")
    return Notice(
        kind=Kind.QUOTA,
        episode=episode,
        subject=one.subscription_id,
        name=customer.name,
        severity=Severity.CRITICAL if full else Severity.WARNING,
        title=f"{customer.name} has used {'all' if full else '80 %'} of {one.metric}",
        detail=f"{one.units:,.0f} of {limit:,.0f} {one.metric}, a {mode} quota of the plan {plan.name}. "
        f"A new period begins {ends.day} {ends:%b %Y, %H:%M} UTC.",
        path=f"/subscriptions/{one.subscription_id}",
        since=now,
        affected=Affected(1),
    )


async def _period_over(alert: Alert) -> str:
    del alert
    return "A new period has begun, or the plan has another quota."


async def tell_dead_letters(alerts: Alerts, rooms: "Rooms", tenant: Tenant, now: datetime) -> None:
    """One alert for each reason for which events were refused, until none is left."""
    del now
    letters = DeadLetters(rooms.settings.data_dir / "deadletters.db")
    found = await asyncio.to_thread(letters.by_code, tenant.id)
    holding: _Writes = {code: partial(_letters, code, count, oldest_ns) for code, count, oldest_ns in found}
    await alerts.reconcile(tenant.id, Kind.DEAD_LETTERS, holding, _letters_gone)


async def _letters(code: str, count: int, oldest_ns: int) -> Notice:
    return Notice(
        kind=Kind.DEAD_LETTERS,
        episode=code,
        subject=code,
        name=code,
        severity=Severity.WARNING,
        title=f"{count:,} event{'s were' if count > 1 else ' was'} refused: {code}",
        detail="Not counted, and kept. Mend what sends them, then replay them there, or by POST "
        "/v1/ingest/dead-letters/replay.",
        path=f"/dead-letters?{urlencode({'code': code})}",
        since=datetime.fromtimestamp(oldest_ns / 10**9, UTC),
    )


async def _letters_gone(alert: Alert) -> str:
    del alert
    return "None is left: replayed, or forgotten as the oldest."


async def tell_holes(alerts: Alerts, rooms: "Rooms", tenant: Tenant, now: datetime) -> None:
    """One alert for each node whose numbers lack some, until all are there."""
    log = CompletenessLog(rooms.settings.data_dir)
    caller = Caller(tenant.id, tenant.slug, "survey", frozenset())
    period = tuple(int(at.timestamp()) * 10**9 for at in (now - _HOLES_LOOK_BACK, now - _ON_THE_WAY))
    found = await asyncio.to_thread(log.certificate, caller, None, (period[0], period[1]))
    old = rfc3339(now - _ON_THE_WAY)
    holding: _Writes = {
        f"{node.node} {node.epoch}": partial(_hole, node, now)
        for node in found.nodes
        if any(one.before <= old for one in node.missing)
    }
    await alerts.reconcile(tenant.id, Kind.COMPLETENESS, holding, _filled)


async def _hole(node: NodeCertificate, now: datetime) -> Notice:
    first = node.missing[0]
    after = first.after or "its start"
    return Notice(
        kind=Kind.COMPLETENESS,
        episode=f"{node.node} {node.epoch}",
        subject=node.node,
        name=node.node,
        severity=Severity.WARNING,
        title=f"{node.missing_count:,} event{'s' if node.missing_count > 1 else ''} of node {node.node} missing",
        detail=f"Numbers {first.first:,} to {first.last:,} never came; they lie between {after} and {first.before}.",
        path="/completeness",
        since=now,
    )


async def _filled(alert: Alert) -> str:
    del alert
    return "All numbers are there, or the hole is older than 31 days."
