"""What pages say of schedules. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aforo.jobs.schedules.model import Result, Run, Seen, State

_UNITS: Final = ((86_400, "day", "days"), (3600, "h", "h"), (60, "min", "min"))


def answer(every: Sequence[Seen], now: datetime) -> str:
    """`12 schedules, 1 failed at its last run. The next one runs in 12 s.`"""
    if not every:
        return "Nothing is scheduled yet."
    failed = sum(1 for one in every if _result(one) is Result.FAILED)
    counted = f"{len(every):,} schedule{'' if len(every) == 1 else 's'}"
    how = f"{failed:,} failed at {'its' if failed == 1 else 'their'} last run" if failed else "none failed"
    upcoming = [one.schedule.next_at for one in every if one.state in (State.WAITING, State.HELD)]
    if not upcoming:
        return f"{counted}, {how}."
    seconds = max(0, int((min(upcoming) - now).total_seconds()))
    when = f"in {seconds} s" if seconds < 120 else f"in {seconds // 60} min"
    return f"{counted}, {how}. The next one runs {'now' if not seconds else when}."


def how(seen: Seen) -> str:
    """One schedule in a sentence."""
    every = f"every {span(seen.every_seconds)}"
    return {
        State.OFF: "It is switched off.",
        State.PAUSED: f"It runs {every}, and waits for the end of a maintenance pause.",
        State.HELD: f"It runs {every}, and waits until calls to the gateway pass.",
        State.RUNNING: "It runs now.",
        State.WAITING: f"It runs {every}.",
    }[seen.state]


def badge(seen: Seen) -> str:
    """The state word of the row: how the last run ended, unless something else is to be known first."""
    if seen.state in (State.RUNNING, State.OFF, State.PAUSED):
        return seen.state.value
    result = _result(seen)
    return result.value if result else "UNCHECKED"


def waits(seen: Seen) -> str:
    """Why there is no next moment, or what it waits for."""
    return {
        State.RUNNING: "runs now",
        State.OFF: "switched off",
        State.PAUSED: "after the pause",
        State.HELD: "calls are held",
        State.WAITING: "",
    }[seen.state]


def took(run: Run | None) -> str:
    if run is None or run.took_ms is None:
        return "—"
    return f"{run.took_ms:,.0f} ms" if run.took_ms < 10_000 else f"{run.took_ms / 1000:,.0f} s"


def span(seconds: int) -> str:
    """`15 min`."""
    for size, one, many in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count:,} {one if count == 1 else many}"
    return f"{seconds:,} s"


def _result(seen: Seen) -> Result | None:
    last = seen.schedule.last
    return last.result if last else None
