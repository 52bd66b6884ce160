"""Whose events are whose: each cell of usage belongs to one subscription of its customer, or to none. Pure.

Usage counts while a subscription lives, in the same order as at the gateway: the subscription that the event names,
else that of the credential, else the oldest one of the customer whose plan holds the product; where no product of Aforo
is named, the oldest with that metric.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from aforo.customers.rules.bill import LATENESS
from aforo.customers.terms import Terms
from aforo.usage import QUARTER_SECONDS, Used

_LATE_QUARTERS: Final = LATENESS // timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Owner:
    """The subscription of a credential, and the quarter in which Aforo came to know of it."""

    subscription_id: str
    since: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A subscription while it lives on one plan version, in quarters of an hour since 1970; None: it has no end."""

    subscription_id: str
    first: int
    behind: int | None
    products: frozenset[str]
    metrics: frozenset[str | None]

    def lives(self, quarter: int) -> bool:
        return self.first <= quarter and (self.behind is None or quarter < self.behind)


def holder(subscription_id: str, first: int, behind: int | None, terms: Terms) -> Holder:
    """With what is asked of its terms for each cell."""
    return Holder(subscription_id, first, behind, frozenset(terms.product_ids), metrics_of(terms))


def quarter_of(moment: datetime) -> int:
    """The quarter that holds a moment."""
    return int(moment.timestamp()) // QUARTER_SECONDS


def quarter_behind(moment: datetime) -> int:
    """The first quarter that begins at a moment or later."""
    return -(-int(moment.timestamp() * 1000) // (QUARTER_SECONDS * 1000))


def owner(
    used: Used, holders: Sequence[Holder], by_credential: Mapping[str, Owner], products: Collection[str]
) -> str | None:
    """`holders` are the customer's, oldest first; `products` those that Aforo knows, `by_credential` which subscription
    each credential is of.
    """
    named = used.subscription or _by_credential(used, by_credential)
    living = [one for one in holders if one.lives(used.quarter)]
    if named:
        return next((one.subscription_id for one in living if one.subscription_id == named), None)
    if used.product in products:
        fitting = [one for one in living if used.product in one.products]
        return fitting[0].subscription_id if fitting else None
    fitting = [one for one in living if used.metric in one.metrics] or living
    return fitting[0].subscription_id if fitting else None


def _by_credential(used: Used, by_credential: Mapping[str, Owner]) -> str | None:
    """A credential that became known later than a day after the usage tells nothing of it: a final statement stays."""
    known = by_credential.get(used.credential) if used.credential else None
    return known.subscription_id if known and known.since <= used.quarter + _LATE_QUARTERS else None


def metrics_of(terms: Terms) -> frozenset[str | None]:
    """The metrics that terms speak of."""
    named = [one.metric for one in terms.quotas] + [one.metric for one in terms.rate_limits]
    return frozenset([*named, *(one.metric for one in terms.rate_card)])
