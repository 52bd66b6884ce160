"""MuleSoft Anypoint: API instances of API Manager, with the API descriptions that Exchange keeps."""

from typing import Final

from aforo.gateway_sdk.contract import SPEC_KIND
from aforo.gateway_sdk.manifest import (
    CallLimit,
    Capability,
    EntityKind,
    FieldKind,
    FormField,
    Manifest,
    SignIn,
    SignInGroup,
    Support,
)

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
    FormField(
        "ca_bundle",
        "CA bundle",
        FieldKind.MULTILINE,
        hint="PEM, if a proxy of yours signs certificates with your own authority",
        required=False,
    ),
    FormField("proxy", "Proxy", FieldKind.URL, hint="For example http://proxy.internal:3128", required=False),
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

_YES: Final = {
    Capability.SIGN_IN: "connected app (client credentials, renewed ahead of expiry) or a bearer token",
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
_NOT_YET: Final = {
    Capability.PRICING_SYNC: "planned: SLA tiers, with the rate-limiting-sla-based policy that makes them count",
    Capability.MONETIZED_TAG: "planned: a tag on the instance",
    Capability.PROVISION: "planned: a client application and a contract on a tier",
    Capability.SUSPEND: "planned: by revoking and restoring the contract",
    Capability.ROTATE: "planned, by a second application: Anypoint replaces a secret at once, without grace",
    Capability.REVOKE: "planned: revoking and deleting the contract",
    Capability.ARTIFACT: "planned: a custom policy, which MuleSoft's own tools must have built",
    Capability.ENFORCE: "planned, by the custom policy",
}

MANIFEST: Final = Manifest(
    key="mulesoft",
    name="MuleSoft Anypoint",
    product_word="API instance",
    sign_ins=(_CONNECTED_APP, _ACCESS_TOKEN),
    kinds=(
        EntityKind(SPEC_KIND, "API description", foreign_is_drift=True),
        EntityKind("api", "API instance"),
        # A tier that others add sells nothing before a contract asks for it; a policy changes every call.
        EntityKind("tier", "SLA tier"),
        EntityKind("policy", "Policy", foreign_is_drift=True),
        EntityKind("upstream", "Upstream"),
    ),
    capabilities={
        **{capability: Support("yes", words) for capability, words in _YES.items()},
        **{capability: Support("substitute", words) for capability, words in _SUBSTITUTE.items()},
        **{capability: Support("not_yet", words) for capability, words in _NOT_YET.items()},
    },
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
