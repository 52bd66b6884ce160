"""Statements: what each subscription owes for each billing period, made from the log whenever somebody asks."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from aforo.customers.model import Customer, Plan, Subscription
from aforo.customers.rules import bill
from aforo.customers.rules.attribution import Holder, Owner, holder, owner, quarter_behind, quarter_of
from aforo.customers.rules.ledger import Bill, Ledger, Pin, parsed
from aforo.customers.rules.periods import period_at
from aforo.customers.service.metrics import Metrics
from aforo.customers.service.plans import ProductsOf
from aforo.customers.service.subscriptions import Stores
from aforo.kit.clock import Clock
from aforo.kit.errors import Invalid, NotFound
from aforo.usage import FROM_SPREADS, QUARTER_SECONDS, Certificate, CompletenessLog, UsageLog, Used

_MOST_HELD: Final = 1_000
_MONTH_DAYS: Final = timedelta(days=32)
_MONTH: Final = re.compile(r"20\d\d-(0[1-9]|1[0-2])", re.ASCII)

OwnersOf = Callable[[str, Collection[str]], Awaitable[Mapping[str, tuple[str, datetime]]]]
"""The credentials of some subscriptions, `integration/type/native id`, each with its subscription and since when."""


async def owned_by_nobody(tenant_id: str, subscription_ids: Collection[str]) -> Mapping[str, tuple[str, datetime]]:
    del tenant_id, subscription_ids
    return {}


@dataclass(frozen=True, slots=True)
class Sources:
    """What statements are made from beside the records: the sums, and the proof that they are complete."""

    usage: UsageLog
    proof: CompletenessLog
    products_of: ProductsOf
    owners_of: OwnersOf = owned_by_nobody


@dataclass(frozen=True, slots=True)
class Told:
    """A statement as of a moment, with whom it is for. Final ones change no more."""

    bill: Bill
    customer: Customer
    as_of: datetime

    @property
    def final_at(self) -> datetime:
        return bill.final_at(self.bill.period)

    @property
    def is_final(self) -> bool:
        return self.as_of >= self.final_at


@dataclass(frozen=True, slots=True)
class Provenance:
    """Up to where the log was read, and whether a numbered event of the period is missing."""

    position: tuple[int, int]
    certificates: tuple[Certificate, ...]


class Statements:
    """A tenant's statements. Nothing is stored: the log and the records say the same each time."""

    def __init__(self, stores: Stores, metrics: Metrics, sources: Sources, clock: Clock) -> None:
        self._stores = stores
        self._metrics = metrics
        self._sources = sources
        self._clock = clock

    async def of_subscription(
        self, tenant_id: str, subscription_id: str, *, cursor: str | None = None, limit: int = 12
    ) -> tuple[list[Told], str | None]:
        """Newest period first, and the cursor of the next page. Raises NotFound, Invalid."""
        subscription, customer = await self._found(tenant_id, subscription_id)
        now = self._clock.now()
        before = parsed(cursor) if cursor else None
        if cursor and before is None:
            raise Invalid("This cursor is none of ours.", (("/cursor", "take it from nextCursor"),))
        last = min(now, before[1]) if before else now
        ledger = await self._ledger(
            subscription, customer, now, (_alive(subscription, last) - (limit + 1) * _MONTH_DAYS, last)
        )
        older = (one for one in ledger.periods(now) if before is None or one.start < before[1])
        made = (one for period in older if (one := ledger.bill(period)))
        some = islice(made, limit + 1)
        bills = await asyncio.to_thread(lambda: list(some))
        told = [Told(one, customer, now) for one in bills[:limit]]
        return told, told[-1].bill.id if len(bills) > limit else None

    async def of_month(
        self, tenant_id: str, month: str | None, *, customer_id: str | None, cursor: str | None, limit: int
    ) -> tuple[list[Told], str | None]:
        """The statements whose period begins in a month by its own clock, newest subscription first."""
        now = self._clock.now()
        if month is not None and not _MONTH.fullmatch(month):
            raise Invalid("The period is not a month.", (("/period", "must be a month such as 2026-11"),))
        found = await self._stores.subscriptions.page(
            tenant_id, customer_id=customer_id, plan_id=None, before=cursor, limit=limit + 1
        )
        told = []
        for subscription in found[:limit]:
            one = await self._of_month(subscription, month, now)
            told += [one] if one else []
        return told, found[limit - 1].id if len(found) > limit else None

    async def one(self, tenant_id: str, statement_id: str) -> Told:
        """Raises NotFound for one that does not exist, or not yet."""
        named, now = parsed(statement_id), self._clock.now()
        if named is None:
            raise _no_statement(statement_id)
        try:
            subscription, customer = await self._found(tenant_id, named[0])
        except NotFound:
            raise _no_statement(statement_id) from None
        ledger = await self._ledger(subscription, customer, now, (named[1], named[1]))
        period = next((one for one in ledger.periods(now) if one.start == named[1]), None)
        found = await asyncio.to_thread(ledger.bill, period) if period else None
        if found is None or found.id != statement_id:
            raise _no_statement(statement_id)
        return Told(found, customer, now)

    async def provenance(self, told: Told) -> Provenance:
        """Raises nothing: a log that was never written is at its begin."""
        period = (_nanoseconds(told.bill.period.start), _nanoseconds(told.bill.period.end))
        proof, tenant_id = self._sources.proof, told.bill.subscription.tenant_id

        def look() -> Provenance:
            certificates = tuple(proof.of(tenant_id, name, period) for name in _names(told.customer))
            return Provenance(self._sources.usage.position(), certificates)

        return await asyncio.to_thread(look)

    async def _of_month(self, subscription: Subscription, month: str | None, now: datetime) -> Told | None:
        _, customer = await self._found(subscription.tenant_id, subscription.id)
        ledger = await self._ledger(subscription, customer, now, _span(subscription, month, now))
        if month is None:
            newest = next(iter(ledger.bills(now)), None)
            return Told(newest, customer, now) if newest else None
        for period in ledger.periods(now):
            if f"{period.start.astimezone(ledger.zone):%Y-%m}" == month and (made := ledger.bill(period)):
                return Told(made, customer, now)
        return None

    async def _found(self, tenant_id: str, subscription_id: str) -> tuple[Subscription, Customer]:
        subscription = await self._stores.subscriptions.one(tenant_id, subscription_id)
        customer = await self._stores.customers.ever(tenant_id, subscription.customer_id) if subscription else None
        if subscription is None or customer is None:
            raise NotFound(
                f"There is no subscription {subscription_id}.", next_step="List them: GET /api/v1/subscriptions."
            )
        return subscription, customer

    async def _ledger(
        self, subscription: Subscription, customer: Customer, now: datetime, span: tuple[datetime, datetime]
    ) -> Ledger:
        """With the usage that statements of periods which begin in `span` are made from."""
        tenant_id = subscription.tenant_id
        held = await self._stores.subscriptions.page(
            tenant_id, customer_id=customer.id, plan_id=None, before=None, limit=_MOST_HELD, system=True
        )
        left = await self._stores.subscriptions.left(tenant_id, [one.id for one in held])
        plans = await self._stores.plans.pinned(tenant_id, _pins(held, left))
        chains = {one.id: _chain(one, left.get(one.id, []), plans) for one in held}
        spec = bill.billing_spec(chains[subscription.id][0][1].terms)
        holders = [each for one in reversed(held) for each in _holders(one, chains[one.id])]
        earliest, first = (
            quarter_of(period_at(max(subscription.starts_at, moment), spec).start)
            for moment in (span[0] - bill.EARLIER - _MONTH_DAYS, span[0])
        )
        behind = quarter_of(min(now + timedelta(days=1), span[1] + _MONTH_DAYS))
        aggregations = await self._metrics.aggregations(tenant_id)
        spread = {metric for metric, how in aggregations.items() if how in FROM_SPREADS}
        used = await asyncio.to_thread(self._used, tenant_id, _names(customer), (earliest, first, behind), spread)
        products = await self._sources.products_of(tenant_id, {one.product for one in used if one.product})
        known = await self._sources.owners_of(tenant_id, [one.id for one in held])
        owners = {key: Owner(whose, quarter_of(since)) for key, (whose, since) in known.items()}
        own = [one for one in used if owner(one, holders, owners, products) == subscription.id]
        return Ledger(subscription, spec, chains[subscription.id], own, aggregations)

    def _used(
        self, tenant_id: str, names: list[str], quarters: tuple[int, int, int], spread: Collection[str]
    ) -> list[Used]:
        """From the second quarter on; from the first only where late events may have changed what was before."""
        earliest, first, behind = quarters
        read = self._sources.usage.used
        found = read(tenant_id, names, (first, behind), spread=spread)
        if read(tenant_id, names, (earliest, first), late=True):
            found += read(tenant_id, names, (earliest, first), spread=spread)
        return found


def _alive(subscription: Subscription, moment: datetime) -> datetime:
    """The moment, or the end of a subscription that was over by then."""
    return min(moment, subscription.cancelled_at or moment)


def _span(subscription: Subscription, month: str | None, now: datetime) -> tuple[datetime, datetime]:
    """Between which moments a period may begin that is asked for by its month: by any clock."""
    if month is None:
        return _alive(subscription, now) - _MONTH_DAYS, now
    begin = datetime.fromisoformat(f"{month}-01").replace(tzinfo=UTC)
    return begin - timedelta(days=2), begin + _MONTH_DAYS


def _no_statement(statement_id: str) -> NotFound:
    return NotFound(f"There is no statement {statement_id}.", next_step="List them: GET /api/v1/statements.")


def _pins(held: Sequence[Subscription], left: Mapping[str, list[tuple[datetime, Pin]]]) -> set[Pin]:
    return {(one.plan_id, one.plan_version) for one in held} | {pin for some in left.values() for _, pin in some}


def _chain(
    one: Subscription, left: list[tuple[datetime, Pin]], plans: Mapping[Pin, Plan]
) -> list[tuple[datetime | None, Plan]]:
    """Which version it was on until when, oldest first; the present one has no end."""
    return [*((at, plans[pin]) for at, pin in left if pin in plans), (None, plans[one.plan_id, one.plan_version])]


def _holders(one: Subscription, chain: Sequence[tuple[datetime | None, Plan]]) -> Iterator[Holder]:
    """A stretch for each plan version; one that is left in the quarter in which it began has none."""
    first, end = quarter_of(one.starts_at), quarter_behind(one.cancelled_at) if one.cancelled_at else None
    for left_at, plan in chain:
        behind = end if left_at is None else quarter_of(left_at)
        yield holder(one.id, first, behind, plan.terms)
        first = first if behind is None else max(first, behind)


def _names(customer: Customer) -> list[str]:
    """What events may call it."""
    return [customer.id, *([customer.external_id] if customer.external_id else [])]


def _nanoseconds(moment: datetime) -> int:
    """Of a moment that lies on a quarter of an hour."""
    return quarter_of(moment) * QUARTER_SECONDS * 10**9
