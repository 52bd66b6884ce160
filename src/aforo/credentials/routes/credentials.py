"""Credentials of subscriptions over HTTP."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from aforo.accounts import Accounts, Caller, CallerFor, Scope
from aforo.credentials.model import Credential, CredentialState
from aforo.credentials.service.credentials import Credentials
from aforo.credentials.shapes import CredentialScope, NewCredential, Rotation
from aforo.credentials.views import CredentialView, IssuedView, credential_view, issued_view
from aforo.kit.jsontree import Json
from aforo.kit.wire import Page

_AS_SUBSCRIBED: Final = NewCredential()
_USUAL: Final = Rotation()


def router(credentials: Credentials, accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/subscriptions/{id}/credentials` and `/api/v1/credentials`."""
    api = APIRouter(prefix="/api/v1", tags=["credentials"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    writer = Annotated[Caller, Depends(caller(Scope.CONTROL_WRITE))]

    async def noted(who: Caller, verb: str, one: Credential, **detail: Json) -> CredentialView:
        told: dict[str, Json] = {"subscriptionId": one.subscription_id, **detail}
        await accounts.note(who.tenant_id, who.actor_id, f"credential.{verb}", one.id, told)
        return credential_view(one)

    @api.get("/subscriptions/{subscription_id}/credentials", summary="A subscription's credentials, oldest first")
    async def of(subscription_id: str, who: reader) -> Page[CredentialView]:
        found = await credentials.of(who.tenant_id, subscription_id)
        return Page(data=[credential_view(one) for one in found])

    @api.post(
        "/subscriptions/{subscription_id}/credentials",
        status_code=201,
        summary="Issue a credential at all gateways of a subscription; its secret is shown this once",
    )
    async def issue(subscription_id: str, who: writer, new: NewCredential = _AS_SUBSCRIBED) -> IssuedView:
        issued = await credentials.issue(who.tenant_id, subscription_id, new.mode)
        await noted(who, "issue", issued.credential, mode=issued.credential.mode.value)
        return issued_view(issued)

    @api.get("/credentials", summary="List credentials, newest first")
    async def all_(
        who: reader,
        subscription_id: Annotated[str | None, Query(alias="subscriptionId")] = None,
        state: CredentialState | None = None,
        cursor: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Page[CredentialView]:
        found, following = await credentials.page(
            who.tenant_id,
            subscription_id=subscription_id,
            states=[state] if state else [],
            cursor=cursor,
            limit=limit,
        )
        return Page(data=[credential_view(one) for one in found], next_cursor=following)

    @api.get("/credentials/{credential_id}", summary="One credential, and how it stands at each gateway")
    async def show(credential_id: str, who: reader) -> CredentialView:
        return credential_view(await credentials.one(who.tenant_id, credential_id))

    @api.post("/credentials/{credential_id}/secret", summary="Show secrets that gateways made later, once each")
    async def secret(credential_id: str, who: writer) -> IssuedView:
        issued = await credentials.show(who.tenant_id, credential_id)
        await noted(who, "show", issued.credential, secrets=len(issued.secrets))
        return issued_view(issued)

    @api.post(
        "/credentials/{credential_id}/rotate",
        status_code=201,
        summary="Issue a successor; the old secret still works for the grace period",
    )
    async def rotate(credential_id: str, who: writer, how: Rotation = _USUAL) -> IssuedView:
        issued = await credentials.rotate(who.tenant_id, credential_id, how.grace_seconds)
        await noted(who, "rotate", issued.credential, replaces=credential_id, graceSeconds=how.grace_seconds)
        return issued_view(issued)

    @api.post("/credentials/{credential_id}/suspend", summary="Refuse calls with it until it is reactivated")
    async def suspend(credential_id: str, who: writer) -> CredentialView:
        return await noted(who, "suspend", await credentials.suspend(who.tenant_id, credential_id))

    @api.post("/credentials/{credential_id}/reactivate", summary="Let calls with it through again")
    async def reactivate(credential_id: str, who: writer) -> CredentialView:
        return await noted(who, "reactivate", await credentials.reactivate(who.tenant_id, credential_id))

    @api.post("/credentials/{credential_id}/revoke", summary="End it for good, at every gateway")
    async def revoke(credential_id: str, who: writer) -> CredentialView:
        return await noted(who, "revoke", await credentials.revoke(who.tenant_id, credential_id))

    @api.put("/credentials/{credential_id}/scope", summary="Open only some of the plan's products")
    async def scope(credential_id: str, wanted: CredentialScope, who: writer) -> CredentialView:
        one = await credentials.scope(who.tenant_id, credential_id, wanted.product_ids)
        return await noted(who, "scope", one, productIds=list(wanted.product_ids))

    return api
