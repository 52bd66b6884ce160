"""API keys and the audit trail over HTTP."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, Field

from aforo.accounts.door import CallerFor
from aforo.accounts.model import ApiKey, AuditEntry, Caller, Person, Role, Scope
from aforo.accounts.people import People
from aforo.accounts.service import Accounts
from aforo.kit.wire import Moment, Page, WireModel

_USER: Final[dict[str, Any]] = {
    "id": "usr_01k9q3",
    "name": "Ada",
    "email": "ada@acme.example",
    "role": "operator",
    "hasPassword": False,
    "hasIdentity": False,
    "disabled": False,
}


class NewKey(WireModel):
    name: str = Field(min_length=1, max_length=200)
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope))
    test: bool = False
    customer_id: str | None = Field(None, min_length=1, max_length=200)
    expires_at: AwareDatetime | None = Field(None, description="In the future, and less than 100 years away.")
    networks: list[Annotated[str, Field(max_length=50)]] = Field(
        default_factory=list,
        max_length=100,
        description="Where it may be used from, such as 10.0.0.0/8; empty: anywhere.",
    )

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
    networks: list[str]


class CreatedKey(KeyView):
    secret: str


class AuditView(WireModel):
    """`number` orders the trail; `hash` covers this line and all before it."""

    number: int
    at: Moment
    actor_id: str
    action: str
    subject: str
    detail: dict[str, Any]
    hash: str


class AuditProof(WireModel):
    """`head` is the newest line's hash: keep it elsewhere, since lines cut off at the end leave a whole chain."""

    whole: bool
    lines: int
    head: str
    broken_at: int | None

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"whole": True, "lines": 1204, "head": "9f2c…", "brokenAt": None}]}
    }


class UserView(WireModel):
    id: str
    name: str
    email: str | None
    role: Role
    has_password: bool
    has_identity: bool
    disabled: bool

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_USER]}}


class NewUser(WireModel):
    name: str = Field(min_length=1, max_length=200)
    email: str = Field(min_length=3, max_length=254)
    role: Role = Role.VIEWER

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [{"name": "Ada", "email": "ada@acme.example", "role": "operator"}]}
    }


class UserPatch(WireModel):
    """What is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=200)
    role: Role | None = None
    disabled: bool | None = None
    unlink: bool = Field(False, description="Forget their account at the identity provider, and end their sessions.")

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [{"role": "finance"}]}}


class InvitedUser(UserView):
    """`signInUrl` signs them in once, within three days; it is shown in this answer only."""

    sign_in_url: str

    model_config = WireModel.model_config | {
        "json_schema_extra": {"examples": [_USER | {"signInUrl": "https://aforo.example/sign-in/…"}]}
    }


class Me(WireModel):
    tenant_id: str
    tenant_slug: str
    actor_id: str
    scopes: list[Scope]


def router(accounts: Accounts, people: People, caller: CallerFor, *, home: str) -> APIRouter:
    """`/api/v1/api-keys`, `/users`, `/audit`, `/me`; `home` is how people's browsers reach the console."""
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
            networks=new.networks,
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
    async def audit(
        who: admin,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        q: Annotated[str | None, Query(max_length=200, description="In the action, subject or actor.")] = None,
    ) -> Page[AuditView]:
        found = await accounts.audit(who.tenant_id, limit + 1, cursor, q)
        following = str(found[limit - 1].number) if len(found) > limit else None
        return Page(data=[_entry(entry) for entry in found[:limit]], next_cursor=following)

    @api.get("/audit/proof", summary="Whether the audit trail is whole")
    async def proof(who: admin) -> AuditProof:
        found = await accounts.verify_audit(who.tenant_id)
        broken = found.broken
        return AuditProof(
            whole=broken is None, lines=found.lines, head=found.head, broken_at=broken.number if broken else None
        )

    _add_users(api, people, admin, home)
    return api


def _add_users(api: APIRouter, people: People, admin: Any, home: str) -> None:
    @api.get("/users", summary="List people, oldest first")
    async def users(who: admin) -> Page[UserView]:
        return Page(data=[_user(one) for one in await people.all(who.tenant_id)])

    @api.post("/users", status_code=201, summary="Invite a person; the answer holds their first sign-in link")
    async def invite(new: NewUser, who: admin) -> InvitedUser:
        person, token = await people.invite(who.tenant_id, new.name, new.email, new.role, who.actor_id)
        return InvitedUser(sign_in_url=f"{home}/sign-in/{token}", **_user(person).model_dump())

    @api.patch("/users/{user_id}", summary="Change a person's name or role, shut them out or let them in")
    async def change(user_id: str, patch: UserPatch, who: admin) -> UserView:
        changed = await people.change(
            who.tenant_id, user_id, who.actor_id, name=patch.name, role=patch.role, disabled=patch.disabled
        )
        return _user(await people.unlink(who.tenant_id, user_id, who.actor_id) if patch.unlink else changed)

    @api.post("/users/{user_id}/sign-in-link", status_code=201, summary="Another sign-in link for a person")
    async def link(user_id: str, who: admin) -> InvitedUser:
        person = await people.one(who.tenant_id, user_id)
        token = await people.link(who.tenant_id, user_id, who.actor_id)
        return InvitedUser(sign_in_url=f"{home}/sign-in/{token}", **_user(person).model_dump())


def _user(person: Person) -> UserView:
    return UserView(
        id=person.id,
        name=person.name,
        email=person.email,
        role=person.role,
        has_password=person.has_password,
        has_identity=person.has_identity,
        disabled=person.disabled_at is not None,
    )


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
        networks=list(key.networks),
    )


def _entry(entry: AuditEntry) -> AuditView:
    return AuditView(
        number=entry.number,
        hash=entry.hash,
        at=entry.at,
        actor_id=entry.actor_id,
        action=entry.action,
        subject=entry.subject,
        detail=dict(entry.detail),
    )
