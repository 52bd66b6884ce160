"""MuleSoft Anypoint: API instances of API Manager, with the API descriptions that Exchange keeps."""

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
    ca_bundle,
    said,
)
from aforo.gateway_sdk.provider import Provider, Refusal

ANYPOINT_URL: Final = "https://anypoint.mulesoft.com"

_WHERE: Final = (
    FormField("organization_id", "Organization id", hint="The business group's id: Access Management, Business Groups"),
    FormField("environment_id", "Environment id", hint="Access Management, Environments; one integration for each"),
    FormField(
        "anypoint_url",
        "Anypoint address",
        FieldKind.URL,
        hint="https://eu1.anypoint.mulesoft.com for Europe, https://gov.anypoint.mulesoft.com for the US government, "
        "https://ca1.platform.mulesoft.com for Canada",
        required=False,
        default=ANYPOINT_URL,
    ),
)
_WAY: Final = (
    ca_bundle("PEM, if a proxy of yours signs certificates with your own authority"),
    PROXY,
)

_CONNECTED_APP: Final = SignIn(
    "connected_app",
    "Connected app",
    SignInGroup.MANUAL,
    (
        FormField("client_id", "Client id"),
        FormField("client_secret", "Client secret", secret=True),
        *_WHERE,
        *_WAY,
    ),
    recommended=True,
    help="Access Management, Connected Apps: an app that acts on its own behalf (client credentials). Give its scopes "
    "for this business group and this environment: a missing scope shows as an empty list and not as an error.",
)
_ACCESS_TOKEN: Final = SignIn(
    "access_token",
    "Access token",
    SignInGroup.MANUAL,
    (FormField("access_token", "Access token", secret=True), *_WHERE, *_WAY),
    help="A bearer token that you have got yourself. It ends after about an hour: good for a try, not for operation.",
)
_SCOPES: Final = (
    "View Environment, View and Manage APIs Configuration, View and Manage Policies, View and Manage Contracts, "
    "Exchange Viewer, View Client Applications, Application Creator, and Background Access"
)
_ANYPOINT: Final = Provider(
    key="mulesoft",
    name="MuleSoft Anypoint",
    authorize=f"{ANYPOINT_URL}/accounts/api/v2/oauth2/authorize",
    token=f"{ANYPOINT_URL}/accounts/api/v2/oauth2/token",
    scope="full offline_access",
    register=(
        (
            "In Access Management, Connected Apps: an app that acts on a user's behalf, with the grants Authorization "
            "Code and Refresh Token."
        ),
        (
            f"Scopes: Full Access and Background Access; or, named in the field Scopes, at least {_SCOPES}. A missing "
            "scope shows as an empty list and not as an error."
        ),
    ),
    refusals=(
        Refusal(
            "invalid_scope",
            "Aforo's connected app lacks a scope that it asks for",
            "In Access Management, Connected Apps, give it Full Access and Background Access, then begin again.",
        ),
        Refusal(
            "invalid_grant",
            "Anypoint no longer accepts the consent: it was withdrawn, or has ended",
            "Reconnect.",
            reconnect=True,
        ),
        Refusal("access_denied", "Consent was declined at Anypoint", "Begin again and grant access."),
        Refusal(
            "_client",
            "Anypoint does not accept this installation's client id or secret",
            "Check AFORO_MULESOFT_CLIENT_ID, AFORO_MULESOFT_CLIENT_SECRET and AFORO_MULESOFT_URL, and that the app "
            "is enabled.",
        ),
    ),
)
_OAUTH2: Final = SignIn(
    "anypoint",
    "Sign in with Anypoint",
    SignInGroup.OAUTH2,
    (
        *_WHERE,
        FormField(
            "scope",
            "Scopes",
            hint="Empty for full and offline_access; else what Aforo's connected app has, offline_access among it",
            required=False,
        ),
        *_WAY,
        CONSENT,
    ),
    recommended=True,
    help="You consent on Anypoint's page, and Aforo does what you may do in this business group and environment.",
    provider=_ANYPOINT,
)

_YES: Final = {
    Capability.SIGN_IN: "Anypoint's consent page, a connected app (client credentials) or a bearer token",
    Capability.TEST: "with real calls, one for each scope that reading needs; the right to write is not tried",
    Capability.DISCOVER: "API instances with policies, SLA tiers and upstreams, and their OpenAPI from Exchange",
    Capability.CAPTURE: "every setting that a person could have made; what Anypoint masks is named",
    Capability.DIFF: "server defaults, audit data and order left out",
    Capability.IMPORT: "selected API instances",
    Capability.DRIFT: "three or four calls for each instance, and two for each version of an asset",
}
_SUBSTITUTE: Final = {
    Capability.RESTORE: "settings, policies, tiers and upstreams are written back; Exchange versions are immutable, so "
    "an API description is restored by pointing the instance to the recorded version again",
}
_SELLING: Final = {
    Capability.PRICING_SYNC: Support(
        "yes",
        "an SLA tier for each plan and API instance, with limits of calls in windows of fixed length; it counts where "
        "the policy rate-limiting-sla-based is applied, and a tier that applications use is deprecated, not deleted",
    ),
    Capability.MONETIZED_TAG: Support(
        "substitute", "the tag aforo-monetized on the API instance; Anypoint has no guard against its deletion"
    ),
    Capability.PROVISION: Support(
        "yes",
        "a client application for each key, with an approved contract for each API instance; Anypoint makes client id "
        "and secret itself, so a secret of Aforo's is not used here",
    ),
    Capability.SUSPEND: Support("yes", "contracts are revoked, and restored; gateways ask for changes now and then"),
    Capability.ROTATE: Support(
        "substitute",
        "a second application with contracts on the same tier, since Anypoint replaces a secret at once; limits are "
        "counted for each application, so that up to twice the allowance is there during the grace",
    ),
    Capability.REVOKE: Support("yes", "contracts are revoked and deleted, then the application is"),
}
_INSIDE: Final = {
    Capability.ARTIFACT: (
        "MuleSoft's own policy on each API instance, applied, switched and taken away; a policy project of Aforo's for "
        "Mule 4 is checked and not run, since only MuleSoft's tools can build it"
    ),
    Capability.ENFORCE: (
        "by SLA tiers and contracts, without a check at Aforo; a change takes effect in minutes, and usage comes by "
        "pull or upload alone"
    ),
}
_BOUNDS: Final = Bounds(
    delivery="best_effort",
    loss="every call that is not sent or uploaded: the gateway itself meters nothing",
    overshoot="the calls of the minutes until runtimes have asked for a changed tier or contract, and a second "
    "allowance for each further application; windows are fixed, so twice a tier's limit can fall into one "
    "window's length",
    lease_store="none: a tier's counters are the runtime's",
    single_flight="none: nothing is asked",
)

MANIFEST: Final = Manifest(
    key="mulesoft",
    name="MuleSoft Anypoint",
    product_word="API instance",
    sign_ins=(_OAUTH2, _CONNECTED_APP, _ACCESS_TOKEN),
    kinds=(
        EntityKind(SPEC_KIND, "API description", foreign_is_drift=True),
        EntityKind("api", "API instance"),
        # A tier that others add sells nothing before a contract asks for it; a policy changes every call.
        EntityKind("tier", "SLA tier"),
        EntityKind("policy", "Policy", foreign_is_drift=True),
        EntityKind("upstream", "Upstream"),
    ),
    capabilities={
        **said("yes", _YES),
        **said("substitute", _SUBSTITUTE),
        **_SELLING,
        **said("substitute", _INSIDE),
    },
    bounds=_BOUNDS,
    harmless_field=("api", "/description"),
    emulator_port=8095,
    call_limits=(
        CallLimit(
            calls=25,
            per_seconds=1,
            burst=100,
            source="our own choice: MuleSoft does not disclose its limits, and they vary; a 429 is honoured, and so is "
            "a 500 or 503 of Exchange, which uses them as such",
        ),
    ),
    limits_shared_by=("anypoint_url", "organization_id"),
)
