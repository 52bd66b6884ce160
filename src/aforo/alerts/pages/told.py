"""Who was told, in words: for this room's pages, and for the pages of what an alert is about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aforo.alerts.model import Delivery, DeliveryState, Event, Kind
from aforo.alerts.room import AlertsRoom
from aforo.alerts.rules.schedule import MOST_TRIES

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class ToldLine:
    """`at` is when it was raised, `words` say what became of it at each channel, `href` leads to the alert."""

    at: datetime
    words: str
    href: str


async def told_of(room: AlertsRoom, tenant_id: str, subject: str, kind: Kind) -> ToldLine | None:
    """Of the alert that holds for a product or an integration; None where none does."""
    found, _ = await room.alerts.page(tenant_id, holds=True, kind=kind, subject=subject, limit=1)
    if not found:
        return None
    sent = (await room.alerts.deliveries(found))[found[0].id]
    return ToldLine(found[0].raised_at, in_words(sent), f"/alerts/{found[0].id}")


def in_words(sent: Iterable[Delivery], event: Event = Event.RAISED) -> str:
    """`on-call delivered, e-mail try 2 of 10`: the newest delivery to each channel."""
    newest = {one.channel_name: one for one in sent if one.event is event}
    parts = [f"{name} {_went(one)}" for name, one in newest.items()]
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return ", ".join(parts[:_NAMED]) + more or "nobody: no channel was there for it"


def _went(one: Delivery) -> str:
    if one.state is DeliveryState.PENDING:
        return f"try {one.attempts} of {MOST_TRIES} failed" if one.attempts else "on its way"
    return one.state.value.lower()
