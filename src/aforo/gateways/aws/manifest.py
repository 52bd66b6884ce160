"""AWS API Gateway as data: ways to connect, kinds of entity, what it can do, and AWS's own call limits."""

from typing import Final

from aforo.gateway_sdk.contract import SPEC_KIND
from aforo.gateway_sdk.manifest import (
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
)

_LIMITS_PAGE: Final = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
_YES: Final = Support("yes")

_REGION = FormField("region", "Region", hint="us-east-1. One integration sees one region.")
_WAY_THERE = (
    FormField(
        "endpoint_url",
        "Endpoint",
        FieldKind.URL,
        hint="Leave empty for AWS itself. A private endpoint or a stand-in: all calls, STS included, go there.",
        required=False,
    ),
    ca_bundle("PEM, for an endpoint with a certificate of your own."),
    PROXY,
)  # fmt: skip

_ROLE = SignIn(
    key="aws_role",
    label="IAM role in your account",
    group=SignInGroup.AWS_ROLE,
    recommended=True,
    help="Create the role with the CloudFormation template shown here. It trusts Aforo's AWS principal, and only "
    "together with this integration's ExternalId. No key of yours is stored.",
    fields=(
        FormField("role_arn", "Role ARN", hint="arn:aws:iam::123456789012:role/AforoGatewayAccess", later=True),
        _REGION,
        *_WAY_THERE,
    ),
)

_ACCESS_KEYS = SignIn(
    key="access_keys",
    label="Access key",
    group=SignInGroup.MANUAL,
    help="An IAM user's key with the rights that the role template lists, or temporary keys with their session token.",
    fields=(
        FormField("access_key_id", "Access key ID", hint="AKIA…"),
        FormField("secret_access_key", "Secret access key", secret=True),
        FormField("session_token", "Session token", hint="Only with temporary keys.", secret=True, required=False),
        _REGION,
        *_WAY_THERE,
    ),
)

_CAPABILITIES: Final = {
    Capability.SIGN_IN: _YES,
    Capability.TEST: Support("yes", "A role must refuse a wrong and a missing ExternalId; writing is never tried."),
    Capability.DISCOVER: Support("yes", "REST and HTTP APIs, one product for each stage; WebSocket APIs are left out."),
    Capability.CAPTURE: Support("yes", "The deployed stage's export, API and stage settings, usage plans."),
    Capability.DIFF: _YES,
    Capability.IMPORT: _YES,
    Capability.DRIFT: Support("yes", "Of what is deployed: an edit that nobody has deployed is not seen."),
    Capability.RESTORE: Support(
        "yes", "Re-import and deployment, unless others have undeployed edits; a deleted API comes back under a new id."
    ),
    Capability.PRICING_SYNC: Support(
        "yes",
        "A usage plan with one quota (day, week or month) and one rate, for REST APIs; HTTP APIs have none. AWS counts "
        "each key by itself and guarantees neither limit.",
    ),
    Capability.MONETIZED_TAG: Support(
        "yes",
        "The tag aforo-monetized at stage and API, and a managed policy for CloudFormation that denies deleting what "
        "bears it.",
    ),
    Capability.PROVISION: Support(
        "yes",
        "API keys in a usage plan for REST APIs, at most 10,000 in a region. HTTP APIs have no keys: a subscription to "
        "them gets none.",
    ),
    Capability.SUSPEND: Support("substitute", "Each API key is disabled, and enabled again; AWS has no consumer."),
    Capability.ROTATE: Support(
        "yes", "A second key in the same usage plan; each has a quota of its own, so the allowance doubles meanwhile."
    ),
    Capability.REVOKE: Support("yes", "The API key is deleted; AWS's edge may take it for some minutes more."),
    Capability.ARTIFACT: Support(
        "yes",
        "A Lambda authorizer and an access-log forwarder. Methods with an authorizer of their own, IAM, Cognito or JWT "
        "are kept as they are.",
    ),
    Capability.ENFORCE: Support(
        "yes",
        "Asked before every call; metered from the access log. A REST API refuses with 429, whatever the reason, where "
        "no other authorizer shares its refusals, else with 403, as every HTTP API does.",
    ),
}

_BOUNDS: Final = Bounds(
    delivery="at_least_once",
    loss="What CloudWatch Logs does not deliver: AWS calls access logs best effort. What the forwarder is given is "
    "tried three times, then kept 14 days in a queue. A line without id or time becomes a dead letter; one that is no "
    "JSON is named in the forwarder's own log and not metered",
    overshoot="HARD quota: none while Aforo can be asked, since every call is asked and no answer is remembered; in an "
    "outage what the fail mode lets through. With leases on: the units held by containers that end are lacking, HARD "
    "ones until their period ends; a revocation takes up to 30 s",
    lease_store="memory of a warm container; off unless the option lease_units is set",
    single_flight="one call a container: Lambda gives each container one event at a time",
)


_USAGE: Final = UsageFacts(
    granularity="API key in a usage plan, by day; stages that share a usage plan are counted together",
    zone="UTC",
    lag_minutes=None,
    again_days=3,
    history_days=90,
    counts="Calls with an API key that is in a usage plan of a REST API. Calls without a key, and all calls of HTTP "
    "APIs, are in no figure",
    exactness="AWS guarantees nothing: usage plans count as a best effort. That days are UTC's, and that AWS goes back "
    "90 of them, is not verified",
)


def _limit(operation: str, per_seconds: float, *, calls: float = 1, burst: int = 1) -> CallLimit:
    return CallLimit(calls, per_seconds, burst, f"apigateway:{operation}", _LIMITS_PAGE)


# Operations are named service:Operation, for HTTP APIs apigateway:v2.Operation. Fixed by AWS per account and region,
# and shared with all other automation there.
_CALL_LIMITS: Final = (
    _limit("", 1, calls=10, burst=40),
    _limit("CreateApiKey", 1, calls=5, burst=5),
    _limit("DeleteApiKey", 1, calls=5, burst=5),
    _limit("CreateResource", 1, calls=5, burst=5),
    _limit("GetResources", 2, calls=5, burst=5),
    _limit("PutRestApi", 1),
    _limit("CreateDeployment", 5),
    _limit("ImportRestApi/regional", 3),
    _limit("ImportRestApi/edge", 30),
    _limit("DeleteRestApi", 30),
    _limit("UpdateAccount", 20),
    _limit("UpdateUsagePlan", 20),
)

MANIFEST: Final = Manifest(
    key="aws",
    name="AWS API Gateway",
    product_word="API stage",
    sign_ins=(_ROLE, _ACCESS_KEYS),
    kinds=(
        EntityKind(SPEC_KIND, "API description", foreign_is_drift=True),
        EntityKind("integrations", "Integrations and authorizers", foreign_is_drift=True),
        EntityKind("api", "API settings"),
        EntityKind("stage", "Stage settings"),
        # One more plan on a stage lets more keys through, at other limits.
        EntityKind("usage_plan", "Usage plan", foreign_is_drift=True),
    ),
    capabilities=_CAPABILITIES,
    harmless_field=("stage", "/description"),
    keyless=("v2:",),
    emulator_port=8093,
    call_limits=_CALL_LIMITS,
    limits_shared_by=("role_arn", "access_key_id", "region"),
    bounds=_BOUNDS,
    usage=_USAGE,
)
