"""Aforo's own customer at a gateway: made for a verification, known to nobody as one who buys, and taken away."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from aforo.artifacts.rules import canary as rules
from aforo.artifacts.service.parts import ProductsAt
from aforo.credentials import CredentialsRoom
from aforo.customers import Customer, CustomersRoom, Mode, NewSubscription, Plan, PlanPatch, PlanState, State, Verb
from aforo.kit.errors import AforoError, Conflict

Denied = Callable[[str, str, datetime], Awaitable[bool]]
"""Given a tenant, a customer and a moment: whether enforcement decided to refuse it since, obeyed or not."""


class NothingToCall(Conflict):
    """A canary needs a product that it may call."""

    code = "nothing_to_enforce"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A canary that may call once. `secret` is None where its key is not at the gateway; `reason` says why."""

    tenant_id: str
    customer_id: str
    subscription_id: str
    plan: str
    secret: str | None = field(repr=False)
    reason: str | None = None


class Canaries:
    """One customer and plan for each integration, kept and hidden; a subscription and key for each verification.

    A new subscription has a new counter, so every verification has its one call. All are `system` records.
    """

    def __init__(
        self, customers: CustomersRoom, credentials: CredentialsRoom, products: ProductsAt, denied: Denied
    ) -> None:
        self._customers = customers
        self._credentials = credentials
        self._products = products
        self._denied = denied

    async def prepare(self, tenant_id: str, integration_id: str) -> Prepared:
        """What an earlier verification left goes first. Raises NothingToCall, ExternalIdTaken, PlanKeyTaken."""
        customer = await self._customer(tenant_id, integration_id)
        await self._end_all(tenant_id, customer.id)
        plan = await self._plan(tenant_id, integration_id)
        wanted = NewSubscription(
            customer_id=customer.id,
            plan_id=plan.id,
            plan_version=plan.version,
            mode=Mode.AFORO_PROVIDED,
            primary_integration_id=integration_id,
        )
        placed = await self._customers.subscriptions.create(tenant_id, wanted)
        subscription_id = placed.subscription.id
        issued = await self._credentials.credentials.issue(tenant_id, subscription_id)
        place = issued.credential.place(integration_id)
        told = {one.integration_id: one.secret for one in issued.secrets}
        secret = told.get(integration_id) or told.get(None)
        is_there = place is not None and place.observed == "ACTIVE"
        after = await self._customers.subscriptions.one(tenant_id, subscription_id)
        reason = next((one.reason for one in after.gateways if one.integration_id == integration_id), None)
        return Prepared(tenant_id, customer.id, subscription_id, plan.key, secret if is_there else None, reason)

    async def take_away(self, prepared: Prepared) -> str | None:
        """What could not be taken away, in words; the next verification tries again."""
        try:
            return await self._end(prepared.tenant_id, prepared.subscription_id)
        except AforoError as fault:
            return f"the subscription {prepared.subscription_id}: {fault.detail}"

    async def was_refused(self, prepared: Prepared, since: datetime) -> bool:
        return await self._denied(prepared.tenant_id, prepared.customer_id, since)

    async def _end_all(self, tenant_id: str, customer_id: str) -> None:
        found, _ = await self._customers.subscriptions.page(tenant_id, customer_id=customer_id, limit=100, system=True)
        for one in found:
            if one.status is not State.CANCELLED:
                await self._end(tenant_id, one.subscription.id)

    async def _end(self, tenant_id: str, subscription_id: str) -> str | None:
        """Cancelling refuses its key at once, and takes it from the gateway."""
        for one in await self._credentials.credentials.of(tenant_id, subscription_id):
            await self._credentials.credentials.revoke(tenant_id, one.id)
        after = await self._customers.subscriptions.apply(tenant_id, subscription_id, Verb.CANCEL)
        left = [one for one in after.gateways if one.observed not in ("GONE", "PENDING")]
        return f"the subscription {subscription_id} at its gateway: {left[0].reason or 'under way'}" if left else None

    async def _customer(self, tenant_id: str, integration_id: str) -> Customer:
        known = await self._customers.customers.own(tenant_id, rules.external_id(integration_id))
        return known or await self._customers.customers.create(tenant_id, rules.customer(integration_id), system=True)

    async def _plan(self, tenant_id: str, integration_id: str) -> Plan:
        """In a version that sells what the gateway has now."""
        plans = self._customers.plans
        ids = [product.id for product in await self._products(tenant_id, integration_id)]
        if not ids:
            raise NothingToCall(
                "No product of this gateway is imported, so a canary could call nothing.",
                next_step="Import products first.",
            )
        currency = await plans.currency(tenant_id) or "EUR"
        new = rules.plan(integration_id, sorted(ids), currency)
        known = await plans.own(tenant_id, new.key)
        if known is None:
            known = await plans.create(tenant_id, new, system=True)
        elif {*known.terms.product_ids} != {*ids}:
            draws = plans.change if known.state is PlanState.DRAFT else plans.begin_version
            known = await draws(tenant_id, known.id, PlanPatch(product_ids=new.product_ids))
        return known if known.state is PlanState.PUBLISHED else await plans.publish(tenant_id, known.id)
