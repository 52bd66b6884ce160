"""When a schedule runs next. Pure: `chance` is a number from 0 up to 1 that the caller drew."""

from datetime import datetime, timedelta
from typing import Final

from aforo.jobs.schedules.model import Kind, Schedule, Seen, State, Subject

JITTER: Final = 0.05
"""Each interval is up to this share shorter or longer, so that what began together does not stay together."""
RETRY_SECONDS: Final = 900
"""A run that failed is tried again after this, if its own interval is longer."""
_AFTER_PROBE_SECONDS: Final = 10
_PAUSE_SPREAD_SECONDS: Final = 30
_APART_SECONDS: Final = 2
_LONGEST_SPREAD_SECONDS: Final = 300


def first_run(kind: Kind, now: datetime, chance: float) -> datetime:
    return _later(now, kind.first_seconds * (0.5 + chance / 2))


def next_run(started_at: datetime, ended_at: datetime, every_seconds: int, chance: float) -> datetime:
    """An interval after the start, never before the end: a run that takes longer than its interval follows itself."""
    return max(_later(started_at, every_seconds * (1 + JITTER * (2 * chance - 1))), exactly(ended_at))


def spread(now: datetime, place: int, total: int) -> datetime:
    """When the `place`-th (from 0) of `total` overdue ones runs: one after the other, all within five minutes."""
    span = min(_LONGEST_SPREAD_SECONDS, total * _APART_SECONDS)
    return _later(now, span * (place + 1) / total)


def put_off(kind: Kind, subject: Subject, now: datetime, chance: float) -> datetime | None:
    """Until when a run that is due has to wait; None if it may go.

    Nothing runs during a pause. While the breaker is not closed only the probing kind calls, at the probe's moment;
    the others come a little later, when the probe has told how things are.
    """
    if subject.paused_until and subject.paused_until > now:
        return _later(subject.paused_until, chance * _PAUSE_SPREAD_SECONDS)
    if subject.calls_pass or not kind.calls_gateway:
        return None
    probe_at = max(subject.probe_at or now, now)
    if kind.probes:
        return exactly(probe_at) if probe_at > now else None
    return _later(probe_at, _AFTER_PROBE_SECONDS * (1 + chance))


def state(schedule: Schedule, kind: Kind, subject: Subject, now: datetime) -> State:
    if schedule.is_running:
        return State.RUNNING
    if not schedule.enabled:
        return State.OFF
    if subject.paused_until and subject.paused_until > now:
        return State.PAUSED
    return State.HELD if kind.calls_gateway and not subject.calls_pass else State.WAITING


def order(seen: Seen) -> tuple[bool, str, str, str]:
    """Integrations by name, then what is the whole tenant's; each with its kinds in order of their titles."""
    return not seen.subject.is_integration, seen.subject.name, seen.subject.id, seen.kind.title


def exactly(moment: datetime) -> datetime:
    """In whole milliseconds, upwards, as records keep them: a probe must not come a hair too early."""
    return moment + timedelta(microseconds=-moment.microsecond % 1000)


def _later(moment: datetime, seconds: float) -> datetime:
    return exactly(moment + timedelta(seconds=seconds))
