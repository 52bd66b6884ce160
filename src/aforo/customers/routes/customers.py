"""Customers over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.customers.service import Customers
from aforo.customers.shapes import CustomerPatch, NewCustomer
from aforo.customers.views import CustomerView, customer_view
from aforo.kit.jsontree import Json
from aforo.kit.wire import Page


def router(customers: Customers, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/customers`."""
    api = APIRouter(prefix="/api/v1/customers", tags=["customers"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    @api.get("", summary="List customers, newest first")
    async def page(
        who: reader,
        q: Annotated[str | None, Query(description="words in the name, external id or e-mail address")] = None,
        external_id: Annotated[str | None, Query(alias="externalId")] = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[CustomerView]:
        found, following = await customers.page(
            who.tenant_id, words=q, external_id=external_id, cursor=cursor, limit=limit
        )
        return Page(data=[customer_view(one) for one in found], next_cursor=following)

    @api.post("", status_code=201, summary="Add a customer")
    async def create(new: NewCustomer, who: writer) -> CustomerView:
        customer = await customers.create(who.tenant_id, new)
        detail: dict[str, Json] = {"name": customer.name, "externalId": customer.external_id}
        await accounts.note(who.tenant_id, who.actor_id, "customer.create", customer.id, detail)
        return customer_view(customer)

    @api.get("/{customer_id}", summary="One customer")
    async def show(customer_id: str, who: reader) -> CustomerView:
        return customer_view(await customers.one(who.tenant_id, customer_id))

    @api.patch("/{customer_id}", summary="Change a customer")
    async def change(customer_id: str, patch: CustomerPatch, who: writer) -> CustomerView:
        customer = await customers.change(who.tenant_id, customer_id, patch)
        changed: list[Json] = [*sorted(patch.model_fields_set)]
        await accounts.note(who.tenant_id, who.actor_id, "customer.change", customer_id, {"members": changed})
        return customer_view(customer)

    @api.delete("/{customer_id}", status_code=204, summary="Remove a customer without live subscriptions")
    async def remove(customer_id: str, who: writer) -> None:
        await customers.remove(who.tenant_id, customer_id)
        await accounts.note(who.tenant_id, who.actor_id, "customer.remove", customer_id, {})

    return api
