"""Sends what the outbox holds: a lane for each channel, so that one that is slow or broken is nobody else's trouble."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from aforo.alerts.model import Address, Channel, Delivery, DeliveryState, Event, Outcome
from aforo.alerts.rules import schedule
from aforo.alerts.sql import ChannelStore, DeliveryStore
from aforo.alerts.vault import AddressVault
from aforo.kit.clock import Clock
from aforo.kit.errors import Conflict, NotFound
from aforo.kit.secretbox import SecretLost

Send = Callable[[Channel, Address, Delivery], Awaitable[Outcome]]
"""Tries once, and never raises for what a receiver does."""
Understands = Callable[[str], Awaitable[str | None]]
"""What is wrong with an address of kind apprise; None if apprise knows it."""

_LOOK_SECONDS: Final = 1.0
_AFTER_CRASH_SECONDS: Final = 60.0
"""When the last try is looked at again, of which nobody knows how it ended."""
_PATIENCE_SECONDS: Final = 10.0

log = logging.getLogger(__name__)


class Deliverer:
    """At least once, and while Aforo runs exactly once: a delivery that ended is never sent again, and its id is the
    same in every try, so that a receiver can tell a try that it had already.
    """

    def __init__(
        self,
        channels: ChannelStore,
        deliveries: DeliveryStore,
        vault: AddressVault,
        send: Send,
        understands: Understands,
        clock: Clock,
    ) -> None:
        self._channels = channels
        self._deliveries = deliveries
        self._vault = vault
        self._send = send
        self._clock = clock
        self.not_understood = understands
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._loose: set[asyncio.Task[None]] = set()
        self._under_way: set[str] = set()
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self._open_lanes()
            except Exception:  # such as a full disk: the worker outlives it and looks again
                log.exception("looking for alerts to deliver failed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_SECONDS)

    async def run_due(self) -> None:
        """Try everything that is due now."""
        while await self._open_lanes():
            await asyncio.gather(*self._lanes.values())

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    async def stop(self) -> None:
        """Drop what is under way: the outbox still has it."""
        running = [*self._lanes.values(), *self._loose]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def send_now(self, delivery: Delivery) -> Delivery:
        """Store and try a test beside its channel's lane; as it stands some seconds later at most."""
        self._under_way.add(delivery.id)
        await self._deliveries.add(delivery)
        trial = asyncio.create_task(self._attempt(delivery))
        self._loose.add(trial)
        trial.add_done_callback(self._loose.discard)
        await asyncio.wait([trial], timeout=_PATIENCE_SECONDS)
        return await self._deliveries.one(delivery.tenant_id, delivery.id) or delivery

    async def refuse_removed(self, tenant_id: str, delivery: Delivery) -> None:
        """Raises Conflict where the channel is gone."""
        if await self._channels.one(tenant_id, delivery.channel_id) is None:
            raise Conflict(
                f"The channel {delivery.channel_name} was removed, so nothing can be sent to it.",
                next_step="Add it again: what is raised from then on goes there.",
            )

    async def _open_lanes(self) -> bool:
        """Start a lane wherever something is due and none runs; whether any runs."""
        for _, channel_id in await self._deliveries.channels_due(self._clock.now()):
            if channel_id not in self._lanes:
                self._lanes[channel_id] = asyncio.create_task(self._lane(channel_id), name=f"alerts to {channel_id}")
        return bool(self._lanes)

    async def _lane(self, channel_id: str) -> None:
        """One after another, oldest first."""
        try:
            while due := await self._deliveries.next_due(channel_id, self._clock.now()):
                if due.id in self._under_way:
                    return
                self._under_way.add(due.id)
                await self._attempt(due)
        except Exception:  # a lane that dies is opened again at the next look
            log.exception("delivering to %s failed", channel_id)
        finally:
            del self._lanes[channel_id]

    async def _attempt(self, delivery: Delivery) -> None:
        try:
            if delivery.attempts >= schedule.MOST_TRIES or (delivery.event is Event.TEST and delivery.attempts):
                await self._deliveries.finish(delivery.id, DeliveryState.FAILED, self._clock.now())
                return
            wait = schedule.wait_seconds(delivery.attempts + 1)
            again = self._clock.now() + timedelta(seconds=_AFTER_CRASH_SECONDS if wait is None else wait)
            number = await self._deliveries.begin(delivery, self._clock.now(), again)
            if number is not None:
                before = self._clock.monotonic()
                outcome = await self._tried(delivery)
                await self._settle(delivery, number, outcome, (self._clock.monotonic() - before) * 1_000)
        finally:
            self._under_way.discard(delivery.id)

    async def _tried(self, delivery: Delivery) -> Outcome:
        channel = await self._channels.one(delivery.tenant_id, delivery.channel_id)
        if channel is None:
            return Outcome(ok=False, answer="The channel was removed.", gone=True)
        if channel.paused and delivery.event is not Event.TEST:
            return Outcome(ok=False, answer=channel.paused, gone=True)
        try:
            return await self._send(channel, self._vault.open(channel), delivery)
        except (SecretLost, NotFound) as fault:
            return Outcome(ok=False, answer=str(fault))
        except Exception:  # a fault of ours in one message is not all others'
            log.exception("sending %s failed", delivery.id)
            return Outcome(ok=False, answer="Aforo failed while sending this; it has been logged.")

    async def _settle(self, delivery: Delivery, number: int, outcome: Outcome, took_ms: float) -> None:
        now = self._clock.now()
        await self._deliveries.end(delivery.id, number, outcome, took_ms)
        wait = None if delivery.event is Event.TEST else schedule.wait_seconds(number, outcome.wait_seconds)
        if outcome.ok:
            await self._deliveries.finish(delivery.id, DeliveryState.DELIVERED, now)
        elif outcome.gone or wait is None:
            await self._deliveries.finish(delivery.id, DeliveryState.FAILED, now)
            if outcome.gone and delivery.event is not Event.TEST:
                await self._channels.pause(delivery.channel_id, outcome.answer)
        else:
            await self._deliveries.put_off(delivery.id, now + timedelta(seconds=wait))
