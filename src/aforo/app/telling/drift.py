"""Products that differ from their records."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from aforo.alerts import Affected, Alert, Alerts, Kind, Notice, Severity
from aforo.catalog import ImpactOf
from aforo.catalog.model import DriftEpisode, ProductRow
from aforo.kit.errors import NotFound

if TYPE_CHECKING:
    from aforo.app.wiring import Rooms

_NAMED = 3


async def tell(alerts: Alerts, rooms: "Rooms", impact_of: ImpactOf, tenant_id: str) -> None:
    """One alert for each open episode."""
    episodes = await rooms.watch.open_episodes(tenant_id)
    holding: dict[str, Callable[[], Awaitable[Notice | None]]] = {
        episode_id: partial(_notice, rooms, impact_of, tenant_id, product_id)
        for episode_id, product_id in episodes.items()
    }
    await alerts.reconcile(tenant_id, Kind.DRIFT, holding, partial(_over, rooms))


async def _notice(rooms: "Rooms", impact_of: ImpactOf, tenant_id: str, product_id: str) -> Notice | None:
    try:
        row = await rooms.catalog.product(tenant_id, product_id)
        integration = await rooms.integrations.get(tenant_id, row.integration_id)
    except NotFound:
        return None
    episode = await rooms.watch.episode(tenant_id, row)
    if episode is None:
        return None
    touched = (await impact_of(tenant_id, [row.id])).get(row.id)
    return Notice(
        kind=Kind.DRIFT,
        episode=episode.id,
        subject=row.id,
        name=row.name,
        severity=Severity.WARNING,
        title=_title(row, episode, integration.name),
        detail=_detail(episode),
        path=f"/products/{row.id}",
        since=episode.opened_at,
        affected=Affected(touched.subscriptions, touched.credentials, touched.monthly_revenue, touched.currency)
        if touched
        else Affected(),
    )


def _title(row: ProductRow, episode: DriftEpisode, gateway: str) -> str:
    if episode.gone:
        return f"{row.name} is gone from {gateway}"
    return f"{row.name} differs at {gateway} from its record"


def _detail(episode: DriftEpisode) -> str:
    """Which fields, never their values: what is configured at a gateway is not for mailboxes."""
    if episode.gone:
        return "The record in Aforo is kept."
    paths = [change.path for change in episode.changes if change.counts]
    more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
    fields = "field differs" if len(paths) == 1 else "fields differ"
    return f"{len(paths):,} {fields}, not changed through Aforo: {', '.join(paths[:_NAMED])}{more}."


async def _over(rooms: "Rooms", alert: Alert) -> str:
    how = await rooms.watch.how_it_ended(alert.notice.episode)
    words = {
        "restored": "Restored to the gateway.",
        "accepted": "The gateway's version was accepted.",
        "imported": "The gateway's version was imported.",
        "no longer differs": "Gateway and record are the same again.",
    }
    return words.get(how or "", "The product is no longer recorded in Aforo.")
