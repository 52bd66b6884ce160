"""Schedules over real records and a clock that is moved from one run to the next."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine

from aforo.app.problems import problem
from aforo.jobs import Kind, Outcome, Schedule, Schedules, ScheduleStore, Subject
from aforo.jobs.schedules.sql import schedules as schedules_table
from aforo.kit.clock import HandClock
from aforo.kit.db import Database

TENANT = "ten_1"


async def run_until(schedules: Schedules, clock: HandClock, end: datetime) -> None:
    """Move the clock from one due schedule to the next, and run them, up to and with `end`."""
    while True:
        moments = [one.schedule.next_at for one in await schedules.everybodys() if one.schedule.enabled]
        first = min((moment for moment in moments if moment <= end), default=None)
        if first is None:
            break
        clock.forward(max(0.0, (first - clock.now()).total_seconds()))
        await schedules.run_due()
    clock.forward(max(0.0, (end - clock.now()).total_seconds()))


def integration(name: str, **members: object) -> Subject:
    return Subject(TENANT, f"int_{name}", name, **members)  # type: ignore[arg-type]


@dataclass
class Bench:
    """`runs`: every run that began, as (when, kind, subject)."""

    schedules: Schedules
    store: ScheduleStore
    clock: HandClock
    subjects: list[Subject]
    runs: list[tuple[datetime, str, str]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def kind(self, key: str, every: int, work: Callable[[Schedule], object] | None = None, **members: object) -> None:
        """Add a kind for every integration whose work is noted, and then done."""

        async def noted(schedule: Schedule) -> Outcome:
            self.runs.append((self.clock.now(), key, schedule.subject_id))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                done = work(schedule) if work else None
                if asyncio.iscoroutine(done):
                    done = await done
            finally:
                self.at_once -= 1
            return done if isinstance(done, Outcome) else Outcome("well")

        self.schedules.add_kind(
            Kind(key, key, key, every, noted, lambda one: one.is_integration, **members)  # type: ignore[arg-type]
        )

    async def until(self, seconds: float) -> None:
        await run_until(self.schedules, self.clock, self.clock.now() + timedelta(seconds=seconds))

    def seconds_of(self, key: str) -> list[float]:
        """When the runs of a kind began, in seconds since the clock's start."""
        start = HandClock().now()
        return [(at - start).total_seconds() for at, kind, _ in self.runs if kind == key]


@asynccontextmanager
async def ticking(
    folder: Path, *subjects: Subject, clock: HandClock | None = None, chance: Callable[[], float] = lambda: 0.5
) -> AsyncIterator[Bench]:
    """The schedules of one process; open the same folder again for the next process."""
    engine = create_engine(f"sqlite:///{folder / 'records.db'}")
    schedules_table.create(engine, checkfirst=True)
    engine.dispose()
    db = Database(folder / "records.db")
    clock, there, store = clock or HandClock(), list(subjects), ScheduleStore(db)

    async def now_there() -> list[Subject]:
        return there

    schedules = Schedules(store, now_there, clock, problem, chance)
    yield Bench(schedules, store, clock, there)
    await schedules.stop()
    await db.aclose()
