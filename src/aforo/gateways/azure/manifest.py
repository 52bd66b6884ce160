"""Azure API Management as data: ways to connect, kinds of entity, what it can do, and Azure's call limits."""

from typing import Final

from aforo.gateway_sdk.contract import SPEC_KIND
from aforo.gateway_sdk.manifest import (
    CONSENT,
    PROXY,
    Bounds,
    CallLimit,
    Capability,
    EntityKind,
    FieldKind,
    FormField,
    Manifest,
    SignIn,
    SignInGroup,
    Support,
    UsageFacts,
    ca_bundle,
    said,
)
from aforo.gateway_sdk.provider import Provider, Refusal

MANAGEMENT_URL: Final = "https://management.azure.com"
LOGIN_URL: Final = "https://login.microsoftonline.com"

_LIMITS_PAGE: Final = (
    "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling"
)

_PLACE: Final = (
    FormField("subscription_id", "Subscription id", hint="The GUID of the Azure subscription"),
    FormField("resource_group", "Resource group"),
    FormField("service_name", "Service name", hint="Of the API Management service: the part before .azure-api.net"),
)
_MANAGEMENT: Final = FormField(
    "management_url",
    "Resource Manager address",
    FieldKind.URL,
    hint="Another one only in a sovereign cloud, such as https://management.usgovcloudapi.net",
    required=False,
    default=MANAGEMENT_URL,
)
_WAY: Final = (
    ca_bundle("PEM, if a proxy before Azure has its own"),
    PROXY,
)

_SERVICE_PRINCIPAL: Final = SignIn(
    "service_principal",
    "Service principal",
    SignInGroup.MANUAL,
    (
        FormField("tenant_id", "Tenant id", hint="The GUID or the domain of the Microsoft Entra tenant"),
        FormField("client_id", "Client id", hint="Of the app registration"),
        FormField("client_secret", "Client secret", hint="Its value, not its id", secret=True),
        *_PLACE,
        _MANAGEMENT,
        FormField(
            "login_url",
            "Sign-in address",
            FieldKind.URL,
            hint="Another one only in a sovereign cloud, such as https://login.microsoftonline.us",
            required=False,
            default=LOGIN_URL,
        ),
        *_WAY,
    ),
    recommended=True,
    help="An app registration with a client secret, and the role API Management Service Contributor on the service.",
)
_ACCESS_TOKEN: Final = SignIn(
    "access_token",
    "Access token",
    SignInGroup.MANUAL,
    (
        FormField(
            "access_token", "Access token", hint="For Resource Manager; it ends after about an hour", secret=True
        ),
        *_PLACE,
        _MANAGEMENT,
        *_WAY,
    ),
    help="To try Aforo out: az account get-access-token. It cannot be renewed, so the connection ends with it.",
)
_ADMIN_CONSENT: Final = (
    "Let an administrator of the tenant open {origin}/{tenant_id}/adminconsent?client_id={client_id} and accept, "
    "then begin again."
)
_ENTRA: Final = Provider(
    key="entra",
    name="Microsoft Entra",
    authorize=f"{LOGIN_URL}/{{tenant_id}}/oauth2/v2.0/authorize",
    token=f"{LOGIN_URL}/{{tenant_id}}/oauth2/v2.0/token",
    scope="{management_url}/user_impersonation offline_access",
    parameters={"prompt": "select_account"},
    register=(
        "In Microsoft Entra, App registrations: a multi-tenant app with the platform Web.",
        "API permissions: Azure Service Management, user_impersonation; and offline_access of Microsoft Graph.",
        (
            "The customer's administrator may have to consent for the tenant, and the person needs the role API "
            "Management Service Contributor on the service."
        ),
    ),
    refusals=(
        Refusal("aadsts65001", "Nobody has consented to Aforo in this tenant yet", _ADMIN_CONSENT, reconnect=True),
        Refusal("aadsts90094", "In this tenant only an administrator may consent", _ADMIN_CONSENT, reconnect=True),
        Refusal("aadsts65004", "Consent was declined", "Begin again and accept."),
        Refusal(
            "aadsts50105",
            "The tenant lets only assigned people use Aforo, and this person is not assigned",
            "Let an administrator assign them under Enterprise applications, Users and groups.",
        ),
        Refusal(
            "aadsts53003",
            "A conditional access policy of the tenant stands in the way",
            "Let its administrator allow Aforo, then reconnect.",
            reconnect=True,
        ),
        Refusal(
            "aadsts50076",
            "The tenant wants a second factor again",
            "Reconnect, with the second factor at hand.",
            reconnect=True,
        ),
        Refusal(
            "aadsts700082",
            "The consent was not used for 90 days and has ended",
            "Reconnect.",
            reconnect=True,
        ),
        Refusal(
            "aadsts50173",
            "The consent was withdrawn, or the person's password has changed",
            "Reconnect.",
            reconnect=True,
        ),
        Refusal(
            "aadsts700016",
            "This tenant does not know Aforo's app registration",
            "Check the tenant id and AFORO_ENTRA_CLIENT_ID; the registration must be multi-tenant.",
        ),
        Refusal(
            "aadsts7000222",
            "The secret of Aforo's app registration has expired",
            "Make a new one, set AFORO_ENTRA_CLIENT_SECRET and start Aforo again.",
        ),
        Refusal(
            "aadsts7000215",
            "Entra does not accept the secret of Aforo's app registration",
            "Set AFORO_ENTRA_CLIENT_SECRET to the secret's value, not its id, and start Aforo again.",
        ),
        Refusal("access_denied", "Consent was declined", "Begin again and accept."),
    ),
)
_OAUTH2: Final = SignIn(
    "entra",
    "Sign in with Microsoft",
    SignInGroup.OAUTH2,
    (
        FormField("tenant_id", "Tenant id", hint="The GUID or the domain of the Microsoft Entra tenant"),
        *_PLACE,
        _MANAGEMENT,
        *_WAY,
        CONSENT,
    ),
    recommended=True,
    help="You consent on Microsoft's page, and Aforo does what your roles allow on the service.",
    provider=_ENTRA,
)

_YES: Final = {
    Capability.SIGN_IN: "Microsoft's consent page, a service principal, or an access token to try it",
    Capability.TEST: "with real calls; the right to write is asked of Azure, and never tried",
    Capability.DISCOVER: "products with their APIs, descriptions, policies, tags and named values; no workspaces",
    Capability.CAPTURE: "all of these; policies of single operations, groups and older revisions are left out",
    Capability.DIFF: "an API's description as Azure exports it; policies by section and without white space",
    Capability.IMPORT: "selected products",
    Capability.DRIFT: "two calls for a product, three for an API",
    Capability.RESTORE: "under ETags: what changed after the plan is refused; values of secrets cannot be restored",
    Capability.PRICING_SYNC: (
        "a product of the plan's own with its APIs, rate-limit and quota, so that nobody else's limits change; Azure "
        "answers a spent quota with 403"
    ),
    Capability.MONETIZED_TAG: "a tag on the product; an Azure Policy template that refuses to delete named products",
    Capability.PROVISION: "a user and one Azure subscription; several products stand in one of Aforo's own",
    Capability.SUSPEND: "the Azure subscription's state; a single key of two is taken out until it comes back",
    Capability.REVOKE: "the key is replaced by one that nobody knows; with the subscription both go",
}
_INSIDE: Final = {
    Capability.ARTIFACT: (
        "policy fragments and named values, included under ETags in the policies of the service, of products or of "
        "APIs; detached, they leave others' edits as they are"
    ),
    Capability.ENFORCE: (
        "by Azure's own subscription, before the backend and metered after it; each call is checked at the edge, or, "
        "where lease_units is set, no HARD quota holds and the tier is not Consumption, spent from leases"
    ),
}
_BOUNDS: Final = Bounds(
    delivery="best_effort",
    loss="the event of each call whose one-way request fails: Azure does not repeat it. A HARD unit stays counted.",
    overshoot="HARD: none while Aforo answers within 2 s, since each call is checked. SOFT, OVERAGE and no quota: a "
    "change, such as a revoked key, is felt at the next call, with leases at the latest 25 s after one was taken. "
    "Without Aforo and without a lease the fail mode decides",
    lease_store="where lease_units is set: the built-in cache and a rate-limit-by-key counter, by key, product and "
    "metric; only where the tightest quota is not HARD and neither a rate limit nor a throttle holds; none in the "
    "Consumption tier",
    single_flight="none: calls at the same moment may each take a lease, whose unspent units come back when it expires",
)
_USAGE: Final = UsageFacts(
    granularity="Azure subscription, by day; in a product of Aforo's own, of the products together whose APIs it has",
    zone="UTC",
    lag_minutes=15,
    again_days=3,
    history_days=90,
    counts="Every call with an Azure subscription's key, refused and failed ones too, under the product that the "
    "subscription opens; of a subscription to an API or to all APIs, under no product. Calls without a subscription "
    "are in no figure (not verified). The tier Consumption and the v2 tiers count nothing",
    exactness="Azure's built-in analytics are 15 minutes late or more, and Microsoft guarantees no exact count. That "
    "days are UTC's is not verified. Microsoft has announced their retirement for 15 March 2027",
    counts_refused=True,
)
_TWO_KEYS: Final = (
    "both keys live through the grace, then the old one is replaced; an Azure subscription has two, a primary and a "
    "secondary one, so a third is refused until then"
)

MANIFEST: Final = Manifest(
    key="azure",
    name="Azure API Management",
    product_word="product",
    sign_ins=(_OAUTH2, _SERVICE_PRINCIPAL, _ACCESS_TOKEN),
    # One more API in a product is sold at the product's price, and a policy decides who may call: both are drift. An
    # API's description comes and goes with the API, tags and named values alone change no call.
    kinds=(
        EntityKind("named_value", "Named value"),
        EntityKind("product", "Product settings"),
        EntityKind(SPEC_KIND, "API description"),
        EntityKind("api", "API", foreign_is_drift=True),
        EntityKind("policy", "Policy", foreign_is_drift=True),
        EntityKind("tag", "Tag"),
    ),
    capabilities={
        **said("yes", _YES),
        Capability.ROTATE: Support("substitute", _TWO_KEYS),
        **said("yes", _INSIDE),
    },
    bounds=_BOUNDS,
    usage=_USAGE,
    harmless_field=("product", "/description"),
    emulator_port=8094,
    call_limits=(
        CallLimit(calls=25, per_seconds=1, burst=250, operation="read ", source=_LIMITS_PAGE),
        CallLimit(calls=10, per_seconds=1, burst=200, operation="write ", source=_LIMITS_PAGE),
        CallLimit(calls=10, per_seconds=1, burst=200, operation="delete ", source=_LIMITS_PAGE),
    ),
    # Resource Manager counts per subscription, principal and region.
    limits_shared_by=("management_url", "subscription_id", "tenant_id", "client_id"),
)
