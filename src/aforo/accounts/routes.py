"""API keys and the audit trail over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from aforo.accounts.door import CallerFor
from aforo.accounts.model import ApiKey, AuditEntry, Caller, Scope
from aforo.accounts.service import Accounts
from aforo.kit.wire import Moment, Page, WireModel


class NewKey(WireModel):
    name: str = Field(min_length=1, max_length=200)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    test: bool = False
    customer_id: str | None = Field(None, min_length=1, max_length=200)
    expires_at: AwareDatetime | None = Field(None, description="In the future, and less than 100 years away.")

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"name": "kong plugin", "scopes": ["usage:ingest", "entitlements:check"]}]}
    }


class KeyView(WireModel):
    id: str
    name: str
    last4: str
    scopes: list[Scope]
    test: bool
    created_at: Moment
    customer_id: str | None
    expires_at: Moment | None
    revoked_at: Moment | None


class CreatedKey(KeyView):
    secret: str


class AuditView(WireModel):
    at: Moment
    actor_id: str
    action: str
    subject: str
    detail: dict[str, Any]


class Me(WireModel):
    tenant_id: str
    tenant_slug: str
    actor_id: str
    scopes: list[Scope]


def router(accounts: Accounts, caller: CallerFor) -> APIRouter:
    """`/api/v1/api-keys`, `/audit`, `/me`."""
    api = APIRouter(prefix="/api/v1", tags=["accounts"])
    reader = Annotated[Caller, Depends(caller(Scope.CONTROL_READ))]
    admin = Annotated[Caller, Depends(caller(Scope.ADMIN))]

    @api.get("/me", summary="Who the caller is")
    async def me(who: reader) -> Me:
        return Me(
            tenant_id=who.tenant_id, tenant_slug=who.tenant_slug, actor_id=who.actor_id, scopes=sorted(who.scopes)
        )

    @api.post("/api-keys", status_code=201, summary="Create an API key; its secret is shown only in this answer")
    async def create(new: NewKey, who: admin) -> CreatedKey:
        key, secret = await accounts.create_key(
            who.tenant_id,
            new.name,
            new.scopes,
            test=new.test,
            customer_id=new.customer_id,
            expires_at=new.expires_at,
            actor_id=who.actor_id,
        )
        return CreatedKey(secret=secret, **_view(key).model_dump())

    @api.get("/api-keys", summary="List API keys")
    async def keys(who: admin) -> Page[KeyView]:
        return Page(data=[_view(key) for key in await accounts.keys(who.tenant_id)])

    @api.delete("/api-keys/{key_id}", status_code=204, summary="Revoke an API key at once")
    async def revoke(key_id: str, who: admin) -> None:
        await accounts.revoke_key(who.tenant_id, key_id, who.actor_id)

    @api.get("/audit", summary="Who did what, newest first")
    async def audit(who: admin, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Page[AuditView]:
        return Page(data=[_entry(entry) for entry in await accounts.audit(who.tenant_id, limit)])

    return api


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        last4=key.last4,
        scopes=sorted(key.scopes),
        test=key.test,
        created_at=key.created_at,
        customer_id=key.customer_id,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


def _entry(entry: AuditEntry) -> AuditView:
    return AuditView(
        at=entry.at,
        actor_id=entry.actor_id,
        action=entry.action,
        subject=entry.subject,
        detail=dict(entry.detail),
    )
