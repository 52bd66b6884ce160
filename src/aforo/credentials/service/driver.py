"""Does what the outbox asks: a lane for each integration, so that one gateway's trouble is nobody else's."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final
from weakref import WeakValueDictionary

from aforo.credentials.errors import NotProvisionable
from aforo.credentials.model import Stuck, Task
from aforo.credentials.rules.backoff import LONGEST_SECONDS, wait_seconds
from aforo.credentials.service.seating import Seating
from aforo.credentials.sql import Outbox
from aforo.credentials.sql.outbox import UNFOLD
from aforo.credentials.sql.record import Record
from aforo.gateway_sdk.errors import BreakerOpen, GatewayThrottled
from aforo.gateway_sdk.provision import Provisioner
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError, NotFound

Provisioners = Callable[[str, str, bool], AbstractAsyncContextManager[Provisioner]]
"""Opens (tenant, integration, urgent); raises NotFound, NotProvisionable or another AforoError where it cannot."""

PATIENCE_SECONDS: Final = 10.0
"""How long a caller waits for gateways."""
_AT_ONCE: Final = 4
_LOOK_SECONDS: Final = 1.0
_OURS: Final = "Aforo failed while working on this; it has been logged."

log = logging.getLogger(__name__)


class Driver:
    """Converges seats. One at a time each, however many ask for it."""

    def __init__(
        self, outbox: Outbox, record: Record, seating: Seating, provisioners: Provisioners, clock: Clock
    ) -> None:
        self._outbox = outbox
        self._record = record
        self._seating = seating
        self._provisioners = provisioners
        self._clock = clock
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = (
            WeakValueDictionary()
        )  # each as long as anybody waits
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._loose: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._open_lanes()
            except Exception:  # such as a full disk: the worker outlives it and looks again
                log.exception("looking for seats to converge failed")
            await asyncio.sleep(_LOOK_SECONDS)

    async def run_due(self) -> None:
        """Try everything that is due now, once or until it stands."""
        while await self._open_lanes():
            await asyncio.gather(*self._lanes.values(), *self._loose)
        await asyncio.gather(*self._loose)

    async def settle(self, tenant_id: str, subscription_id: str, *, wait_for: Collection[str] | None = None) -> None:
        """Bring a subscription's seats to what is wanted, all gateways at once; wait for those named, or for all, some
        seconds at most. What is not done by then, or fails, is done later.
        """
        trials = {}
        for task in await self._unfolded(subscription_id):
            if task.tenant_id == tenant_id:
                trials[task.integration_id] = asyncio.create_task(self._try(task, urgent=True))
        self._loose |= {*trials.values()}
        for trial in trials.values():
            trial.add_done_callback(self._loose.discard)
        awaited = [trial for place, trial in trials.items() if wait_for is None or place in wait_for]
        if awaited:
            await asyncio.wait(awaited, timeout=PATIENCE_SECONDS)

    async def stuck(self, tenant_id: str, attempts: int) -> list[Stuck]:
        """Seats that failed so often in a row, or more often."""
        return await self._outbox.stuck(tenant_id, attempts)

    async def stop(self) -> None:
        """Drop what is under way: the outbox still has it."""
        running = [*self._lanes.values(), *self._loose]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _unfolded(self, subscription_id: str) -> list[Task]:
        tasks = await self._outbox.of(subscription_id)
        for task in tasks:
            if task.integration_id == UNFOLD:
                await self._unfold(task)
                tasks = await self._outbox.of(subscription_id)
        return [task for task in tasks if task.integration_id != UNFOLD]

    async def _open_lanes(self) -> bool:
        """Start a lane wherever something is due and none runs; whether any runs."""
        for task in await self._outbox.due(self._clock.now(), integration_id=UNFOLD):
            await self._unfold(task)
        for place in await self._outbox.places_due(self._clock.now()):
            if place != UNFOLD and place not in self._lanes:
                self._lanes[place] = asyncio.create_task(self._lane(place), name=f"seats at {place}")
        return bool(self._lanes)

    async def _lane(self, integration_id: str) -> None:
        """A few at a time, the urgent first, so that a revoke never waits behind everything else."""
        try:
            while due := await self._outbox.due(self._clock.now(), integration_id=integration_id, limit=_AT_ONCE):
                await asyncio.gather(*(self._try(task, urgent=task.urgent) for task in due))
        finally:
            del self._lanes[integration_id]

    async def _unfold(self, task: Task) -> None:
        try:
            await self._seating.unfold(task)
        except NotFound as fault:
            await self._record.given_up(task, fault.detail)
        except Exception:  # one subscription's trouble is not all others'
            log.exception("finding the seats of %s failed", task.subscription_id)
            await self._put_off(task, AforoError(_OURS))

    async def _try(self, task: Task, *, urgent: bool) -> None:
        lock = self._locks.setdefault((task.subscription_id, task.integration_id), asyncio.Lock())
        async with lock:
            fresh = [
                one for one in await self._outbox.of(task.subscription_id) if one.integration_id == task.integration_id
            ]
            for one in fresh:  # somebody else may have done it while we waited
                await self._attempt(one, urgent=urgent)

    async def _attempt(self, task: Task, *, urgent: bool) -> None:
        try:
            await self._converge(task, urgent=urgent)
        except NotFound as fault:
            await self._record.given_up(task, fault.detail)
        except AforoError as fault:
            await self._put_off(task, fault)
        except Exception:  # a lane outlives a fault of ours in one seat; it is logged, shown and tried again
            log.exception("converging %s at %s failed", task.subscription_id, task.integration_id)
            await self._put_off(task, AforoError(_OURS))

    async def _converge(self, task: Task, *, urgent: bool) -> None:
        await self._seating.lapse(task)
        seat = await self._seating.seat(task)
        async with self._provisioners(task.tenant_id, task.integration_id, urgent) as provisioner:
            seated = await provisioner.converge(seat)
        await self._seating.take_in(task, seat, seated)

    async def _put_off(self, task: Task, fault: AforoError) -> None:
        """At the next probe if the breaker is open, when the gateway asks for it, else with back-off."""
        now = self._clock.now()
        if isinstance(fault, BreakerOpen | GatewayThrottled):
            wait = max(fault.retry_after_seconds, 1.0)
        elif isinstance(fault, NotProvisionable):
            wait = LONGEST_SECONDS
        else:
            wait = wait_seconds(task.attempts + 1, random.SystemRandom().random())
        until = now + timedelta(seconds=wait)
        if isinstance(fault, BreakerOpen):
            await self._outbox.rest(task.integration_id, now, until)
        await self._record.failed(task, str(fault), until)
