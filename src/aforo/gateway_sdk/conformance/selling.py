"""Behaviours of a gateway at which plans stand and subscriptions have keys."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from aforo.gateway_sdk.conformance.bench import Behaviour, Bench, expect, quietly
from aforo.gateway_sdk.contract import Action, Product, Step
from aforo.gateway_sdk.manifest import Capability
from aforo.gateway_sdk.pricing import Limit, Offer, Pricing, ScopedProduct
from aforo.gateway_sdk.provision import (
    Existing,
    ExistingKey,
    Owner,
    Provisioner,
    Seat,
    Seated,
    Standing,
    WantedKey,
)

_LIMIT = Limit(metric="api_calls", units=Decimal(1_000), period="day", seconds=86_400)


async def _carries_a_plan(bench: Bench) -> None:
    async with a_seat(bench, limits=()) as place, bench.pricing() as pricing:
        wanted = (await pricing.carry(_offer(place.seat))).wanted
        expect(bool(wanted.entities), "a plan with a quota is carried as nothing")
        await _bring(pricing, wanted)
        try:
            live = await pricing.read(wanted)
            expect(live is not None, "an applied plan is not there")
            expect(live is not None and live.config_digest == wanted.config_digest, "an applied plan reads otherwise")
        finally:
            await _clear(pricing, wanted)
        left = await pricing.read(wanted)
        expect(left is None or not left.entities, "a plan that was taken back is still there")


async def _tag_is_no_drift(bench: Bench) -> None:
    product = (await bench.products())[0]
    async with bench.pricing() as pricing, bench.gateway() as gateway:
        try:
            await pricing.tag(product, monetized=True)
            await pricing.tag(product, monetized=True)
            tagged = await gateway.read(product)
            expect(tagged is not None and tagged.config_digest == product.config_digest, "our own tag reads as drift")
        finally:
            await pricing.tag(product, monetized=False)
        bare = await gateway.read(product)
    expect(bare is not None and bare.config_digest == product.config_digest, "taking the tag changed the product")


async def _seats_with_exactly_one_key(bench: Bench) -> None:
    async with a_seat(bench) as place:
        expect(len(place.first.keys) == 1, f"one key was wanted, {len(place.first.keys)} stand")
        expect(place.first.keys[0].standing is Standing.ACTIVE, "a new key is not active")
        expect(place.first.scope == frozenset(one.id for one in place.seat.scope), "the key opens something else")
        expect(bool(place.first.keys[0].secret), "the secret of a new key is not told")
        found = await place.found()
        expect(len(found) == 1, f"the gateway lists {len(found)} places of one subscription")
        expect(len(_live(found)) == 1, f"the gateway lists {len(_live(found))} live keys where one was promised")


async def _settles(bench: Bench) -> None:
    async with a_seat(bench) as place:
        again = await place.provisioner.converge(place.known())
        expect(_ids(again) == _ids(place.first), "converging twice made other keys")
        expect(_ids(await place.provisioner.observe(place.known())) == _ids(place.first), "what is observed differs")


async def _suspends_and_takes_back(bench: Bench) -> None:
    async with a_seat(bench) as place:
        for standing in (Standing.SUSPENDED, Standing.ACTIVE):
            seated = await place.provisioner.converge(replace(place.known(), standing=standing))
            expect(seated.standing is standing, f"wanted {standing}, stands {seated.standing}")
            expect(_ids(seated) == _ids(place.first), "suspending made other keys")
            observed = await place.provisioner.observe(replace(place.known(), standing=standing))
            expect(observed.standing is standing, f"wanted {standing}, observed {observed.standing}")


async def _rotates_with_both_alive(bench: Bench) -> None:
    async with a_seat(bench) as place:
        old = place.known().keys[0]
        fresh = WantedKey(f"cred_{bench.tag}2", Standing.ACTIVE)
        both = await place.provisioner.converge(replace(place.known(), keys=(old, fresh)))
        alive = {key.credential_id: key for key in both.keys if key.standing is Standing.ACTIVE}
        if len(alive) == 1:
            expect(bool(both.notes), "a rotation without grace does not say so")
        else:
            expect(alive.keys() == {old.credential_id, fresh.credential_id}, f"in grace, alive are {sorted(alive)}")
        made = both.keys if len(alive) == 1 else (alive[fresh.credential_id],)
        known = tuple(WantedKey(key.credential_id, Standing.ACTIVE, native_id=key.native_id) for key in made)
        last = await place.provisioner.converge(
            replace(place.known(), keys=(replace(old, standing=Standing.GONE), *(k for k in known if k != old)))
        )
        left = [key for key in last.keys if key.standing is not Standing.GONE]
        expect([key.credential_id for key in left] == [fresh.credential_id], "after the grace, not the new key alone")
        expect(len(_live(await place.found())) == 1, "after the grace, more than one key is alive")


async def _leaves_nothing(bench: Bench) -> None:
    async with a_seat(bench) as place:
        gone = replace(place.known(), standing=Standing.GONE, keys=())
        seated = await place.provisioner.converge(gone)
        expect(seated.standing is Standing.GONE, f"a seat that is to be gone is {seated.standing}")
        expect(await place.found() == [], "something marked with a subscription that is gone is left")


SELLING = (
    Behaviour(Capability.PRICING_SYNC, "a plan is applied, read back and taken away", _carries_a_plan),
    Behaviour(Capability.MONETIZED_TAG, "the tag is set and taken without being drift", _tag_is_no_drift),
    Behaviour(Capability.PROVISION, "a seat has exactly the one key that was promised", _seats_with_exactly_one_key),
    Behaviour(Capability.PROVISION, "converging again changes nothing", _settles),
    Behaviour(Capability.SUSPEND, "a seat is suspended and taken back with its key", _suspends_and_takes_back),
    Behaviour(Capability.ROTATE, "a new key stands beside the old one, then alone", _rotates_with_both_alive),
    Behaviour(Capability.REVOKE, "a seat that is gone leaves nothing of ours", _leaves_nothing),
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A seat that stands, and the way to it."""

    bench: Bench
    provisioner: Provisioner
    seat: Seat
    first: Seated

    def known(self) -> Seat:
        """The seat as Aforo wants it once it knows the vendor's id of its key."""
        keys = tuple(WantedKey(key.credential_id, Standing.ACTIVE, native_id=key.native_id) for key in self.first.keys)
        return replace(self.seat, keys=keys)

    async def found(self) -> list[Existing]:
        """What the gateway lists of this subscription."""
        existence = await self.provisioner.existing(self.seat.scope, quietly)
        expect(not existence.partial, "the list of consumers is partial")
        return [one for one in existence.consumers if one.subscription_id == self.seat.subscription_id]


@asynccontextmanager
async def a_seat(bench: Bench, limits: tuple[Limit, ...] = (_LIMIT,)) -> AsyncIterator[_Place]:
    seat = replace(_seat(bench, await bench.scope()), limits=limits)
    async with bench.provisioner() as provisioner:
        try:
            yield _Place(bench, provisioner, seat, await provisioner.converge(seat))
        finally:
            await provisioner.converge(replace(seat, standing=Standing.GONE, keys=()))


def _seat(bench: Bench, scope: tuple[ScopedProduct, ...]) -> Seat:
    unique = uuid.uuid4().hex[:8]
    name = f"{bench.tag}{unique}"
    return Seat(
        subscription_id=f"sub_{name}",
        owner=Owner(f"cust_{name}", "Conformance", f"{name}@conformance.example", name),
        plan="conformance",
        standing=Standing.ACTIVE,
        scope=scope,
        keys=(WantedKey(f"cred_{bench.tag}1", Standing.ACTIVE),),
    )


def _offer(seat: Seat) -> Offer:
    """A plan that this seat is on, since some gateways carry limits on the consumer alone."""
    name = f"conf-{seat.subscription_id.removeprefix('sub_')}"
    on_it = (seat.subscription_id,)
    return Offer(f"plan_{name}", name, name, 1, seat.scope, (_LIMIT,), "EUR", subscription_ids=on_it)


async def _bring(pricing: Pricing, wanted: Product) -> None:
    order = [kind.name for kind in pricing.kinds]
    made = sorted(wanted.entities, key=lambda one: order.index(one.kind))
    await pricing.apply(
        wanted, None, [Step(Action.CREATE, one.kind, one.key, one, None) for one in made], lambda _: None
    )


async def _clear(pricing: Pricing, wanted: Product) -> None:
    live = await pricing.read(wanted)
    if live is None:
        return
    order = [kind.name for kind in pricing.kinds]
    gone = sorted(live.entities, key=lambda one: order.index(one.kind), reverse=True)
    await pricing.apply(
        wanted, live, [Step(Action.DELETE, one.kind, one.key, None, one) for one in gone], lambda _: None
    )


def _ids(seated: Seated) -> list[tuple[str, str]]:
    return sorted((key.credential_id, key.native_id) for key in seated.keys)


def _live(found: list[Existing]) -> list[ExistingKey]:
    return [key for one in found for key in one.keys if key.standing is Standing.ACTIVE]
