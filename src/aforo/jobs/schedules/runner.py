"""Runs what is due: a few at a time, few of one subject, never two runs of one schedule."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from aforo.gateway_sdk.errors import BreakerOpen, GatewayThrottled
from aforo.jobs.schedules import rules
from aforo.jobs.schedules.model import Kind, Outcome, Result, Run, Schedule, Seen, Subject
from aforo.jobs.schedules.sql import ScheduleStore
from aforo.jobs.schedules.timetable import Timetable
from aforo.kit.clock import Clock
from aforo.kit.errors import AforoError
from aforo.kit.jsontree import JsonObject

AT_ONCE: Final = 8
AT_ONCE_EACH: Final = 2
"""How many runs there are at a time in all, and of one subject: a slow gateway must not keep the others waiting."""
_LOOK_SECONDS: Final = 1.0
_AGREE_SECONDS: Final = 60.0

log = logging.getLogger(__name__)


class Runner:
    """The worker's part of the schedules."""

    def __init__(
        self,
        store: ScheduleStore,
        timetable: Timetable,
        clock: Clock,
        describe: Callable[[Exception], JsonObject],
    ) -> None:
        self._store = store
        self._timetable = timetable
        self._clock = clock
        self._describe = describe
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()

    async def run(self) -> None:
        """Work until cancelled. A fault of the records, such as a full disk, is outlived."""
        agreed_at = self._clock.monotonic()
        while True:
            try:
                await self.look()
                if self._clock.monotonic() - agreed_at >= _AGREE_SECONDS:
                    await self._timetable.agree()
                    agreed_at = self._clock.monotonic()
            except Exception:
                log.exception("looking for due schedules failed")
            await self._clock.sleep(_LOOK_SECONDS)

    async def run_due(self) -> None:
        """Run what is due now, and wait until it has ended."""
        while await self.look():
            await asyncio.wait(self._runs.values(), return_when=asyncio.FIRST_COMPLETED)

    async def look(self) -> bool:
        """Start what is due, as far as there is room, and put off what has to wait; whether anything runs now."""
        due = await self._store.due(self._clock.now())
        subjects = await self._timetable.subjects() if due else {}
        for one in due:
            kind, subject = self._timetable.kinds.get(one.kind), subjects.get(one.subject_id)
            if kind and subject and not await self._waits(one, kind, subject) and self._has_room(one):
                self.start(one, kind, subject)
        return bool(self._runs)

    def start(self, schedule: Schedule, kind: Kind, subject: Subject) -> "asyncio.Task[None]":
        """Begin a run, or give the one that is under way: it is the run that whoever asks would have got."""
        if schedule.id not in self._runs:
            task = asyncio.create_task(self._run(schedule, kind, subject), name=f"{kind.key} {subject.id}")
            self._runs[schedule.id] = task
            self._busy[schedule.subject_id] += 1
            task.add_done_callback(lambda _: self._ended(schedule))
        return self._runs[schedule.id]

    async def finished(self, seen: Seen) -> None:
        """Run it now and wait for its end; whoever waits may leave, and the run goes on."""
        await asyncio.shield(self.start(seen.schedule, seen.kind, seen.subject))

    async def stop(self) -> None:
        """Cut what runs: the next start tells so and runs it again."""
        runs = [*self._runs.values()]
        for task in runs:
            task.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    def _has_room(self, schedule: Schedule) -> bool:
        return len(self._runs) < AT_ONCE and self._busy[schedule.subject_id] < AT_ONCE_EACH

    async def _waits(self, schedule: Schedule, kind: Kind, subject: Subject) -> bool:
        if schedule.id in self._runs:
            return True
        until = rules.put_off(kind, subject, self._clock.now(), self._timetable.chance())
        if until:
            await self._store.plan({schedule.id: until})
        return until is not None

    async def _run(self, schedule: Schedule, kind: Kind, subject: Subject) -> None:
        begun, started_at = self._clock.monotonic(), self._clock.now()
        run = Run(started_at)
        await self._store.run(schedule.id, run)  # before the first call, so that a crash is told
        outcome, error = await self._outcome(schedule, kind)
        now = self._clock.now()
        ended = replace(
            run,
            ended_at=now,
            took_ms=(self._clock.monotonic() - begun) * 1000,
            result=outcome.result,
            words=outcome.words,
            error=error,
        )
        fresh = await self._store.get(schedule.id)
        if fresh:  # its subject may be gone by now
            every = fresh.own_seconds or kind.default_seconds(subject)
            if outcome.result in (Result.FAILED, Result.HELD):
                every = min(every, rules.RETRY_SECONDS)
            planned = outcome.next_at or rules.next_run(started_at, now, every, self._timetable.chance())
            await self._store.run(schedule.id, ended, await self._probe_at(kind, subject) or planned)

    async def _probe_at(self, kind: Kind, subject: Subject) -> datetime | None:
        """When the run that has just ended left the breaker open: the probe is the next one."""
        fresh = (await self._timetable.subjects()).get(subject.id) if kind.probes else None
        return rules.put_off(kind, fresh, self._clock.now(), 0.0) if fresh and not fresh.paused_until else None

    async def _outcome(self, schedule: Schedule, kind: Kind) -> tuple[Outcome, JsonObject | None]:
        try:
            return await kind.work(schedule), None
        except (BreakerOpen, GatewayThrottled) as fault:
            until = self._clock.now() + timedelta(seconds=max(1.0, fault.retry_after_seconds))
            held = rules.first_run(kind, until, self._timetable.chance()) if not kind.probes else until
            return Outcome(fault.detail, Result.HELD, held), self._describe(fault)
        except AforoError as fault:
            return Outcome(fault.detail, Result.FAILED), self._describe(fault)
        except Exception as fault:  # a fault of ours in one run is not the end of all others
            log.exception("%s of %s failed", schedule.kind, schedule.subject_id)
            return Outcome("Aforo failed; it has been logged.", Result.FAILED), self._describe(fault)

    def _ended(self, schedule: Schedule) -> None:
        task = self._runs.pop(schedule.id)
        self._busy[schedule.subject_id] -= 1
        if not task.cancelled() and (fault := task.exception()):
            log.error("a run of %s could not be stored", schedule.id, exc_info=fault)
