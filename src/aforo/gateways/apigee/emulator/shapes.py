"""What the members of each message may be. As Google's servers do, an unknown name or another type is refused.

A shape is a type's name, a shape in a list for lists, or an object of shapes by member. `?` stands before members that
only answers have: sent, they are dropped without a word.
"""

import re
from typing import Any, Final

from .answers import Row, invalid

_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
Shape = str | list[Any] | dict[str, Any]

_ATTRIBUTES: Final[Shape] = [{"name": "string", "value": "string"}]
_QUOTA: Final[Shape] = {"limit": "string", "interval": "string", "timeUnit": "string"}
_MONEY: Final[Shape] = {"currencyCode": "string", "units": "int64", "nanos": "int"}
_TIMES: Final[dict[str, Shape]] = {"?createdAt": "int64", "?lastModifiedAt": "int64"}


def _group(config: dict[str, Shape], *, typed: bool = False) -> Shape:
    shared: dict[str, Shape] = {"apiSource": "string", "attributes": _ATTRIBUTES}
    named: dict[str, Shape] = {"operationConfigType": "string"} if typed else {}
    return {**named, "operationConfigs": [{**shared, **config}]}


ATTRIBUTE: Final[Shape] = {"name": "string", "value": "string"}
ATTRIBUTES: Final[Shape] = {"attribute": _ATTRIBUTES}
PRODUCT: Final[Shape] = {
    **dict.fromkeys(("name", "displayName", "description", "approvalType", "space"), "string"),
    **dict.fromkeys(("quota", "quotaInterval", "quotaTimeUnit"), "string"),
    **dict.fromkeys(("llmQuota", "llmQuotaInterval", "llmQuotaTimeUnit"), "string"),
    **{name: ["string"] for name in ("apiResources", "environments", "proxies", "scopes")},
    "quotaCounterScope": "QUOTA_COUNTER_SCOPE_UNSPECIFIED PROXY OPERATION PRODUCT",
    "attributes": _ATTRIBUTES,
    "operationGroup": _group(
        {"operations": [{"resource": "string", "methods": ["string"]}], "quota": _QUOTA}, typed=True
    ),
    "graphqlOperationGroup": _group(
        {"operations": [{"operation": "string", "operationTypes": ["string"]}], "quota": _QUOTA}, typed=True
    ),
    "grpcOperationGroup": _group({"service": "string", "methods": ["string"], "quota": _QUOTA}),
    "llmOperationGroup": _group(
        {
            "llmOperations": [{"resource": "string", "methods": ["string"], "model": "string"}],
            "llmTokenQuota": _QUOTA,
        }
    ),
    "payloadOperationGroup": _group({"operations": [{"operation": "string"}], "quota": _QUOTA}),
    **_TIMES,
}
RATE_PLAN: Final[Shape] = {
    **dict.fromkeys(("apiproduct", "displayName", "description", "currencyCode"), "string"),
    "billingPeriod": "BILLING_PERIOD_UNSPECIFIED WEEKLY MONTHLY",
    "paymentFundingModel": "PAYMENT_FUNDING_MODEL_UNSPECIFIED PREPAID POSTPAID",
    "consumptionPricingType": "CONSUMPTION_PRICING_TYPE_UNSPECIFIED FIXED_PER_UNIT BANDED TIERED STAIRSTEP",
    "revenueShareType": "REVENUE_SHARE_TYPE_UNSPECIFIED FIXED VOLUME_BANDED",
    "state": "STATE_UNSPECIFIED DRAFT PUBLISHED",
    "fixedFeeFrequency": "int",
    "setupFee": _MONEY,
    "fixedRecurringFee": _MONEY,
    "consumptionPricingRates": [{"start": "int64", "end": "int64", "fee": _MONEY}],
    "revenueShareRates": [{"start": "int64", "end": "int64", "sharePercentage": "double"}],
    "startTime": "int64",
    "endTime": "int64",
    "?name": "string",
    **_TIMES,
}
DEVELOPER: Final[Shape] = {
    **dict.fromkeys(("email", "firstName", "lastName", "userName", "appFamily", "accessType"), "string"),
    **dict.fromkeys(("?developerId", "?organizationName", "?status"), "string"),
    **{name: ["string"] for name in ("?apps", "?companies")},
    "attributes": _ATTRIBUTES,
    **_TIMES,
}
APP: Final[Shape] = {
    **dict.fromkeys(("name", "appFamily", "callbackUrl"), "string"),
    **dict.fromkeys(("?appId", "?developerId", "?status"), "string"),
    **{name: ["string"] for name in ("apiProducts", "scopes")},
    "attributes": _ATTRIBUTES,
    "keyExpiresIn": "int64",
    "?credentials": "any",
    **_TIMES,
}
KEY: Final[Shape] = {
    **dict.fromkeys(("consumerKey", "consumerSecret", "?status"), "string"),
    "apiProducts": ["string"],
    "scopes": ["string"],
    "attributes": _ATTRIBUTES,
    "expiresInSeconds": "int64",
    "?issuedAt": "int64",
    "?expiresAt": "int64",
}
MAP: Final[Shape] = {"name": "string", "encrypted": "bool", "maskedValues": "bool"}
ENTRY: Final[Shape] = {"name": "string", "value": "string"}
FLOW_HOOK: Final[Shape] = {
    "sharedFlow": "string",
    "description": "string",
    "continueOnError": "bool",
    "?flowHookPoint": "string",
}


def checked(shape: Shape, value: Any, path: str = "") -> Any:
    """The value as a server keeps it: typed, without what is empty or only for answers. Raises the refusal."""
    if isinstance(shape, dict):
        return _object(shape, value, path)
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise invalid(f"Invalid value at '{path}' (repeated field)")
        return [checked(shape[0], one, f"{path}[{index}]") for index, one in enumerate(value)]
    return _scalar(shape, value, path)


def _object(shape: dict[str, Any], value: Any, path: str) -> Row:
    if not isinstance(value, dict):
        raise invalid(f"Invalid value at '{path}' (object expected)")
    kept: Row = {}
    for name, one in value.items():
        here = f"{path}.{name}" if path else name
        if f"?{name}" in shape or one is None:
            continue
        if name not in shape:
            raise invalid(f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field.")
        known = checked(shape[name], one, here)
        if known not in ("", [], {}):
            kept[name] = known
    return kept


def _scalar(shape: str, value: Any, path: str) -> Any:
    if shape == "any":
        return value
    if shape == "int64" and type(value) in (int, str) and _WHOLE.fullmatch(str(value)):
        return str(value)
    types = {"string": (str,), "bool": (bool,), "int": (int,), "double": (int, float)}
    if shape in types and type(value) in types[shape]:
        return value
    if " " in shape and value in shape.split():
        return "" if value.endswith("_UNSPECIFIED") else value
    shown = f'"{value}"' if isinstance(value, str) else value
    raise invalid(f"Invalid value at '{path}' (TYPE_{shape.split(maxsplit=1)[0].upper()}), {shown}")
