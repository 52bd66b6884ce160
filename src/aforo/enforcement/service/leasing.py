"""Leases: units that a node takes in advance and spends without asking."""

from typing import Final, NamedTuple

import msgspec

from aforo.enforcement.errors import LeaseOver
from aforo.enforcement.leases import Lease
from aforo.enforcement.meters import Meter
from aforo.enforcement.rules import lease as rule
from aforo.enforcement.rules.decide import Reason
from aforo.enforcement.rules.lease import LeaseState
from aforo.enforcement.rules.quota import UNIT
from aforo.enforcement.service.checks import Call, Checks, Outcome
from aforo.enforcement.service.parts import Parts, Who
from aforo.kit.errors import NotFound
from aforo.kit.ids import new_id

_FOREVER_MS: Final = 253_402_300_799_000  # the end of the year 9999


class Wanted(NamedTuple):
    """How many nano-units, and for which run of which node."""

    units: int
    node_id: str
    epoch: str


class Leasing:
    """Grants and settles leases. A lease is durable before its answer is given."""

    def __init__(self, parts: Parts, checks: Checks) -> None:
        self._parts = parts
        self._checks = checks

    async def lease(self, who: Who, call: Call, wanted: Wanted) -> tuple[Outcome, Lease | None]:
        """Decide as a check would that takes nothing; where it passes, take units. Raises as a check does."""
        self._parts.leases.refuse_when_full()
        outcome = await self._checks.check(who, msgspec.structs.replace(call, units=0, reserves=False, leases=True))
        if outcome.verdict.reason is not Reason.OK or outcome.meter is None:
            return outcome, None
        units = self._fitting(who, call, wanted.units, outcome, outcome.meter)
        if units is None:  # not even one call may pass: said as a check of it would
            one = msgspec.structs.replace(call, units=UNIT, reserves=False, leases=True)
            return await self._checks.check(who, one), None
        lease = self._taken(who, call, wanted, outcome.meter, units)
        if lease is None:
            return outcome, None
        self._hold_cost(who, call, lease, outcome, outcome.meter)
        try:
            await self._parts.keeper.durable()
        except BaseException:
            self._undo(lease)
            raise
        return outcome, lease

    async def settle(self, who: Who, lease_id: str, used: int, *, final: bool) -> bool:
        """What the node has spent. Whether this said anything new. Raises NotFound, LeaseOver, LedgerUnavailable."""
        lease = self._parts.leases.get(who.tenant_id, lease_id)
        if lease is None or lease.log is not who.log:
            raise NotFound(f"There is no lease {lease_id[:64]}, or its period is over.")
        state = lease.state
        if state.final:
            if used != state.used:
                raise LeaseOver("This lease was settled for good with another figure.", next_step="Ask for a new one.")
            await self._parts.keeper.durable()
            return False
        self.change(lease, used=max(used, state.used), final=final)
        await self._parts.keeper.durable()
        return True

    def change(self, lease: Lease, **changed: int | bool) -> None:
        """Change what is known of a lease, and move its counters by what that changes."""
        state = lease.state
        before = {hard: rule.counts_for(state, hard=hard) for hard in (True, False)}
        awaited = rule.awaited(state)
        for name, value in changed.items():
            setattr(state, name, value)
        after = {hard: rule.counts_for(state, hard=hard) for hard in (True, False)}
        for counter_id, hard in lease.counters:
            counter = self._parts.counters.get(counter_id)
            if counter is not None and after[hard] != before[hard]:
                self._parts.counters.settle(counter, after[hard] - before[hard])
        if lease.cost_counter is not None and awaited != rule.awaited(state):
            self._parts.counters.give(lease.cost_counter, lease.unit_cost * (rule.awaited(state) - awaited))
        self._parts.leases.dirty.add(lease)
        if state.final or state.expired:
            self._parts.leases.over(lease)

    def expire(self, now_ms: int) -> None:
        """SOFT and OVERAGE units come back, HARD ones stay counted."""
        for lease in self._parts.leases.expired(now_ms):
            self.change(lease, expired=True)

    def shares(self, lease: Lease) -> int:
        """How many nodes share the subscription's rate and its outage units now."""
        return max(1, self._parts.leases.live_nodes(lease.subscription_id, lease.metric))

    def _fitting(self, who: Who, call: Call, want: int, outcome: Outcome, meter: Meter) -> int | None:
        """As many of the units as quotas, spend cap and enforced margin guards let pass together; 0 where a quota has
        none left, None where one call would be too many for cap or guard.
        """
        rests = [quota.limit - counter.used for counter, quota in meter.quotas if quota.mode == "HARD"]
        units = rule.size(want, min(rests, default=None))
        if units <= 0 or self._checks.pass_together(who, call, outcome, meter, units):
            return units
        while not self._checks.pass_together(who, call, outcome, meter, units):
            if units == UNIT:
                return None
            units = rule.smaller(units)
        return rule.size(units, units)  # the rest is shared among nodes, as that of a quota

    def _hold_cost(self, who: Who, call: Call, lease: Lease, outcome: Outcome, meter: Meter) -> None:
        lease.unit_cost = self._checks.unit_cost(who, call, outcome, meter)
        if lease.unit_cost:
            lease.cost_counter = meter.cost
            self._parts.counters.give(meter.cost, lease.unit_cost * rule.awaited(lease.state))

    def _taken(self, who: Who, call: Call, wanted: Wanted, meter: Meter, units: int) -> Lease | None:
        parts, now_ms = self._parts, self._parts.now_ms()
        if units <= 0:
            return None
        ends_ms = min((counter.ends_ms for counter, _ in meter.quotas), default=None)
        lease = Lease(
            new_id("lease"), who.log, who.tenant_id, meter.grant.subscription_id, call.asked.metric,
            call.asked.product or "", wanted.node_id, wanted.epoch, now_ms, rule.expires_ms(now_ms, ends_ms),
            _FOREVER_MS if ends_ms is None else ends_ms, LeaseState(units),
            tuple((counter.id, counter.hard) for counter in meter.counters),
        )  # fmt: skip
        for counter in meter.counters:
            parts.counters.settle(counter, units)
        parts.leases.add(lease)
        parts.leases.dirty.add(lease)
        return lease

    def _undo(self, lease: Lease) -> None:
        """Nobody heard of it: it counts for nothing any more."""
        if lease.state.final:
            return
        self.change(lease, final=True)
