"""Every state word on a page, with its colour family, its icon and what it means in plain words."""

from typing import NamedTuple


class State(NamedTuple):
    """`tone` is a colour family of the stylesheet, empty for neutral; `gloss` is shown wherever there is room."""

    tone: str
    icon: str
    gloss: str = ""


STATES = {
    "HEALTHY": State("ok", "tick-circle"),
    "DEGRADED": State("warn", "triangle"),
    "ERROR": State("bad", "cross-octagon"),
    "UNCHECKED": State("", "dotted-circle", "not checked yet"),
    "NEW": State("ok", "plus", "at the gateway, not yet in Aforo"),
    "CHANGED": State("warn", "tilde", "differs between gateway and Aforo"),
    "UNCHANGED": State("", "equals", "same on both sides"),
    "STALE": State("drift", "equals-struck", "gateway differs"),
    "CLOSED": State("ok", "line-joined", "calls pass"),
    "OPEN": State("bad", "line-broken", "calls held"),
    "HALF_OPEN": State("warn", "half-disc", "one probe"),
    "L1": State("warn", "bar-1", "alert"),
    "L2": State("warn", "bar-2", "throttles"),
    "L3": State("bad", "bar-3", "blocks"),
    "ALLOW": State("ok", "tick"),
    "DENY": State("bad", "barred-circle"),
    "ACTIVE": State("ok", "dot"),
    "MONETIZED": State("ok", "coin"),
    "UNMONETIZED": State("", "dash"),
    "WARN": State("warn", "exclaim"),
    "PENDING": State("warn", "hourglass"),
    "ROTATING": State("warn", "turning"),
    "FAILED": State("bad", "cross"),
    "SUSPENDED": State("", "pause"),
    "REVOKED": State("", "cut-key"),
    "NOT_TRIED": State("", "skip", "not tried"),
    "NONE": State("", "ring"),
    "PUBLISHED": State("ok", "eye"),
    "DRAFT": State("warn", "lines"),
    "CANCELLED": State("", "leave"),
    "GRACE": State("warn", "back"),
    "DONE": State("ok", "double-tick"),
    "CRITICAL": State("bad", "siren", "customers or money are hit now"),
    "WARNING": State("warn", "flag", "somebody has to look"),
    "INFO": State("", "info", "good to know"),
    "DELIVERED": State("ok", "letter"),
    "PARTIAL": State("warn", "pie"),
    "HELD": State("", "lock", "no call was made"),
    "SKIPPED": State("", "chevrons", "nothing to do"),
    "INTERRUPTED": State("warn", "bolt", "runs again"),
    "PAUSED": State("", "pause-circle", "maintenance"),
    "RUNNING": State("accent", "play"),
}
_UNKNOWN = State("", "dotted-circle")


def state(word: str) -> State:
    """A word nobody has listed is drawn neutral, never guessed at."""
    return STATES.get(word, _UNKNOWN)
