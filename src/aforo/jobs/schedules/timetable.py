"""Which schedules there are, and when each is next: kept in step with the subjects, and put right after a restart."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final

from aforo.jobs.schedules import rules
from aforo.jobs.schedules.model import Kind, Result, Schedule, Seen, Subject
from aforo.jobs.schedules.sql import ScheduleStore
from aforo.kit.clock import Clock
from aforo.kit.ids import new_id
from aforo.kit.jsontree import JsonObject

Subjects = Callable[[], Awaitable[list[Subject]]]
"""All integrations and tenants as they are now, from the rooms above."""
Chance = Callable[[], float]
_CUT: Final = "Aforo ended while it ran. It runs again."


class Timetable:
    """Kinds times subjects."""

    def __init__(self, store: ScheduleStore, subjects: Subjects, clock: Clock, chance: Chance) -> None:
        self.kinds: dict[str, Kind] = {}
        self.chance = chance
        self._store = store
        self._subjects = subjects
        self._clock = clock

    async def agree(self) -> None:
        """Make the schedules that subjects lack, and drop those whose subject or kind is gone."""
        subjects = await self._subjects()
        wanted = {
            (one.tenant_id, kind.key, one.id): kind
            for one in subjects
            for kind in self.kinds.values()
            if kind.applies(one)
        }
        there = {(one.tenant_id, one.kind, one.subject_id): one.id for one in await self._store.all()}
        new = [self._new(kind, *key) for key, kind in wanted.items() if key not in there]
        gone = [schedule_id for key, schedule_id in there.items() if key not in wanted]
        if new or gone:
            await self._store.replace(gone, new)

    async def recover(self, interrupted: JsonObject) -> None:
        """At start: tell what the last process left under way, and spread what is overdue, so that there is no burst.

        A moment that is more than an interval away was reckoned by a clock since set back, and comes nearer.
        """
        await self.agree()
        now, overdue = self._clock.now(), []
        for seen in sorted(await self.seen(), key=lambda one: one.schedule.next_at):
            one = seen.schedule
            if one.last and one.is_running:
                cut = replace(one.last, ended_at=now, result=Result.INTERRUPTED, words=_CUT, error=interrupted)
                await self._store.run(one.id, cut)
                overdue.append(one)
            elif one.next_at <= now:
                overdue.append(one)
            elif one.next_at > (latest := rules.next_run(now, now, seen.every_seconds, 1.0)):
                await self._store.plan({one.id: latest})
        await self.space_out(overdue)

    async def space_out(self, these: list[Schedule]) -> None:
        """Run them soon, one after the other."""
        now = self._clock.now()
        await self._store.plan({one.id: rules.spread(now, n, len(these)) for n, one in enumerate(these)})

    async def seen(self, tenant_id: str | None = None) -> list[Seen]:
        """Schedules with what they belong to."""
        subjects = await self.subjects()
        now = self._clock.now()
        found = []
        for one in await self._store.all(tenant_id):
            kind, subject = self.kinds.get(one.kind), subjects.get(one.subject_id)
            if kind and subject and subject.tenant_id == one.tenant_id:
                found.append(Seen(one, kind, subject, rules.state(one, kind, subject, now)))
        return sorted(found, key=rules.order)

    async def subjects(self) -> Mapping[str, Subject]:
        return {one.id: one for one in await self._subjects()}

    def _new(self, kind: Kind, tenant_id: str, key: str, subject_id: str) -> Schedule:
        first = rules.first_run(kind, self._clock.now(), self.chance())
        return Schedule(new_id("sched"), tenant_id, key, subject_id, first)
