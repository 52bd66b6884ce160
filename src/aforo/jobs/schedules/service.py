"""Schedules as the rest of Aforo sees them: look, change, run now; and the worker behind them."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from aforo.jobs.errors import Interrupted
from aforo.jobs.schedules import rules
from aforo.jobs.schedules.errors import Paused
from aforo.jobs.schedules.model import Kind, Seen, State
from aforo.jobs.schedules.runner import Runner
from aforo.jobs.schedules.sql import ScheduleStore
from aforo.jobs.schedules.timetable import Chance, Subjects, Timetable
from aforo.kit.clock import Clock, rfc3339
from aforo.kit.errors import Invalid, NotFound
from aforo.kit.jsontree import JsonObject

LONGEST_SECONDS: Final = 7 * 86_400
_CHANCE: Final = random.SystemRandom().random


class Schedules:
    """What runs by itself. Kinds are added while rooms are wired, before anything runs."""

    def __init__(
        self,
        store: ScheduleStore,
        subjects: Subjects,
        clock: Clock,
        describe: Callable[[Exception], JsonObject],
        chance: Chance = _CHANCE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._describe = describe
        self._timetable = Timetable(store, subjects, clock, chance)
        self._runner = Runner(store, self._timetable, clock, describe)
        self.agree = self._timetable.agree
        self.run = self._runner.run
        self.run_due = self._runner.run_due
        self.stop = self._runner.stop

    def add_kind(self, kind: Kind) -> None:
        """A further sort of schedule, for every subject to which it applies."""
        self._timetable.kinds[kind.key] = kind

    def kinds(self) -> list[Kind]:
        return list(self._timetable.kinds.values())

    async def recover(self) -> None:
        """At start, before `run`."""
        told = self._describe(Interrupted("Aforo ended while it ran.", next_step="It runs again by itself."))
        await self._timetable.recover({**told, "title": "Interrupted"})

    async def all(
        self, tenant_id: str, *, subject_id: str | None = None, kind: str | None = None, state: State | None = None
    ) -> list[Seen]:
        """By integration's name, then by title."""
        return [
            one
            for one in await self._timetable.seen(tenant_id)
            if subject_id in (None, one.subject.id) and kind in (None, one.kind.key) and state in (None, one.state)
        ]

    async def everybodys(self) -> list[Seen]:
        """Of all tenants, for the worker's own use."""
        return await self._timetable.seen()

    async def get(self, tenant_id: str, schedule_id: str) -> Seen:
        found = [one for one in await self._timetable.seen(tenant_id) if one.schedule.id == schedule_id]
        if not found:
            raise NotFound(f"There is no schedule {schedule_id}.", next_step="List them: GET /api/v1/schedules.")
        return found[0]

    async def set(
        self, tenant_id: str, schedule_id: str, *, enabled: bool | None = None, every_seconds: int | None = None
    ) -> Seen:
        """Switch on or off, or set the interval; 0 goes back to the kind's own. The next run moves accordingly."""
        seen = await self.get(tenant_id, schedule_id)
        changed = seen.schedule
        if enabled is not None:
            changed = replace(changed, enabled=enabled)
        if every_seconds is not None:
            changed = replace(changed, own_seconds=_checked(seen.kind, every_seconds) or None)
        now = self._clock.now()
        every = changed.own_seconds or seen.default_seconds
        latest = rules.next_run(now, now, every, self._timetable.chance())
        came_back = changed.enabled and not seen.schedule.enabled
        if every != seen.every_seconds or came_back:
            changed = replace(changed, next_at=latest)
        await self._store.settings(changed)
        return await self.get(tenant_id, schedule_id)

    async def run_now(self, tenant_id: str, schedule_id: str) -> Seen:
        """Run it and wait for its end; one that is under way is waited for. Raises Paused."""
        seen = await self.get(tenant_id, schedule_id)
        until = seen.subject.paused_until
        if until and until > self._clock.now():
            raise Paused(
                f"{seen.subject.name} is paused until {rfc3339(until)}. No call was made.",
                next_step="Resume the integration first.",
            )
        await self._runner.finished(seen)
        return await self.get(tenant_id, schedule_id)

    async def plan(self, subject_id: str, kind: str, at: datetime) -> None:
        """Move a subject's next run of a kind: to the moment of the breaker's probe, for one."""
        mine = [one for one in await self._store.all() if (one.subject_id, one.kind) == (subject_id, kind)]
        await self._store.plan({one.id: rules.exactly(at) for one in mine})

    async def wake(self, subject_id: str) -> None:
        """Put right what was put off: the pause is over, or calls pass again. What is overdue runs one by one."""
        now, overdue = self._clock.now(), []
        for seen in await self._timetable.seen():
            one = seen.schedule
            if seen.subject.id == subject_id and one.enabled and not one.is_running and one.last:
                natural = rules.next_run(one.last.started_at, one.last.started_at, seen.every_seconds, 1.0)
                if natural <= now < one.next_at:
                    overdue.append(one)
                elif natural < one.next_at:
                    await self._store.plan({one.id: natural})
        await self._timetable.space_out(overdue)


def _checked(kind: Kind, seconds: int) -> int:
    if seconds == 0 or kind.least_seconds <= seconds <= LONGEST_SECONDS:
        return seconds
    raise Invalid(
        f"{kind.title} cannot run every {seconds:,} s.",
        (("/everySeconds", f"must be 0, for the default, or between {kind.least_seconds} and {LONGEST_SECONDS}"),),
        next_step="Choose another interval.",
    )
