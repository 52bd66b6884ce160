"""Kong: OSS and Enterprise by the Admin API, Konnect by its control plane, and a kong.yml without any server."""

from typing import Final

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
from aforo.gateway_sdk.provider import Provider

_ADMIN_URL: Final = FormField(
    "admin_url", "Admin API address", FieldKind.URL, hint="For example https://kong.internal:8444"
)
_WORKSPACE: Final = FormField(
    "workspace", "Workspace", hint="Kong Enterprise only; empty for the default one", required=False
)
_WAY: Final = (
    ca_bundle("PEM, if the Admin API's certificate is signed by your own authority"),
    PROXY,
)

_NONE: Final = SignIn(
    "none",
    "Admin API without sign-in",
    SignInGroup.MANUAL,
    (_ADMIN_URL, *_WAY),
    recommended=True,
    help="Kong OSS has no sign-in of its own. Use this only where the Admin API listens on a private network.",
)
_HEADER_TOKEN: Final = SignIn(
    "header_token",
    "Token in a header",
    SignInGroup.MANUAL,
    (
        _ADMIN_URL,
        FormField("header_name", "Header", default="Kong-Admin-Token", required=False),
        FormField("token", "Token", secret=True),
        _WORKSPACE,
        *_WAY,
    ),
    help="For Kong Enterprise RBAC, or for an Admin API behind Kong's own key-auth plugin.",
)
_BASIC: Final = SignIn(
    "basic",
    "User name and password",
    SignInGroup.MANUAL,
    (_ADMIN_URL, FormField("username", "User name"), FormField("password", "Password", secret=True), *_WAY),
    help="For an Admin API behind a proxy that asks for HTTP basic authentication.",
)
_MTLS: Final = SignIn(
    "mtls",
    "Client certificate (mTLS)",
    SignInGroup.MANUAL,
    (
        _ADMIN_URL,
        FormField("client_cert", "Client certificate", FieldKind.MULTILINE, hint="PEM, with any intermediates"),
        FormField("client_key", "Private key", FieldKind.MULTILINE, hint="PEM, without a passphrase", secret=True),
        *_WAY,
    ),
    help="For an Admin API, or a proxy before it, that asks for a client certificate.",
)
_KONNECT: Final = SignIn(
    "konnect",
    "Kong Konnect",
    SignInGroup.MANUAL,
    (
        FormField(
            "region",
            "Region",
            FieldKind.CHOICE,
            default="us",
            choices=(
                ("us", "United States"),
                ("eu", "Europe"),
                ("au", "Australia"),
                ("me", "Middle East"),
                ("in", "India"),
                ("sg", "Singapore"),
            ),
        ),
        FormField("control_plane_id", "Control plane id", hint="The UUID on the control plane's page in Konnect"),
        FormField("token", "Access token", hint="spat_… of a system account, or a personal kpat_…", secret=True),
        FormField("base_url", "Base address", FieldKind.URL, hint="Only to override the region's", required=False),
        *_WAY,
    ),
    recommended=True,
    help="Konnect offers no app registration for third parties; a system account's token is the way it recommends.",
)
_DECLARATIVE: Final = SignIn(
    "declarative",
    "kong.yml without a server",
    SignInGroup.MANUAL,
    (
        FormField(
            "document", "kong.yml", FieldKind.MULTILINE, hint="decK or DB-less file, _format_version 3.0", secret=True
        ),
    ),
    help="Aforo works on the file's text, and keeps it sealed since keys and passwords stand in it. You apply changes "
    "yourself, with decK or Kong's DB-less mode: each product's page exports them.",
)
_SCOPE: Final = FormField(
    "scope", "Scope", hint="What the proxy before the Admin API wants to see in a token", required=False
)
_CLIENT_CREDENTIALS: Final = SignIn(
    "client_credentials",
    "OAuth2 client credentials",
    SignInGroup.MANUAL,
    (
        _ADMIN_URL,
        FormField("token_url", "Token endpoint", FieldKind.URL, hint="For example https://id.example/oauth2/token"),
        FormField("client_id", "Client id"),
        FormField("client_secret", "Client secret", secret=True),
        _SCOPE,
        _WORKSPACE,
        *_WAY,
    ),
    help="For an Admin API behind a proxy, or Kong's own OpenID Connect plugin, that asks for a bearer token.",
)
_OIDC: Final = SignIn(
    "oidc",
    "Sign in with an OpenID provider",
    SignInGroup.OAUTH2,
    (
        _ADMIN_URL,
        FormField("issuer", "Issuer", FieldKind.URL, hint="For example https://id.example/realms/ops"),
        FormField("client_id", "Client id"),
        FormField(
            "client_secret", "Client secret", secret=True, required=False, hint="Empty for a public client with PKCE"
        ),
        FormField(
            "scope",
            "Scope",
            hint="offline_access brings a refresh token at most providers",
            required=False,
            default="openid offline_access",
        ),
        _WORKSPACE,
        *_WAY,
        CONSENT,
    ),
    help="For an Admin API behind a proxy that knows people. You consent at your own provider, which Aforo finds by "
    "its issuer.",
    provider=Provider(
        key="",
        name="the OpenID provider",
        register=("At your provider: a client for the authorization code grant with PKCE (S256) and refresh tokens.",),
    ),
)

_YES: Final = {
    Capability.SIGN_IN: "none, header token, basic, mTLS, OAuth2, OpenID Connect, Konnect token, or a kong.yml",
    Capability.TEST: "with real calls; the right to write is not tried",
    Capability.DISCOVER: "services with routes, plugins, upstreams and targets",
    Capability.CAPTURE: "every field that a person could have set, secrets sealed",
    Capability.DIFF: "defaults are learnt from the gateway's own schemas",
    Capability.IMPORT: "selected services",
    Capability.DRIFT: "one list pass for all services",
    Capability.RESTORE: "only what differs; DB-less through the whole file, Konnect by replacement",
}
_SELLING: Final = {
    Capability.PRICING_SYNC: "OSS has no consumer groups: rate-limiting on each subscriber's consumer; else on a group",
    Capability.MONETIZED_TAG: "the tag aforo-monetized on the service; Kong has nothing that guards against deletion",
    Capability.PROVISION: "one consumer with key-auth keys and ACL groups per subscription",
    Capability.SUSPEND: "Kong has no such flag: request-termination on the subscription's own consumer",
    Capability.ROTATE: "a second key-auth key, until the first has had its grace",
    Capability.REVOKE: "the key, and with the subscription its consumer, are deleted",
}
_INSIDE: Final = {
    Capability.ARTIFACT: "a Lua plugin; its files are put on the nodes by hand, which Aforo checks, then attaches it",
    Capability.ENFORCE: "checks before the backend from leases in memory, meters after the answer over a spool file",
}
_BOUNDS: Final = Bounds(
    delivery="at_least_once",
    loss="kill -9: calls of at most 100 ms a worker; a power cut: also what the system had not yet written to disk. "
    "Edge away: none until the spool (256 MB unless set) is full",
    overshoot="HARD quota: none while Aforo can be asked; in an outage what the plan's fail mode grants. "
    "Rate: a second's worth a node at once",
    lease_store="nginx's shared memory `aforo`, else Kong's own: one a node, shared by its workers",
    single_flight="one renewal a node, credential, product and metric",
)
_REAL: Final = frozenset({Capability.PROVISION, Capability.ROTATE, Capability.REVOKE})

MANIFEST: Final = Manifest(
    key="kong",
    name="Kong Gateway",
    product_word="service",
    sign_ins=(_NONE, _HEADER_TOKEN, _BASIC, _MTLS, _CLIENT_CREDENTIALS, _OIDC, _KONNECT, _DECLARATIVE),
    # A route that somebody adds opens another way to the backend, and a plugin changes who may call and what it costs:
    # both touch what is sold. Targets come and go with scaling and service discovery, which is nobody's drift.
    kinds=(
        EntityKind("upstream", "Upstream"),
        EntityKind("target", "Target"),
        EntityKind("service", "Service"),
        EntityKind("route", "Route", foreign_is_drift=True),
        EntityKind("plugin", "Plugin", foreign_is_drift=True),
    ),
    capabilities={
        **said("yes", _YES),
        **{one: Support("yes" if one in _REAL else "substitute", words) for one, words in _SELLING.items()},
        **said("yes", _INSIDE),
    },
    harmless_field=("service", "/read_timeout"),
    emulator_port=8091,
    bounds=_BOUNDS,
    call_limits=(
        CallLimit(
            calls=50,
            per_seconds=1,
            burst=100,
            source="our own choice: Konnect answers 429 but publishes no numbers; an own Admin API has none",
        ),
    ),
)
