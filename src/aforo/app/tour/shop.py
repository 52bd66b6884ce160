"""Sets the shop up: what stands already stays as it is, so that a second run finishes what a first one began."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx2

from aforo.app.tour.sample import CURRENCY, PLACES, SALES, UNIT_COST, Place, Sale
from aforo.app.wiring import Rooms
from aforo.artifacts.model import Mode, Wishes
from aforo.catalog.model import ProductRow
from aforo.customers.errors import GuardExists
from aforo.customers.model import Customer, Plan, PlanState, ScopeKind, Subscription
from aforo.customers.rules.states import State
from aforo.customers.shapes import (
    CostScope,
    Floors,
    GuardScope,
    NewCostRule,
    NewCustomer,
    NewGuard,
    NewPlan,
    NewSubscription,
)
from aforo.gateway_sdk.artifact import Phase
from aforo.integrations import Integration
from aforo.jobs import Report
from aforo.kit.errors import Conflict
from aforo.kit.jsontree import Json


class NoEmulatedGateways(Conflict):
    """The tour needs the gateways that it calls."""

    code = "no_emulated_gateways"


@dataclass(frozen=True, slots=True)
class Site:
    """A place of the tour as this tenant has it connected."""

    place: Place
    integration: Integration

    @property
    def base(self) -> str:
        """The emulator's own address, without a slash at its end."""
        return self.integration.settings[self.place.base_setting].rstrip("/")


async def sites(rooms: Rooms, tenant_id: str) -> list[Site]:
    """The tour's gateways that are connected and emulated, in the tour's order."""
    known = {one.name: one for one in await rooms.integrations.all(tenant_id) if one.emulated}
    return [Site(place, known[place.name]) for place in PLACES if place.name in known]


async def all_sites(rooms: Rooms, tenant_id: str) -> list[Site]:
    """Raises NoEmulatedGateways where one is missing."""
    found = await sites(rooms, tenant_id)
    if len(found) < len(PLACES):
        there = {one.integration.name for one in found}
        missing = " and ".join(place.name for place in PLACES if place.name not in there)
        raise NoEmulatedGateways(
            f"The tour calls emulated gateways. Not connected: {missing}.",
            next_step="Try with emulated gateways first: the overview and the page of integrations offer it.",
        )
    return found


class EmulatorAway(Conflict):
    """It runs beside Aforo, and ends with it."""

    code = "emulator_away"


@contextmanager
def answering(site: Site) -> Iterator[None]:
    """For calls of the emulator itself, past our connectors. Raises EmulatorAway where it does not answer."""
    try:
        yield
    except httpx2.HTTPError as fault:
        raise EmulatorAway(
            f"{site.integration.name} does not answer as an emulator would: {type(fault).__name__}.",
            next_step="Start the emulated gateways again, on /tour, and repeat.",
        ) from fault


class Shop:
    """The tour's products, plans, customers and artifacts in the tenant's own rooms."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def subscriptions(self, tenant_id: str) -> dict[str, Subscription]:
        """The live subscription of each sale that has one, by the sale's key."""
        found = {}
        for sale in SALES:
            customer = await self._customer(tenant_id, sale)
            if customer and (one := await self._subscription(tenant_id, customer)):
                found[sale.key] = one
        return found

    async def is_open(self, tenant_id: str) -> bool:
        """Whether everybody is subscribed and each gateway of the tour refuses by itself."""
        if len(await self.subscriptions(tenant_id)) < len(SALES):
            return False
        found = await sites(self._rooms, tenant_id)
        return len(found) == len(PLACES) and all([await self._enforces(tenant_id, site) for site in found])

    async def set_up(self, tenant_id: str, actor_id: str, report: Report) -> None:
        """Import, price, subscribe and enforce. Raises NoEmulatedGateways."""
        found = await all_sites(self._rooms, tenant_id)
        about = 2 * len(found) + len(SALES)
        products: list[ProductRow] = []
        for site in found:
            report(len(products), about, "steps")
            products.append(await self._imported(tenant_id, actor_id, site))
        await self._costs(tenant_id, products)
        for number, sale in enumerate(SALES):
            report(len(found) + number, about, "steps")
            await self._sold(tenant_id, sale, products)
        for number, (site, product) in enumerate(zip(found, products, strict=True)):
            report(len(found) + len(SALES) + number, about, "steps")
            await self._enforced(tenant_id, actor_id, site, product)
        report(about, about, "steps")
        made: dict[str, Json] = {"products": [product.id for product in products], "plans": [s.plan_key for s in SALES]}
        await self._rooms.accounts.note(tenant_id, actor_id, "tour.set_up", tenant_id, made)

    async def product(self, tenant_id: str, site: Site) -> ProductRow | None:
        """The tour's product at a gateway, once imported."""
        rows, _ = await self._rooms.catalog.products(
            tenant_id, integration_id=site.integration.id, words=site.place.ref, limit=1_000
        )
        return next((row for row in rows if row.ref == site.place.ref), None)

    async def _imported(self, tenant_id: str, actor_id: str, site: Site) -> ProductRow:
        if known := await self.product(tenant_id, site):
            return known
        catalog = self._rooms.catalog
        preview = await catalog.preview(tenant_id, site.integration.id, actor_id, _untold)
        result = await catalog.import_(tenant_id, preview.id, [site.place.ref], actor_id)
        return result.created[0]

    async def _costs(self, tenant_id: str, products: Sequence[ProductRow]) -> None:
        margins = self._rooms.customers.margins
        known = {rule.product_id for rule in (await margins.cost_rules(tenant_id, limit=1_000))[0]}
        currency = await self._currency(tenant_id)
        for product in products:
            if product.id not in known:
                scope = CostScope(product_id=product.id, metric="api_calls")
                new = NewCostRule(scope=scope, unit_cost=UNIT_COST, currency=currency)
                await margins.create_cost_rule(tenant_id, new)

    async def _sold(self, tenant_id: str, sale: Sale, products: Sequence[ProductRow]) -> None:
        room = self._rooms.customers
        plan = await self._published(tenant_id, sale, products)
        customer = await self._customer(tenant_id, sale) or await room.customers.create(
            tenant_id, NewCustomer(name=sale.customer, external_id=sale.external_id)
        )
        if await self._subscription(tenant_id, customer) is None:
            await room.subscriptions.create(tenant_id, NewSubscription(customer_id=customer.id, plan_id=plan.id))
        await self._guarded(tenant_id, customer)

    async def _published(self, tenant_id: str, sale: Sale, products: Sequence[ProductRow]) -> Plan:
        plans = self._rooms.customers.plans
        found = await plans.find(tenant_id, sale.plan_key, 100)
        known = next((plan_id for plan_id, _, key in found if key == sale.plan_key), None)
        if known:
            plan = await plans.one(tenant_id, known)
        else:
            told = {"key": sale.plan_key, "name": sale.plan, "currency": await self._currency(tenant_id)}
            sold = {"productIds": [product.id for product in products]}
            plan = await plans.create(tenant_id, NewPlan.model_validate({**told, **sold, **sale.terms}))
        return await plans.publish(tenant_id, plan.id) if plan.state is PlanState.DRAFT else plan

    async def _guarded(self, tenant_id: str, customer: Customer) -> None:
        """A guard that observes: the margin page then says what enforcing it would have done."""
        floors = Floors.model_validate({"L1": "0.30", "L2": "0.10", "L3": "0.00"})
        new = NewGuard(scope=GuardScope(kind=ScopeKind.CUSTOMER, ref=customer.id), floors=floors)
        try:
            await self._rooms.customers.margins.create_guard(tenant_id, new)
        except GuardExists:
            return

    async def _currency(self, tenant_id: str) -> str:
        """That of the tenant's own plans, where it has some: all plans share one."""
        return await self._rooms.customers.plans.currency(tenant_id) or CURRENCY

    async def _customer(self, tenant_id: str, sale: Sale) -> Customer | None:
        found, _ = await self._rooms.customers.customers.page(tenant_id, external_id=sale.external_id, limit=1)
        return found[0] if found else None

    async def _subscription(self, tenant_id: str, customer: Customer) -> Subscription | None:
        placed, _ = await self._rooms.customers.subscriptions.page(tenant_id, customer_id=customer.id)
        return next((one.subscription for one in placed if one.status is not State.CANCELLED), None)

    async def _enforces(self, tenant_id: str, site: Site) -> bool:
        standing = await self._rooms.artifacts.switching.status(tenant_id, site.integration.id, ask=False)
        one = standing.installed
        return one is not None and one.phase is Phase.ATTACHED and one.mode is Mode.ENFORCE

    async def _enforced(self, tenant_id: str, actor_id: str, site: Site, product: ProductRow) -> None:
        if await self._enforces(tenant_id, site):
            return
        room, at = self._rooms.artifacts, site.integration.id
        wishes = replace(Wishes(), key_from=site.place.key_from) if site.place.key_from else Wishes()
        await room.artifacts.deploy(tenant_id, at, actor_id, _untold, wishes)
        await room.artifacts.attach(tenant_id, at, actor_id, _untold)
        await room.switching.enforce(tenant_id, at, actor_id, [product.id])


def _untold(done: int, about: int | None, what: str) -> None:
    del done, about, what
