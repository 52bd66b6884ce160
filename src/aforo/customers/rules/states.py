"""The life of a subscription, as data: which state may follow which, and by what.

PENDING becomes ACTIVE by time alone, so it is derived whenever it is looked at and needs nobody to be awake.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """PENDING: before `startsAt`. CANCELLED is the end: nothing follows it."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    CANCELLED = "CANCELLED"


class Verb(StrEnum):
    """What an operator may ask for."""

    SUSPEND = "suspend"
    REACTIVATE = "reactivate"
    CANCEL = "cancel"


FOLLOWS: Final[Mapping[State, Mapping[Verb, State]]] = {
    State.PENDING: {Verb.CANCEL: State.CANCELLED},
    State.ACTIVE: {
        Verb.SUSPEND: State.SUSPENDED,
        Verb.REACTIVATE: State.ACTIVE,
        Verb.CANCEL: State.CANCELLED,
    },
    State.SUSPENDED: {
        Verb.SUSPEND: State.SUSPENDED,
        Verb.REACTIVATE: State.ACTIVE,
        Verb.CANCEL: State.CANCELLED,
    },
    State.CANCELLED: {Verb.CANCEL: State.CANCELLED},
}
"""A verb that asks for what is already so changes nothing; so a caller who did not hear the answer may ask again."""

LIVE: Final = frozenset({State.PENDING, State.ACTIVE, State.SUSPENDED})
"""States in which a customer still counts on the subscription."""


def after(state: State, verb: Verb) -> State | None:
    """The state that follows, or None where the verb is not allowed."""
    return FOLLOWS[state].get(verb)


def allowed(state: State) -> tuple[Verb, ...]:
    """The verbs that would change something."""
    return tuple(verb for verb, following in FOLLOWS[state].items() if following is not state)


def seen_at(stored: State, starts_at: datetime, now: datetime) -> State:
    """The state as it is now: a stored PENDING is ACTIVE once its time has come."""
    return State.ACTIVE if stored is State.PENDING and starts_at <= now else stored
