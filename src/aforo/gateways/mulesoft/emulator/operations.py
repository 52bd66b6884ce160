"""Every operation that the emulator has, by name: the method, the path, and what answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import accounts, apis, applications, assets, contracts, policies, tiers, upstreams
from .answers import Answer
from .calls import Call
from .world import World

_ENVIRONMENT: Final = "/organizations/{organizationId}/environments/{environmentId}"
_APIS: Final = f"/apimanager/api/v1{_ENVIRONMENT}/apis"
_API: Final = f"{_APIS}/{{environmentApiId}}"
_XAPI: Final = f"/apimanager/xapi/v1{_ENVIRONMENT}/apis/{{environmentApiId}}"
_ASSET: Final = "/exchange/api/v2/assets/{groupId}/{assetId}/{version}"
_APPS: Final = "/exchange/api/v2/organizations/{masterOrganizationId}/applications"


@dataclass(frozen=True, slots=True)
class Operation:
    """`is_open`: answered without a token."""

    name: str
    method: str
    path: str
    answer: Callable[[World, Call], Answer]
    is_open: bool = False


OPERATIONS: Final = (
    Operation("token", "POST", "/accounts/api/v2/oauth2/token", accounts.token, is_open=True),
    Operation("me", "GET", "/accounts/api/me", accounts.me),
    Operation(
        "environments", "GET", "/accounts/api/organizations/{organizationId}/environments", accounts.environments
    ),
    Operation("environment", "GET", f"/accounts/api{_ENVIRONMENT}", accounts.environment),
    Operation("scopes", "GET", "/accounts/api/connectedApplications/{clientId}/scopes", accounts.scopes),
    Operation("list-apis", "GET", _APIS, apis.listed),
    Operation("create-api", "POST", _APIS, apis.post),
    Operation("get-api", "GET", _API, apis.get),
    Operation("patch-api", "PATCH", _API, apis.patch),
    Operation("delete-api", "DELETE", _API, apis.delete),
    Operation("put-tag", "PUT", f"{_API}/tags/{{tag}}", apis.put_tag),
    Operation("delete-tag", "DELETE", f"{_API}/tags/{{tag}}", apis.delete_tag),
    Operation("list-policies", "GET", f"{_API}/policies", policies.listed),
    Operation("create-policy", "POST", f"{_API}/policies", policies.post),
    Operation("reorder-policies", "PATCH", f"{_API}/policies", policies.reorder),
    Operation("get-policy", "GET", f"{_API}/policies/{{policyId}}", policies.get),
    Operation("patch-policy", "PATCH", f"{_API}/policies/{{policyId}}", policies.patch),
    Operation("delete-policy", "DELETE", f"{_API}/policies/{{policyId}}", policies.delete),
    Operation("disable-policy", "POST", f"{_XAPI}/policies/{{policyId}}/disable", policies.disable),
    Operation("enable-policy", "POST", f"{_XAPI}/policies/{{policyId}}/enable", policies.enable),
    Operation("list-tiers", "GET", f"{_API}/tiers", tiers.listed),
    Operation("create-tier", "POST", f"{_API}/tiers", tiers.post),
    Operation("put-tier", "PUT", f"{_API}/tiers/{{tierId}}", tiers.put),
    Operation("delete-tier", "DELETE", f"{_API}/tiers/{{tierId}}", tiers.delete),
    Operation("list-upstreams", "GET", f"{_API}/upstreams", upstreams.listed),
    Operation("create-upstream", "POST", f"{_API}/upstreams", upstreams.post),
    Operation("get-upstream", "GET", f"{_API}/upstreams/{{upstreamId}}", upstreams.get),
    Operation("patch-upstream", "PATCH", f"{_API}/upstreams/{{upstreamId}}", upstreams.patch),
    Operation("delete-upstream", "DELETE", f"{_API}/upstreams/{{upstreamId}}", upstreams.delete),
    Operation("list-contracts", "GET", f"{_API}/contracts", contracts.listed),
    Operation("create-contract", "POST", f"{_API}/contracts", contracts.post),
    Operation("get-contract", "GET", f"{_API}/contracts/{{contractId}}", contracts.get),
    Operation("patch-contract", "PATCH", f"{_API}/contracts/{{contractId}}", contracts.patch),
    Operation("delete-contract", "DELETE", f"{_API}/contracts/{{contractId}}", contracts.delete),
    Operation("act-on-contract", "POST", f"{_XAPI}/contracts/{{contractId}}/{{action}}", contracts.act),
    Operation("search-assets", "GET", "/exchange/api/v2/assets/search", assets.search),
    Operation("get-asset", "GET", f"{_ASSET}/asset", assets.get),
    Operation("delete-asset", "DELETE", _ASSET, assets.delete),
    Operation(
        "publish-asset",
        "POST",
        "/exchange/api/v2/organizations/{organizationId}/assets/{groupId}/{assetId}/{version}",
        assets.publish,
    ),
    Operation("file", "GET", "/exchange-files/{groupId}/{assetId}/{version}/{classifier}", assets.file, is_open=True),
    Operation("list-applications", "GET", _APPS, applications.listed),
    Operation("create-application", "POST", _APPS, applications.post),
    Operation("get-application", "GET", f"{_APPS}/{{applicationId}}", applications.get),
    Operation("patch-application", "PATCH", f"{_APPS}/{{applicationId}}", applications.patch),
    Operation("delete-application", "DELETE", f"{_APPS}/{{applicationId}}", applications.delete),
    Operation("reset-secret", "POST", f"{_APPS}/{{applicationId}}/secret/reset", applications.reset_secret),
    Operation("application-contracts", "GET", f"{_APPS}/{{applicationId}}/contracts", applications.contracts),
)
