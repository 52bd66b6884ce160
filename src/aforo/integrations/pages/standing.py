"""How a gateway stands, for the strips of several pages: its day, its call budget, its last scan."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.integrations.model import Integration
from aforo.integrations.rules import day
from aforo.integrations.service import Integrations
from aforo.jobs import Schedules
from aforo.kit.clock import Clock, from_rfc3339

SCAN: Final = "drift"
"""The kind of schedule whose last run is the last scan."""


async def last_scans(schedules: Schedules, tenant_id: str) -> Mapping[str, dict[str, Any]]:
    """By integration: when its products were last compared, how that ended, and when they will be next."""
    return {
        seen.subject.id: {
            "at": seen.schedule.last.ended_at if seen.schedule.last else None,
            "result": seen.schedule.last.result if seen.schedule.last else None,
            "next": seen.schedule.next_at,
        }
        for seen in await schedules.all(tenant_id, kind=SCAN)
    }


async def standing(integrations: Integrations, clock: Clock, one: Integration) -> dict[str, Any]:
    """The 24 h strip with its sentence, the fullest call limit, the breaker with its probe, the pause that holds."""
    points = await integrations.history(one.tenant_id, one.id)
    now = clock.now()
    bars, spans = day.beats(points, now), day.episodes(points)
    probe = integrations.probe_at(one)
    meters = integrations.budget(one).meters()
    return {
        "beats": bars,
        "day": day.sentence(bars, spans),
        "episodes": spans,
        "day_start": now - day.DAY,
        "now": now,
        "meter": meters[0] if meters else None,
        "breaker": one.vitals.breaker.state.value,
        "probe_at": from_rfc3339(probe) if probe else None,
        "pause": one.paused_at(now),
    }
