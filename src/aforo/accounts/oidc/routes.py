"""`/api/v1/sign-in`: how people sign in here, for whoever sets it up."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from aforo.accounts.door import CallerFor
from aforo.accounts.model import Caller, Role, Scope
from aforo.accounts.oidc.model import CALLBACK, RoleRule
from aforo.accounts.oidc.service import CompanySignIn
from aforo.accounts.service import Accounts
from aforo.kit.wire import WireModel

_PROVIDER: Final[dict[str, Any]] = {
    "name": "Acme ID",
    "issuer": "https://login.acme.example",
    "clientId": "0oa1k9q3",
    "scopes": "openid email profile groups",
    "roleClaim": "groups",
    "roles": [{"group": "api-owners", "role": "product"}],
    "trustsEmail": False,
}


class RoleRuleView(WireModel):
    """Who is in this group comes in without an invitation, with this role."""

    group: str
    role: Role

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_PROVIDER["roles"][0]]}}


class ProviderView(WireModel):
    """Aforo as the identity provider's client; the secret is never told."""

    name: str
    issuer: str
    client_id: str
    scopes: str
    role_claim: str
    roles: list[RoleRuleView]
    trusts_email: bool

    model_config = WireModel.model_config | {"json_schema_extra": {"examples": [_PROVIDER]}}


class SignInView(WireModel):
    """`redirectUri` is what the identity provider must know; `fault` is what keeps it from being used now."""

    passwords: bool
    redirect_uri: str
    provider: ProviderView | None
    fault: str | None

    model_config = WireModel.model_config | {
        "json_schema_extra": {
            "examples": [
                {
                    "passwords": True,
                    "redirectUri": f"https://aforo.example{CALLBACK}",
                    "provider": _PROVIDER,
                    "fault": None,
                }
            ]
        }
    }


def router(company: CompanySignIn, accounts: Accounts, caller: CallerFor, *, passwords: bool, home: str) -> APIRouter:
    """`home` is how people's browsers reach the console."""
    api = APIRouter(prefix="/api/v1", tags=["accounts"])
    admin = Annotated[Caller, Depends(caller(Scope.ADMIN))]

    @api.get("/sign-in", summary="How people sign in, and whether the identity provider answers")
    async def show(who: admin) -> SignInView:
        return await view_of(company, passwords, home, who.tenant_slug, accounts)

    return api


async def view_of(company: CompanySignIn, passwords: bool, home: str, slug: str, accounts: Accounts) -> SignInView:
    """As one tenant's administrator may see it: rules for other tenants are left out."""
    me = company.told
    first = (await accounts.tenants())[0].slug
    provider = me and ProviderView(
        name=me.name,
        issuer=me.issuer,
        client_id=me.client_id,
        scopes=me.scopes,
        role_claim=me.role_claim,
        roles=[_rule(rule) for rule in me.roles if (rule.tenant or first) == slug],
        trusts_email=me.trusts_email,
    )
    return SignInView(
        passwords=passwords,
        redirect_uri=f"{home}{CALLBACK}",
        provider=provider,
        fault=await company.fault() or None,
    )


def _rule(rule: RoleRule) -> RoleRuleView:
    return RoleRuleView(group=rule.group, role=rule.role)
