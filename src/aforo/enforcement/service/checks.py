"""One check: decide, and reserve what was allowed."""

from typing import Final

import msgspec

from aforo.enforcement.errors import LedgerUnavailable
from aforo.enforcement.ledger.file import Noted
from aforo.enforcement.margins import Watched
from aforo.enforcement.meters import Meter
from aforo.enforcement.model import Log, Product, Tenant
from aforo.enforcement.reservations import Reservation
from aforo.enforcement.rules import quota
from aforo.enforcement.rules.decide import MarginStanding, Reason, Standing, Verdict, decide
from aforo.enforcement.rules.margin import Level
from aforo.enforcement.rules.quota import UNIT
from aforo.enforcement.rules.resolve import Asked, Found, resolve
from aforo.enforcement.service.parts import Parts, Who
from aforo.enforcement.token import REASON_NUMBERS, Decision, sign

_TRIES: Final = 50
_SAMPLE: Final = 128
"""One allowed call of so many is kept for people to look at."""
_THROTTLES: Final = (Reason.OK, Reason.MARGIN_THROTTLED)


class Call(msgspec.Struct, frozen=True, gc=False):
    """What is asked for. `reserves` is false for the forms that only look. Units are nano-units.

    `leases`: the node will throttle by itself, by the share that its lease carries, so this is no call's turn.
    """

    asked: Asked
    units: int
    feature: str | None = None
    reserves: bool = True
    leases: bool = False


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """A decision before it is put on the wire. `denied`: the caller is to be refused, now."""

    verdict: Verdict
    found: Found
    denied: bool
    enforced: bool
    level: Level
    throttle_percent: int
    decision: Decision
    meter: Meter | None


class Checks:
    """Decides from memory. Waits for the disk only where the units at hand are not durable yet."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def check(self, who: Who, call: Call) -> Outcome:
        """Raises NotReady, LedgerUnavailable, Overloaded."""
        outcome = self.attempt(who, call)
        tries = 1
        while outcome is None:
            if tries == _TRIES:
                raise LedgerUnavailable("Units run out faster than they become durable.", next_step="Ask again.")
            await self._parts.keeper.durable()
            outcome = self.attempt(who, call)
            tries += 1
        return outcome

    def attempt(self, who: Who, call: Call) -> Outcome | None:
        """The decision, its units reserved; None when units are left but none are at hand."""
        parts, now_ms = self._parts, self._parts.now_ms()
        tenant = parts.tenant(who.tenant_id)
        found = resolve(tenant, call.asked, now_ms)
        meter, grant, watched, cost = None, found.grant, None, 0
        if grant is None or found.refusal is not None:
            verdict = decide(Standing(refusal=found.refusal or Reason.NO_SUBSCRIPTION), call.units, now_ms)
        else:
            meter = parts.meters.at(who.log, grant, call.asked.metric, now_ms)
            if tenant.costs:
                cost = self._cost(tenant, found.product, meter, call, now_ms)
            if tenant.guards:
                added = (_revenue(meter, call), cost)
                watched = parts.book.standing(tenant, grant, meter.counters[0], added)
            margin = watched.standing() if watched is not None else None
            if margin is not None and call.leases:
                margin = msgspec.structs.replace(margin, passes=True)
            verdict = decide(_standing(meter, call, margin), call.units, now_ms)
        denied = verdict.reason is not Reason.OK and found.enforced and not verdict.observed
        passes = verdict.reason is Reason.OK or verdict.observed
        reserved = call.units if passes and call.reserves and meter is not None else 0
        if reserved and meter is not None and self._lacks(meter, reserved):
            return None
        serial = next(parts.serials)
        if watched is not None and call.reserves and call.units and verdict.reason in _THROTTLES:
            watched.account.throttled += watched.level is Level.L2_THROTTLE
        if reserved and meter is not None:
            self._reserve(serial, meter, reserved, cost, now_ms)
        outcome = Outcome(
            verdict,
            found,
            denied,
            found.enforced,
            watched.level if watched is not None else Level.NONE,
            _let_through(watched),
            _decision(serial, who, tenant, call, found, verdict, meter, reserved, now_ms, denied=denied),
            meter,
        )
        if verdict.reason is not Reason.OK or serial % _SAMPLE == 0:
            self._note(who, call, outcome)
        return outcome

    def pass_together(self, who: Who, call: Call, outcome: Outcome, meter: Meter, units: int) -> bool:
        """Whether so many units after the decision just made break neither spend cap nor enforced guard, nor, if there
        are several, take the margin down to its throttle. Quotas and rates are looked after elsewhere.
        """
        parts, now_ms = self._parts, self._parts.now_ms()
        tenant = parts.tenant(who.tenant_id)
        if not outcome.enforced or (not tenant.guards and meter.own_spend is None):
            return True
        ahead = msgspec.structs.replace(call, units=units)
        watched = None
        if tenant.guards:
            added = (
                _revenue(meter, ahead),
                self._cost(tenant, outcome.found.product, meter, ahead, self._parts.now_ms()),
            )
            watched = self._parts.book.standing(tenant, meter.grant, meter.counters[0], added)
        margin = watched.standing() if watched is not None else None
        if margin is not None:
            margin = msgspec.structs.replace(margin, passes=True)
        verdict = decide(Standing(spend=meter.spend_standing(units), margin=margin), units, now_ms)
        passes = verdict.reason is Reason.OK or verdict.observed
        return passes and (units == UNIT or _let_through(watched) >= outcome.throttle_percent)

    def unit_cost(self, who: Who, call: Call, outcome: Outcome, meter: Meter) -> int:
        """What a nano-unit of this call costs by the rule in force; 0 where none is, or not in the plan's currency."""
        tenant = self._parts.tenant(who.tenant_id)
        one = msgspec.structs.replace(call, units=1)
        return self._cost(tenant, outcome.found.product, meter, one, self._parts.now_ms()) if tenant.costs else 0

    def _cost(self, tenant: Tenant, product: Product | None, meter: Meter, call: Call, now_ms: int) -> int:
        product_id = product.id if product else None
        unit_cost = self._parts.book.cost(tenant, meter.grant, product_id, call.asked.metric, now_ms)
        if unit_cost is None:
            self._parts.book.make_unknown(meter.counters[0])
            return 0
        return unit_cost * call.units

    def _lacks(self, meter: Meter, units: int) -> bool:
        """Whether units must become durable before they can be given out; asks for them."""
        lacking = [one for one in meter.hard if one.given + units > one.taken]
        for counter in lacking:
            self._parts.keeper.ask(counter, units)
        return bool(lacking)

    def _reserve(self, serial: int, meter: Meter, units: int, cost: int, now_ms: int) -> None:
        parts = self._parts
        parts.reservations.refuse_when_full()
        for bucket in meter.buckets:
            bucket.take(units, now_ms)
        for counter in meter.hard:
            parts.counters.give(counter, units)
            if (counter.taken - counter.given) * 2 < counter.chunk and counter.taken < _end(
                counter.limit, counter.settled
            ):
                parts.keeper.ask(counter)
        parts.reservations.add(serial, now_ms, Reservation(units, meter.soft, cost, meter.cost))

    def _note(self, who: Who, call: Call, outcome: Outcome) -> None:
        decision = outcome.decision
        token = sign(decision, who.tenant_id, self._parts.key)
        noted = Noted(
            decision.at_ms, who.log.value, who.tenant_id, decision.customer_id or call.asked.customer or "",
            decision.product, call.asked.metric, outcome.verdict.reason.value, outcome.denied, quota.shown(call.units),
            token,
        )  # fmt: skip
        self._parts.keeper.note(noted)


def _standing(meter: Meter, call: Call, margin: MarginStanding | None) -> Standing:
    grant = meter.grant
    return Standing(
        None,
        call.feature is None or grant.terms.features.get(call.feature, False),
        meter.buckets,
        meter.quota_standings(),
        meter.spend_standing(call.units),
        margin,
    )


def _revenue(meter: Meter, call: Call) -> int:
    price = meter.grant.terms.prices.get(call.asked.metric)
    if price is None:
        return 0
    used = meter.counters[0].used
    return price(max(0, used + call.units)) - price(max(0, used))


def _let_through(watched: Watched | None) -> int:
    """The percentage that a node may let through by itself. A guard that only observes throttles nobody."""
    if watched is None or watched.level is not Level.L2_THROTTLE or not watched.guard.enforced:
        return 100
    return watched.guard.throttle_percent


def _decision(
    serial: int, who: Who, tenant: Tenant, call: Call, found: Found, verdict: Verdict, meter: Meter | None,
    reserved: int, now_ms: int, *, denied: bool,
) -> Decision:  # fmt: skip
    grant = found.grant
    return Decision(
        serial,
        now_ms,
        who.log is Log.TEST,
        REASON_NUMBERS[verdict.reason],
        found.enforced,
        tenant.version,
        grant.subscription_id if grant else "",
        found.product.id if found.product else call.asked.product or "",
        call.asked.metric,
        call.units,
        reserved,
        meter.named if meter is not None and reserved else (),
        verdict.remaining,
        verdict.limit,
        denied,
        grant.terms.key if grant else "",
        grant.customer_id if grant else "",
    )


def _end(limit: int | None, settled: int) -> int:
    return 0 if limit is None else limit - settled
