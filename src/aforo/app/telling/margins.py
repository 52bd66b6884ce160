"""Margins that have fallen to a level of their guard, read as the margin page reads them."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from aforo.accounts.model import Tenant
from aforo.alerts import Affected, Alert, Alerts, Kind, Notice, Severity
from aforo.enforcement.earnings import Figures
from aforo.enforcement.rules.margin import LEVELS, Level
from aforo.kit.errors import NotFound

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_DOES: Final = {
    Level.L1_ALERT: "tells people",
    Level.L2_THROTTLE: "lets only some calls pass",
    Level.L3_BLOCK: "refuses every call",
}


async def tell(alerts: Alerts, rooms: "Rooms", tenant: Tenant) -> None:
    """One alert for each guard and level that it has come to, until it comes to another one or the month is over."""
    holding: dict[str, Callable[[], Awaitable[Notice | None]]] = {}
    guards, _ = await rooms.customers.margins.guards(tenant.id, limit=1)
    if guards:
        figures = await rooms.margin.earnings.figures(tenant.id, "month")
        month = f"{figures.span.start:%Y-%m}"
        for (kind, ref), (level, enforced) in figures.levels.items():
            if level in LEVELS:
                told = partial(_notice, rooms, tenant, figures, (kind, ref), level, enforced=enforced)
                holding[f"{month} {kind} {ref} {level.value}"] = told
    await alerts.reconcile(tenant.id, Kind.MARGIN, holding, _over)


async def _notice(
    rooms: "Rooms", tenant: Tenant, figures: Figures, scope: tuple[str, str], level: Level, *, enforced: bool
) -> Notice | None:
    kind, ref = scope
    try:
        name = await _name(rooms, tenant, kind, ref)
    except NotFound:
        return None
    guard = next(one for one in figures.tenant.guards if (one.kind, one.ref) == scope)
    floor = guard.floors[LEVELS.index(level)] or 0
    short, does = level.value.partition("_")[0], _DOES[level]
    acts = f"The guard enforces: it {does}." if enforced else f"The guard observes; enforcing, it {does}."
    return Notice(
        kind=Kind.MARGIN,
        episode=f"{figures.span.start:%Y-%m} {kind} {ref} {level.value}",
        subject=ref,
        name=name,
        severity=Severity.CRITICAL if level is Level.L3_BLOCK else Severity.WARNING,
        title=f"The margin of {name} has fallen to {short}",
        detail=f"Less than {floor / 10**7:g} % of this month's revenue is left after cost. "
        + (acts if level is not Level.L1_ALERT else "Nobody is refused at this level."),
        path="/margin?span=month",
        since=figures.span.end,
        affected=Affected(_subscriptions(figures, kind, ref)),
    )


async def _name(rooms: "Rooms", tenant: Tenant, kind: str, ref: str) -> str:
    if kind == "CUSTOMER":
        return (await rooms.customers.customers.one(tenant.id, ref)).name
    return f"the plan {ref}" if kind == "TIER" else "all customers together"


def _subscriptions(figures: Figures, kind: str, ref: str) -> int:
    grants = figures.tenant.grants.values()
    if kind == "CUSTOMER":
        return sum(grant.customer_id == ref for grant in grants)
    return sum(grant.terms.key == ref for grant in grants) if kind == "TIER" else len(grants)


async def _over(alert: Alert) -> str:
    del alert
    return "It stands at another level now, or a new month has begun."
