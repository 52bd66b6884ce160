"""Subscriptions over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers.rules.states import Verb
from aforo.customers.service import Subscriptions
from aforo.customers.shapes import NewSubscription, SubscriptionPatch
from aforo.customers.views import SubscriptionView, subscription_view
from aforo.kit.jsontree import Json
from aforo.kit.wire import Page


def router(subscriptions: Subscriptions, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/subscriptions`."""
    api = APIRouter(prefix="/api/v1/subscriptions", tags=["subscriptions"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    async def apply(who: Caller, subscription_id: str, verb: Verb) -> SubscriptionView:
        placed = await subscriptions.apply(who.tenant_id, subscription_id, verb)
        await accounts.note(who.tenant_id, who.actor_id, f"subscription.{verb}", subscription_id, {})
        return subscription_view(placed)

    @api.get("", summary="List subscriptions, newest first")
    async def page(
        who: reader,
        customer_id: Annotated[str | None, Query(alias="customerId")] = None,
        plan_id: Annotated[str | None, Query(alias="planId")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[SubscriptionView]:
        found, following = await subscriptions.page(
            who.tenant_id, customer_id=customer_id, plan_id=plan_id, cursor=cursor, limit=limit
        )
        return Page(data=[subscription_view(one) for one in found], next_cursor=following)

    @api.post("", status_code=201, summary="Subscribe a customer to a published plan version")
    async def create(new: NewSubscription, who: writer) -> SubscriptionView:
        placed = await subscriptions.create(who.tenant_id, new)
        one = placed.subscription
        detail: dict[str, Json] = {
            "customerId": one.customer_id,
            "planId": one.plan_id,
            "planVersion": one.plan_version,
        }
        await accounts.note(who.tenant_id, who.actor_id, "subscription.create", one.id, detail)
        return subscription_view(placed)

    @api.get("/{subscription_id}", summary="One subscription, with its status at each gateway")
    async def show(subscription_id: str, who: reader) -> SubscriptionView:
        return subscription_view(await subscriptions.one(who.tenant_id, subscription_id))

    @api.patch("/{subscription_id}", summary="Move a subscription to another plan, version or primary gateway")
    async def move(subscription_id: str, patch: SubscriptionPatch, who: writer) -> SubscriptionView:
        placed = await subscriptions.move(who.tenant_id, subscription_id, patch)
        one = placed.subscription
        detail: dict[str, Json] = {"planId": one.plan_id, "planVersion": one.plan_version}
        await accounts.note(who.tenant_id, who.actor_id, "subscription.move", one.id, detail)
        return subscription_view(placed)

    @api.post("/{subscription_id}/suspend", summary="Refuse its calls until it is reactivated")
    async def suspend(subscription_id: str, who: writer) -> SubscriptionView:
        return await apply(who, subscription_id, Verb.SUSPEND)

    @api.post("/{subscription_id}/reactivate", summary="Let a suspended subscription's calls through again")
    async def reactivate(subscription_id: str, who: writer) -> SubscriptionView:
        return await apply(who, subscription_id, Verb.REACTIVATE)

    @api.post("/{subscription_id}/cancel", summary="End a subscription for good")
    async def cancel(subscription_id: str, who: writer) -> SubscriptionView:
        return await apply(who, subscription_id, Verb.CANCEL)

    return api
