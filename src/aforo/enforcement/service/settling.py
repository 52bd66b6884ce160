"""Usage moves the counters: once per call, exactly once over crashes.

The log's position is kept with the counters, so after a crash the events behind it are applied again to what the
ledger knew. An event that names a decision moves by what it used beyond the reservation, the first time only; one that
names a lease consumes the lease; any other adds its quantity.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from aforo.enforcement.counters import Counter
from aforo.enforcement.errors import NoDecision
from aforo.enforcement.meters import Meter
from aforo.enforcement.model import CredentialKey, Grant, Log, Tenant
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.rules.quota import UNIT
from aforo.enforcement.rules.resolve import Asked, resolve
from aforo.enforcement.service.leasing import Leasing
from aforo.enforcement.service.parts import Parts, Who
from aforo.enforcement.state.terms import scaled
from aforo.enforcement.token import Decision, verify
from aforo.usage import Record

SETTLED_WITHIN_MS: Final = 48 * 3600 * 1000
"""A decision can be settled for so long; what comes later moves nothing, since its mark may be forgotten."""
_SLOT_NS: Final = 900 * 10**9
_NAMES: Final = (
    "customer_id", "metric_name", "whole", "nano", "occurred_ns", "subscription_id", "product_id", "product",
    "integration_id", "credential", "decision_id", "lease_id", "cost",
)  # fmt: skip


class _Use(NamedTuple):
    """Equal for events that move the same counters; `slot` is a quarter of an hour, within which no period ends."""

    customer: str
    metric: str
    slot: int
    subscription_id: str | None
    product: str | None
    integration_id: str | None
    credential: Any


class Settling:
    """Applies durable events and settle calls."""

    def __init__(self, parts: Parts, leasing: Leasing) -> None:
        self._parts = parts
        self._leasing = leasing

    def record(self, log: Log, record: Record, segment: int, offset: int) -> None:
        """Take in one frame; `segment` and `offset` are the place behind it. Called in the log's order."""
        snapshot = self._parts.snapshot
        tenant = snapshot.tenants.get(record.tenant_id) if snapshot is not None else None
        if tenant is not None and tenant.grants and record.count:
            self._events(tenant, log, record)
        self._parts.keeper.apply(log, segment, offset)

    async def decision(self, who: Who, token: str, used: int) -> bool:
        """A settle call; whether it moved anything. Durable when it returns. Raises NoDecision, LedgerUnavailable."""
        decision = verify(token, who.tenant_id, self._parts.key)
        if decision is None or decision.log is not who.log:
            raise NoDecision("There is no such decision.", next_step="Send the decisionId as it was given.")
        tenant = self._parts.tenant(who.tenant_id)
        moved = bool(self._decisions(tenant, who.log, [(decision, used, None)]))
        await self._parts.keeper.durable()
        return moved

    def _events(self, tenant: Tenant, log: Log, record: Record) -> None:
        sums: dict[_Use, int] = defaultdict(int)
        costs: dict[_Use, list[tuple[int, str | None]]] = defaultdict(list)
        decided: list[tuple[Decision, int, str | None]] = []
        columns = [record.column(name) for name in _NAMES]
        for customer, metric, whole, nano, at, sub, pid, name, place, credential, token, lease_id, cost in zip(
            *columns, strict=True
        ):
            quantity = whole * UNIT + nano
            if token is not None:
                decision = verify(token, tenant.id, self._parts.key)
                if decision is not None and decision.log is log:
                    decided.append((decision, quantity, cost))
                    continue
            use = _Use(customer, metric, at // _SLOT_NS, sub, pid or name, place, credential)
            if lease_id is not None and self._of_lease(tenant, lease_id, quantity):
                costs[use].append((quantity, cost))
                continue
            sums[use] += quantity
            costs[use].append((quantity, cost))
        for use, quantity in sums.items():
            self._add(tenant, log, use, quantity)
        self._decisions(tenant, log, decided)
        for use, some in costs.items():
            self._add_costs(tenant, log, use, some)

    def _of_lease(self, tenant: Tenant, lease_id: str, quantity: int) -> bool:
        lease = self._parts.leases.get(tenant.id, lease_id)
        if lease is None:
            return False
        self._leasing.change(lease, seen=lease.state.seen + quantity)
        return True

    def _add(self, tenant: Tenant, log: Log, use: _Use, quantity: int) -> None:
        meter = self._meter(tenant, log, use)
        if meter is not None:
            for counter in meter.counters:
                self._parts.counters.settle(counter, quantity)

    def _meter(self, tenant: Tenant, log: Log, use: _Use) -> Meter | None:
        """Where a use counts; None for nobody's, and for a time too long ago for any decision to depend on it."""
        at_ms = use.slot * _SLOT_NS // 1_000_000
        grant = tenant.grants.get(use.subscription_id) if use.subscription_id else self._grant(tenant, use)
        if grant is None:
            return None
        return self._parts.meters.then(log, grant, use.metric, at_ms)

    def _grant(self, tenant: Tenant, use: _Use) -> Grant | None:
        key = _credential_key(use)
        product = use.product if use.product is not None and tenant.product(use.product, use.integration_id) else None
        asked = Asked(key if key in tenant.credentials else None, use.customer, product, use.metric)
        if asked.credential is not None:
            asked = msgspec.structs.replace(asked, customer=None)
        found = resolve(tenant, asked, self._parts.now_ms())
        return None if found.refusal is Reason.PRODUCT_NOT_IN_PLAN else found.grant

    def _decisions(self, tenant: Tenant, log: Log, given: Sequence[tuple[Decision, int, str | None]]) -> int:
        """Those that were not settled before, each once; how many."""
        parts, now_ms, moved = self._parts, self._parts.now_ms(), 0
        recent = [one for one in given if now_ms - one[0].at_ms <= SETTLED_WITHIN_MS]
        settled = parts.keeper.is_settled({one.serial for one, _, _ in recent}) if recent else set()
        for decision, quantity, cost in recent:
            if decision.serial not in settled:
                settled.add(decision.serial)
                self._decision(tenant, log, decision, quantity, cost)
                moved += 1
        return moved

    def _decision(self, tenant: Tenant, log: Log, decision: Decision, quantity: int, cost: str | None) -> None:
        parts = self._parts
        parts.reservations.close(decision.serial)
        parts.keeper.settle(decision.serial, decision.at_ms)
        named = dict(decision.counters)
        if decision.at_ms < parts.made_ms:  # the ledger that counted this reservation is gone
            named = dict.fromkeys(named, False)
        grant = tenant.grants.get(decision.subscription_id)
        found: dict[int, Counter] = {}
        if grant is not None:
            meter = parts.meters.then(log, grant, decision.metric, decision.at_ms)
            found = {counter.id: counter for counter in meter.counters}
            use = _Use("", decision.metric, 0, None, decision.product or None, None, None)
            self._add_cost(tenant, grant, meter, use, [(quantity, cost)], decision.at_ms)
        found |= {key: known for key in named if (known := parts.counters.get(key)) is not None}
        for key, counter in found.items():
            parts.counters.settle(counter, quantity - (decision.reserved if named.get(key) else 0))

    def _add_costs(self, tenant: Tenant, log: Log, use: _Use, some: list[tuple[int, str | None]]) -> None:
        if not tenant.costs and all(cost is None for _, cost in some):
            return
        meter = self._meter(tenant, log, use)
        if meter is not None:
            self._add_cost(tenant, meter.grant, meter, use, some, use.slot * _SLOT_NS // 1_000_000)

    def _add_cost(
        self, tenant: Tenant, grant: Grant, meter: Meter, use: _Use, some: list[tuple[int, str | None]], at_ms: int
    ) -> None:
        """The event's own cost where it names one, in the plan's currency; else that of the rule in force."""
        parts = self._parts
        product = tenant.product(use.product, use.integration_id) if use.product else None
        unit_cost = parts.book.cost(tenant, grant, product.id if product else None, use.metric, at_ms)
        if unit_cost is None and any(cost is None for _, cost in some):
            parts.book.make_unknown(meter.counters[0])
        whole = sum((unit_cost or 0) * quantity if cost is None else scaled(cost, 21) for quantity, cost in some)
        if whole:
            parts.counters.settle(meter.cost, whole)


def _credential_key(use: _Use) -> CredentialKey:
    ref = use.credential
    if ref is None or not ref.native_id:
        return ("", "", "")
    return (ref.integration_id or use.integration_id or "", ref.type or "", ref.native_id)
