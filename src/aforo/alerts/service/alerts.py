"""Take alerts in: one for each episode, and one notice when it is over."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aforo.alerts.errors import DeliveryUnderWay
from aforo.alerts.model import Alert, Attempt, Delivery, DeliveryState, Event, Kind, Notice
from aforo.alerts.rules import message
from aforo.alerts.service.deliverer import Deliverer
from aforo.alerts.sql import AlertStore, DeliveryStore
from aforo.alerts.sql.record import Record
from aforo.kit.clock import Clock
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id
from aforo.kit.jsontree import JsonObject

Write = Callable[[], Awaitable[Notice | None]]
"""Makes the notice of an episode, only when it is needed; None where it cannot be told any more."""
Over = Callable[[Alert], Awaitable[str]]
"""How an episode ended, as a sentence."""


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery with its tries."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


class Alerts:
    """A tenant's alerts. Nothing here waits for a channel: what is to be sent is written down, and sent later."""

    def __init__(
        self,
        record: Record,
        alerts: AlertStore,
        deliveries: DeliveryStore,
        deliverer: Deliverer,
        base_url: str,
        clock: Clock,
    ) -> None:
        self._record = record
        self._alerts = alerts
        self._deliveries = deliveries
        self._deliverer = deliverer
        self._base_url = base_url
        self._clock = clock

    async def raise_alert(self, tenant_id: str, notice: Notice) -> Alert | None:
        """Take a notice in; None if this episode was told already."""
        made = await self._record.raised(tenant_id, notice, self._clock.now(), self._payload)
        if made:
            self._deliverer.wake()
        return made

    async def resolve(self, tenant_id: str, kind: Kind, episode: str, resolution: str) -> Alert | None:
        """The episode is over; None if none of that name holds."""
        ended = await self._record.resolved(tenant_id, kind, episode, resolution, self._clock.now(), self._payload)
        if ended:
            self._deliverer.wake()
        return ended

    async def reconcile(self, tenant_id: str, kind: Kind, holding: Mapping[str, Write], over: Over) -> None:
        """These episodes of a kind hold now, all of them: raise what is not told yet, resolve what holds no more.

        Safe to repeat, and after a crash it makes good what was missed.
        """
        known = await self._alerts.holding(tenant_id, kind)
        for episode, alert in known.items():
            if episode not in holding:
                await self.resolve(tenant_id, kind, episode, await over(alert))
        for episode, write in holding.items():
            if episode not in known and (notice := await write()):
                await self.raise_alert(tenant_id, notice)

    async def happened(self, tenant_id: str, kind: Kind, events: Mapping[str, Write]) -> None:
        """Of what merely happened, tell what was not told yet."""
        told = await self._alerts.told(tenant_id, kind, events.keys())
        for episode, write in events.items():
            if episode not in told and (notice := await write()):
                await self.raise_alert(tenant_id, notice)

    async def one(self, tenant_id: str, alert_id: str) -> Alert:
        found = await self._alerts.one(tenant_id, alert_id)
        if found is None:
            raise NotFound(f"There is no alert {alert_id}.", next_step="List them: GET /api/v1/alerts.")
        return found

    async def page(
        self,
        tenant_id: str,
        *,
        holds: bool | None = None,
        kind: Kind | None = None,
        subject: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> tuple[list[Alert], str | None]:
        """Newest first, and the cursor of the next page."""
        found = await self._alerts.page(
            tenant_id, holds=holds, kind=kind, subject=subject, before=cursor, limit=limit + 1
        )
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    async def open_count(self, tenant_id: str) -> int:
        return await self._alerts.open_count(tenant_id)

    async def deliveries(self, alerts: list[Alert]) -> Mapping[str, list[Delivery]]:
        """By alert, oldest first."""
        return await self._deliveries.of([one.id for one in alerts])

    async def told(self, alert: Alert) -> list[Told]:
        """Its deliveries with every try, oldest first."""
        sent = (await self._deliveries.of([alert.id]))[alert.id]
        tries = await self._deliveries.tries([one.id for one in sent])
        return [Told(one, tuple(tries[one.id])) for one in sent]

    async def replay(self, tenant_id: str, alert_id: str, delivery_id: str) -> Delivery:
        """Send the same once more, as a new delivery with an id of its own. Raises DeliveryUnderWay."""
        await self.one(tenant_id, alert_id)
        old = await self._deliveries.one(tenant_id, delivery_id)
        if old is None or old.alert_id != alert_id:
            raise NotFound(
                f"{alert_id} has no delivery {delivery_id}.", next_step=f"List them: GET /api/v1/alerts/{alert_id}."
            )
        if old.state is DeliveryState.PENDING:
            raise DeliveryUnderWay(
                "This delivery has not ended: it is still tried by itself.", next_step="Wait for it to end."
            )
        await self._deliverer.refuse_removed(tenant_id, old)
        now = self._clock.now()
        again = Delivery(
            id=new_id("dlv"),
            tenant_id=tenant_id,
            channel_id=old.channel_id,
            channel_name=old.channel_name,
            alert_id=alert_id,
            event=old.event,
            state=DeliveryState.PENDING,
            attempts=0,
            due_at=now,
            created_at=now,
            payload=old.payload,
            replay_of=old.id,
        )
        await self._deliveries.add(again)
        self._deliverer.wake()
        return again

    def _payload(self, alert: Alert, event: Event) -> JsonObject:
        return message.payload(alert, event, self._base_url, self._clock.now())
