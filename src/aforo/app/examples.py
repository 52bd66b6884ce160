"""One example for each schema of the OpenAPI document that has none of its own."""

from typing import Any, Final

from aforo.app.alert_examples import ALERT_EXAMPLES
from aforo.app.artifact_examples import ARTIFACT_EXAMPLES
from aforo.app.credential_examples import CREDENTIAL_EXAMPLES
from aforo.app.pricing_examples import PRICING_EXAMPLES
from aforo.app.reconciliation_examples import KEEPING_EXAMPLES, RECONCILIATION_EXAMPLES
from aforo.app.schedule_examples import SCHEDULE_EXAMPLES
from aforo.app.statement_examples import STATEMENT_EXAMPLES

_AT: Final = "2026-11-22T14:05:12.000Z"
_CHECK: Final = {
    "name": "Token accepted",
    "verdict": "OK",
    "detail": "workspace default",
    "nextStep": None,
    "code": None,
    "tookMs": 12.5,
}
_TEST: Final = {"passed": True, "at": _AT, "checks": [_CHECK]}
_INTEGRATION: Final = {
    "id": "int_01k9q3",
    "name": "kong-prod",
    "gateway": "kong",
    "signIn": "header_token",
    "settings": {"admin_url": "https://kong.example:8444", "token": "••••x7Qa"},
    "facts": {"external_id": "0b54b4a6-6a6c-4f0e-9d6e-3f6f0f1b8d11"},
    "emulated": False,
    "health": "HEALTHY",
    "breaker": "CLOSED",
    "createdAt": _AT,
    "lastTest": _TEST,
    "pause": None,
}
_FIELD: Final = {
    "path": "/plugin/rate-limiting@payments-v2/config/minute",
    "kind": "FIELD",
    "before": 600,
    "after": 60,
    "secret": False,
    "counts": True,
}
_PRODUCT: Final = {
    "id": "prod_01k9q3",
    "integrationId": "int_01k9q3",
    "ref": "payments-v2",
    "name": "payments-v2",
    "version": "v2",
    "monetizationStatus": "MONETIZED",
    "monetized": True,
    "driftId": None,
    "spec": {"digest": None, "format": None},
    "config": {"digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "format": None},
    "recordVersion": 7,
    "ignored": [],
    "createdAt": _AT,
    "updatedAt": _AT,
    "checkedAt": _AT,
}
_ROW: Final = {
    "status": "CHANGED",
    "ref": "payments-v2",
    "name": "payments-v2",
    "version": "v2",
    "reason": "configuration differs between gateway and Aforo",
    "line": "CHANGED: payments-v2 (configuration differs between gateway and Aforo)",
    "productId": "prod_01k9q3",
    "fields": [_FIELD],
    "ignored": [],
    "impact": {"subscriptions": None, "credentials": None, "monthlyRevenue": None, "currency": None},
}
_EPISODE: Final = {
    "id": "drift_01k9q3",
    "openedAt": _AT,
    "closedAt": None,
    "resolution": None,
    "gone": False,
    "fields": [_FIELD],
}
_KEY: Final = {
    "id": "key_01k9q3",
    "name": "kong plugin",
    "last4": "x7Qa",
    "scopes": ["usage:ingest", "entitlements:check"],
    "test": False,
    "createdAt": _AT,
    "customerId": None,
    "expiresAt": None,
    "revokedAt": None,
    "networks": ["10.0.0.0/8"],
}
EVENT: Final = {
    "customerId": "acme",
    "metricName": "api_calls",
    "quantity": "1",
    "occurredAt": _AT,
    "idempotencyKey": "req-7fa2",
    "endpointPath": "/v2/payments",
    "statusCode": 200,
}

_CUSTOMER: Final = {
    "id": "cust_01k9q3",
    "externalId": "acme",
    "name": "Acme",
    "email": "ops@acme.example",
    "tier": "pro",
    "metadata": {},
    "createdAt": _AT,
    "updatedAt": _AT,
}
_METRIC: Final = {"name": "api_calls", "unit": "call", "aggregation": "SUM", "description": ""}
_PLAN: Final = {
    "currency": "EUR",
    "productIds": ["prod_01k9q3"],
    "quotas": [],
    "rateLimits": [],
    "features": {"bulk": True},
    "rateCard": [],
    "spendCap": None,
    "failMode": {"kind": "open_up_to", "units": "500"},
    "id": "plan_01k9q3",
    "key": "pro",
    "name": "Pro",
    "version": 3,
    "state": "PUBLISHED",
    "createdAt": _AT,
    "publishedAt": _AT,
}
_SUBSCRIPTION: Final = {
    "id": "sub_01k9q3",
    "customerId": "cust_01k9q3",
    "planId": "plan_01k9q3",
    "planVersion": 3,
    "status": "ACTIVE",
    "mode": "GATEWAY_GENERATED",
    "startsAt": _AT,
    "primaryIntegrationId": "int_01k9q3",
    "gateways": [{"integrationId": "int_01k9q3", "wanted": "ACTIVE", "observed": "PENDING", "reason": None}],
    "createdAt": _AT,
    "updatedAt": _AT,
    "cancelledAt": None,
}
_COST_RULE: Final = {
    "id": "cost_01k9q3",
    "scope": {"productId": "prod_01k9q3", "metric": "api_calls"},
    "unitCost": "0.0004",
    "currency": "EUR",
    "validFrom": _AT,
    "createdAt": _AT,
}
_GUARD: Final = {
    "id": "guard_01k9q3",
    "scope": {"kind": "CUSTOMER", "ref": "cust_01k9q3"},
    "mode": "observe",
    "floors": {"L1": "0.30", "L2": "0.20", "L3": "0.10"},
    "throttleRate": 50,
    "retryAfterSeconds": 1800,
    "createdAt": _AT,
    "updatedAt": _AT,
}

_USER: Final[dict[str, Any]] = {
    "id": "usr_01k9q3",
    "name": "Ada",
    "email": "ada@acme.example",
    "role": "operator",
    "hasPassword": False,
    "hasIdentity": False,
    "disabled": False,
}

EXAMPLES: Final[dict[str, Any]] = {
    "Accepted": {"jobId": "job_01k9q3"},
    "AcceptRequest": {"observed": "2c26b46b68ffc68ff99b453c1d304134"},
    "BreakerView": {
        "state": "OPEN",
        "consecutiveFailures": 5,
        "since": _AT,
        "lastFailure": "Kong Gateway answered 503: no text.",
        "probeAt": "2026-11-22T14:10:12.000Z",
    },
    "CostRuleView": _COST_RULE,
    "CreatedKey": {**_KEY, "secret": "sk_live_…"},
    "CustomerView": _CUSTOMER,
    "DiscoveryView": {
        "data": [{"ref": "search", "name": "search", "version": "v1", "nativeId": "5c0e6a3a"}],
        "partial": False,
        "problems": [],
        "notes": [],
        "nextCursor": None,
    },
    "DocumentView": {
        "filename": "payments-v2.kong.yml",
        "mediaType": "application/yaml",
        "text": "_format_version: '3.0'\n…",
    },
    "DriftViewOut": {
        "productId": "prod_01k9q3",
        "monetizationStatus": "STALE",
        "drift": _EPISODE,
        "gone": False,
        "observed": "2c26b46b68ffc68ff99b453c1d304134",
        "fields": [_FIELD],
        "ignored": [],
    },
    "GuardView": _GUARD,
    "IgnoreRequest": {"path": _FIELD["path"], "ignored": True},
    "ImportRequest": {"planId": "prev_01k9q3", "select": ["payments-v2", "search"]},
    "ImportView": {"created": [_PRODUCT], "updated": [], "untouched": []},
    "IntegrationPatch": {"settings": {"token": "…"}},
    "IntegrationView": _INTEGRATION,
    "JobView": {
        "id": "job_01k9q3",
        "kind": "preview",
        "title": "Preview changes",
        "state": "RUNNING",
        "startedAt": _AT,
        "endedAt": None,
        "done": 380,
        "about": 1000,
        "what": "products",
        "result": None,
        "error": None,
    },
    "Me": {"tenantId": "ten_01k9q3", "tenantSlug": "default", "actorId": "key_01k9q3", "scopes": ["admin"]},
    "MetricView": _METRIC,
    "NewIntegration": {
        "name": "kong-prod",
        "gateway": "kong",
        "signIn": "header_token",
        "settings": {"admin_url": "https://kong.example:8444", "token": "…"},
    },
    "NewKey": {"name": "kong plugin", "scopes": ["usage:ingest", "entitlements:check"]},
    "Page_AuditView_": {
        "data": [
            {
                "number": 1204,
                "at": _AT,
                "actorId": "usr_01k9q3",
                "action": "product.restore",
                "subject": "prod_01k9q3",
                "detail": {"steps": 1},
                "hash": "9f2c0d6e",
            }
        ],
        "nextCursor": None,
    },
    "Page_UserView_": {"data": [_USER], "nextCursor": None},
    "Page_CostRuleView_": {"data": [_COST_RULE], "nextCursor": None},
    "Page_CustomerView_": {"data": [_CUSTOMER], "nextCursor": None},
    "Page_EpisodeView_": {"data": [_EPISODE], "nextCursor": None},
    "Page_GatewayView_": {
        "data": [{"key": "kong", "name": "Kong Gateway", "signIns": [], "capabilities": {"discover": "yes"}}],
        "nextCursor": None,
    },
    "Page_GuardView_": {"data": [_GUARD], "nextCursor": None},
    "Page_IntegrationView_": {"data": [_INTEGRATION], "nextCursor": None},
    "Page_KeyView_": {"data": [_KEY], "nextCursor": None},
    "Page_MetricView_": {"data": [_METRIC], "nextCursor": None},
    "Page_PlanView_": {"data": [_PLAN], "nextCursor": None},
    "Page_ProductView_": {"data": [_PRODUCT], "nextCursor": None},
    "Page_SubscriptionView_": {"data": [_SUBSCRIPTION], "nextCursor": None},
    "Page_VersionView_": {
        "data": [{"number": 7, "origin": "import", "actorId": "usr_01k9q3", "createdAt": _AT}],
        "nextCursor": None,
    },
    "PlanView": _PLAN,
    "PreviewRequest": {"integrationId": "int_01k9q3"},
    "PreviewView": {
        "planId": "prev_01k9q3",
        "integrationId": "int_01k9q3",
        "state": "OPEN",
        "createdAt": _AT,
        "hash": "2c26b46b68ffc68ff99b453c1d304134",
        "partial": False,
        "problems": [],
        "notes": [],
        "unread": [],
        "summary": {"NEW": 0, "CHANGED": 1, "UNCHANGED": 123, "STALE": 0},
        "changes": [_ROW],
    },
    "ProductPatch": {"monetized": True},
    "ProductView": _PRODUCT,
    "RestoreRequest": {"dryRun": True},
    "RestoreView": {
        "dryRun": True,
        "observed": "2c26b46b68ffc68ff99b453c1d304134",
        "steps": [{"title": "update plugin rate-limiting@payments-v2", "outcome": "PLANNED", "detail": ""}],
        "unrestorable": [],
        "leftAlone": [],
    },
    "SetupView": {
        "externalId": "0b54b4a6-6a6c-4f0e-9d6e-3f6f0f1b8d11",
        "filename": "aforo-role-full.yaml",
        "template": "AWSTemplateFormatVersion: '2010-09-09'\n…",
        "quickCreateLink": None,
        "deployCommand": "aws cloudformation deploy --template-file aforo-role-full.yaml …",
        "notes": [],
    },
    "StatementView": {
        "planId": "plan_01k9q3",
        "version": 3,
        "currency": "EUR",
        "lines": [],
        "total": "0.00",
        "exactTotal": "0",
    },
    "SubscriptionView": _SUBSCRIPTION,
    "TestView": _TEST,
    **ALERT_EXAMPLES,
    **CREDENTIAL_EXAMPLES,
    **ARTIFACT_EXAMPLES,
    **PRICING_EXAMPLES,
    **SCHEDULE_EXAMPLES,
    **STATEMENT_EXAMPLES,
    **RECONCILIATION_EXAMPLES,
    **KEEPING_EXAMPLES,
}
"""One example a schema, by its name in the document; tests hold it to the schema, and operations to having one."""
