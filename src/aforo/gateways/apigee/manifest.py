"""Google Apigee X and hybrid, by the Apigee API of Google Cloud."""

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
    UsageFacts,
    ca_bundle,
    said,
)
from aforo.gateway_sdk.provider import Provider, Refusal

API_URL: Final = "https://apigee.googleapis.com"

_ORGANIZATION: Final = FormField(
    "organization", "Organization", hint="Usually the id of the Google Cloud project, such as acme-apis"
)
_PLACE: Final = (
    FormField(
        "environments",
        "Environments",
        hint="Names separated by commas, to be looked at by the connection test; empty for all of them",
        required=False,
    ),
    FormField(
        "api_url",
        "API address",
        FieldKind.URL,
        hint="With data residency that of the region, such as https://eu-apigee.googleapis.com",
        required=False,
        default=API_URL,
    ),
    ca_bundle("PEM, if a proxy between here and Google signs with your own authority"),
    PROXY,
)

_SERVICE_ACCOUNT: Final = SignIn(
    "service_account",
    "Service account key",
    SignInGroup.MANUAL,
    (
        _ORGANIZATION,
        FormField(
            "service_account_key",
            "Key file",
            FieldKind.MULTILINE,
            hint="The whole JSON file of a service account's key",
            secret=True,
        ),
        *_PLACE,
    ),
    recommended=True,
    help="Aforo signs a short-lived assertion with the key and exchanges it for tokens of one hour. The key itself "
    "is never sent.",
)
_ACCESS_TOKEN: Final = SignIn(
    "access_token",
    "Access token",
    SignInGroup.MANUAL,
    (
        _ORGANIZATION,
        FormField("access_token", "Access token", hint="What gcloud auth print-access-token prints", secret=True),
        *_PLACE,
    ),
    help="For trying: a token ends after one hour and cannot be renewed without its owner.",
)
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_GOOGLE: Final = Provider(
    key="google",
    name="Google",
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106  an address
    scope=_SCOPE,
    needed=(_SCOPE,),
    parameters={"access_type": "offline", "prompt": "consent"},
    register=(
        "In Google Cloud, APIs & Services, Credentials: an OAuth client ID of the type Web application.",
        f"On its consent screen the scope {_SCOPE}, which is a sensitive one.",
        "Publishing status In production, or user type Internal: while it is Testing, a consent ends after 7 days.",
    ),
    refusals=(
        Refusal(
            "invalid_rapt",
            "Google Workspace's session control wants the person to sign in again",
            "Reconnect. So that it does not happen again, let a Workspace administrator mark Aforo's client as "
            "trusted under Security, Google Cloud session control, or connect with a service account's key.",
            reconnect=True,
        ),
        Refusal(
            "invalid_grant",
            "Google no longer accepts the consent: it was withdrawn, not used for six months, replaced by newer ones, "
            "or it is 7 days old and the consent screen's publishing status is Testing",
            "Reconnect. If it happens every week, set the publishing status of the consent screen to In production.",
            reconnect=True,
        ),
        Refusal(
            "admin_policy_enforced",
            "The Workspace administrator does not let people consent to this app",
            "Ask them to trust the client {client_id} under Security, API controls, App access control.",
        ),
        Refusal("access_denied", "Consent was declined at Google", "Begin again and choose Allow."),
        Refusal(
            "_client",
            "Google does not accept this installation's client id or secret",
            "Check AFORO_GOOGLE_CLIENT_ID and AFORO_GOOGLE_CLIENT_SECRET, and start Aforo again.",
        ),
    ),
)
_OAUTH2: Final = SignIn(
    "google",
    "Sign in with Google",
    SignInGroup.OAUTH2,
    (_ORGANIZATION, *_PLACE, CONSENT),
    recommended=True,
    help="You consent on Google's page, and Aforo does what your account may do in Apigee. Where Workspace limits "
    "sessions, a service account's key lasts longer.",
    provider=_GOOGLE,
)

_YES: Final = {
    Capability.SIGN_IN: "Google's consent page, a service account key, or an access token",
    Capability.TEST: "with real calls; the right to write is not tried",
    Capability.DISCOVER: "API products with operations, quotas and attributes, and their rate plans",
    Capability.CAPTURE: "every field that a person could have set; proxies' bundles hold no product",
    Capability.DIFF: "numbers as numbers, sets without order, lists of attributes by name",
    Capability.IMPORT: "selected API products",
    Capability.DRIFT: "one list pass for all products, and one for all rate plans",
    Capability.RESTORE: "recorded fields over a fresh read; a lost rate plan gets a new id, and its recorded state",
}
_SELLING: Final = {
    Capability.PRICING_SYNC: Support(
        "yes",
        "an API product of its own for each plan and product, with one quota of calls and the plan's facts, and a "
        "drafted rate plan where monetization is on; the quota works where the proxy's Quota policy asks for it",
    ),
    Capability.MONETIZED_TAG: Support(
        "substitute",
        "the attribute aforo-monetized on the API product; no deletion guard, since conditions on Google's "
        "roles know an object's name and kind, but not its attributes",
    ),
    Capability.PROVISION: Support("yes", "a developer for each customer, an app with own keys for each subscription"),
    Capability.SUSPEND: Support("yes", "the keys are revoked, and approved again; gateways keep a key for about 180 s"),
    Capability.ROTATE: Support("yes", "a second key in the same app, which shares its quota counters"),
    Capability.REVOKE: Support("yes", "the key is deleted; gateways may keep it in their cache for about 180 s"),
}
_RUNNING: Final = {
    Capability.ARTIFACT: Support(
        "yes",
        "a shared flow on the PreProxy and PostProxy flow hooks of the environments named; what stood on a hook is "
        "wrapped, goes on running, and is put back",
    ),
    Capability.ENFORCE: Support(
        "yes",
        "by the key or OAuth token that Apigee has verified; each call is asked about before the backend, and metered "
        "after it unless it ended in Apigee's error state",
    ),
}
_BOUNDS: Final = Bounds(
    delivery="best_effort",
    loss="One event a call, sent once and not repeated: those in flight when a message processor ends or while Aforo "
    "cannot be reached, and calls that end in Apigee's error state, such as a backend's 5xx",
    overshoot="HARD: none while Aforo answers, since every call is asked about. SOFT, OVERAGE and no quota: a change, "
    "such as a suspension, is felt at the latest 25 s after a lease was taken. While Aforo does not answer and no "
    "lease is left, all calls pass where the fail mode is open, and none where it is closed",
    lease_store="The environment's cache and a distributed Quota counter, by key, proxy, product and metric; only "
    "where the tightest quota is not HARD and neither a rate limit nor a throttle holds",
    single_flight="None: calls at the same moment may each take a lease, whose unspent units come back when it "
    "expires; after a check without an answer, the environment's gateways ask again after 5 s",
)

_USAGE: Final = UsageFacts(
    granularity="API product and app, by day",
    zone="UTC",
    lag_minutes=10,
    again_days=3,
    history_days=30,
    counts="Every message that reached a proxy, refused ones and those that ended in the error state included, under "
    "the product that the call's key opened. Calls of which no key was verified are of no product",
    exactness="Apigee Analytics serve reports, not bills: a call shows within about 10 minutes, and Google guarantees "
    "no exact count. How long they are kept depends on the contract with Google; 30 days are Aforo's choice",
    counts_refused=True,
)

MANIFEST: Final = Manifest(
    key="apigee",
    name="Google Apigee",
    product_word="API product",
    sign_ins=(_OAUTH2, _SERVICE_ACCOUNT, _ACCESS_TOKEN),
    # An operation that somebody adds opens another way to the backend, and a rate plan changes what a call costs.
    kinds=(
        EntityKind("product", "API product"),
        EntityKind("operation", "Operation", foreign_is_drift=True),
        EntityKind("rateplan", "Rate plan", foreign_is_drift=True),
    ),
    capabilities={
        **said("yes", _YES),
        **_SELLING,
        **_RUNNING,
    },
    harmless_field=("product", "/description"),
    bounds=_BOUNDS,
    usage=_USAGE,
    emulator_port=8092,
    call_limits=(
        CallLimit(
            calls=5800,
            per_seconds=60,
            burst=200,
            source="Apigee: 6,000 management calls per minute and organization, whoever makes them, burst included",
        ),
    ),
    limits_shared_by=("organization",),
)
