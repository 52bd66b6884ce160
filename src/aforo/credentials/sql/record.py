"""Every write of this room, a transaction each: what changes, what it asks of gateways, and who hears of it."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from aforo.credentials.model import Credential, CredentialState, Place, SeatRow, Task
from aforo.credentials.sql import credentials as rows
from aforo.credentials.sql import outbox, seats
from aforo.customers import State, Subscription
from aforo.gateway_sdk.provision import Standing
from aforo.kit.db import Database


class Record:
    """Writes."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def subscription_changed(self, connection: AsyncConnection, subscription: Subscription) -> None:
        """Inside the transaction that writes the subscription: its seats are to be looked at, its credentials end with
        it. Seats that are taken away come before those that are given.
        """
        at = subscription.updated_at
        ends = subscription.status in (State.CANCELLED, State.SUSPENDED)
        if subscription.status is State.CANCELLED:
            await rows.revoke_all(connection, subscription.tenant_id, subscription.id, at)
        await outbox.ask(connection, subscription.tenant_id, subscription.id, outbox.UNFOLD, at, urgent=ends)

    async def unfolded(self, task: Task, wanted: Mapping[str, Standing], now: datetime) -> None:
        """The seats of a subscription, each to be converged."""
        async with self._db.write() as connection:
            for integration_id, standing in wanted.items():
                await seats.want(connection, task.tenant_id, task.subscription_id, integration_id, standing)
                await outbox.ask(
                    connection, task.tenant_id, task.subscription_id, integration_id, now, urgent=task.urgent
                )
            await outbox.finish(connection, task, None)

    async def taken_in(
        self, task: Task, row: SeatRow, places: Mapping[str, Place], due_at: datetime | None, now: datetime
    ) -> None:
        """A seat as it was read back, with the credentials that changed on the way."""
        async with self._db.write() as connection:
            await seats.put(connection, row)
            for credential_id, place in places.items():
                await rows.put_place(connection, credential_id, place)
                await rows.log(connection, task.tenant_id, "credential.placed", credential_id, now)
            await outbox.finish(connection, task, due_at)

    async def failed(self, task: Task, reason: str, due_at: datetime) -> None:
        """An attempt at a seat did not end well; it is tried again."""
        async with self._db.write() as connection:
            await seats.explain(connection, task.subscription_id, task.integration_id, reason)
            await outbox.put_off(connection, task, due_at)

    async def given_up(self, task: Task, reason: str) -> None:
        """There is nothing to try any more, since the integration is gone."""
        async with self._db.write() as connection:
            await seats.explain(connection, task.subscription_id, task.integration_id, reason)
            await outbox.finish(connection, task, None)

    async def issued(self, credential: Credential, *, replaced: Credential | None, now: datetime) -> bool:
        """A new credential; `replaced` is its predecessor, which must be ACTIVE for that; whether it was."""
        async with self._db.write() as connection:
            if replaced and not await rows.change(connection, replaced, {CredentialState.ACTIVE}, now):
                return False
            await rows.add(connection, credential)
            await self._ask(connection, credential, now, urgent=True)
        return True

    async def changed(self, credential: Credential, allowed: Collection[CredentialState], now: datetime) -> bool:
        """A credential in another state, if it was in an allowed one; whether it was."""
        async with self._db.write() as connection:
            done = await rows.change(connection, credential, allowed, now)
            if done:
                await self._ask(connection, credential, now, urgent=True)
        return done

    async def shown(self, credential_id: str, integration_id: str) -> bool:
        """A secret is about to be shown; False if it was already."""
        async with self._db.write() as connection:
            return await rows.mark_shown(connection, credential_id, integration_id)

    async def scoped(self, credential: Credential, left_out: Mapping[str, Collection[str]], now: datetime) -> None:
        """By integration, the products of the plan that the subscription is not to open there."""
        async with self._db.write() as connection:
            for integration_id, products in left_out.items():
                await seats.leave_out(connection, credential.subscription_id, integration_id, products)
            await rows.log(connection, credential.tenant_id, "credential.scoped", credential.id, now)
            await self._ask(connection, credential, now, urgent=True)

    async def adopted(
        self,
        connection: AsyncConnection,
        seat: SeatRow,
        credentials: Collection[Credential],
        elsewhere: Collection[str],
    ) -> None:
        """Inside the transaction that writes the subscription: its seat at one gateway is what was there already.

        Nothing is asked of that gateway; `elsewhere` are the plan's other gateways, where seats are to be made.
        """
        now = seat.seen_at
        if now is None:
            raise ValueError("an adopted seat has been seen")
        await outbox.drop(connection, seat.subscription_id, outbox.UNFOLD)
        await seats.put(connection, seat)
        for one in credentials:
            await rows.add(connection, one)
        for integration_id in elsewhere:
            await seats.want(connection, seat.tenant_id, seat.subscription_id, integration_id, seat.wanted)
            await outbox.ask(connection, seat.tenant_id, seat.subscription_id, integration_id, now, urgent=False)

    async def wake(self, rows: Collection[SeatRow], now: datetime) -> None:
        """These seats are to be converged again, behind whatever is urgent."""
        async with self._db.write() as connection:
            for row in rows:
                await outbox.ask(connection, row.tenant_id, row.subscription_id, row.integration_id, now, urgent=False)

    async def seen(self, row: SeatRow) -> None:
        """A seat as it was read, without a write at the gateway."""
        async with self._db.write() as connection:
            await seats.put(connection, row)

    async def _ask(self, connection: AsyncConnection, credential: Credential, now: datetime, *, urgent: bool) -> None:
        tenant_id, subscription_id = credential.tenant_id, credential.subscription_id
        await outbox.ask(connection, tenant_id, subscription_id, outbox.UNFOLD, now, urgent=urgent)
