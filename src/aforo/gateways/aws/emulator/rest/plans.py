"""Usage plans and which keys are in them. HTTP APIs have none."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from aforo.gateways.aws.emulator.calling.keys import used_by
from aforo.gateways.aws.emulator.patch import Paths, integer, number, parts, patched
from aforo.gateways.aws.emulator.region import Record, Region, existing, picked
from aforo.gateways.aws.emulator.wire import bad_request, conflict, not_found

_PLAN = ("name", "description", "apiStages", "throttle", "quota", "tags")
_PATCHABLE: Paths = {
    "/name": str, "/description": str, "/productCode": str, "/quota/limit": integer, "/quota/offset": integer,
    "/quota/period": str, "/throttle/rateLimit": number, "/throttle/burstLimit": integer,
}  # fmt: skip
_WHOLE = ("/quota", "/throttle")
_PERIODS = {"DAY", "WEEK", "MONTH"}


def create_usage_plan(region: Region, params: Mapping[str, Any]) -> Record:
    plan = {"id": region.new_id(6), "apiStages": [], "tags": {}, **picked(params, _PLAN)}
    _check_quota(plan)
    for stage in plan["apiStages"]:
        _check_stage(region, stage["apiId"], stage["stage"])
    region.kind("usageplans")[plan["id"]] = plan
    region.kind("plankeys")[plan["id"]] = {}
    return plan


def get_usage_plan(region: Region, params: Mapping[str, Any]) -> Record:
    return existing(region.kind("usageplans"), params["usagePlanId"], "Invalid Usage Plan identifier specified")


def get_usage_plans(region: Region, params: Mapping[str, Any]) -> Record:
    key = params.get("keyId")
    keys = region.kind("plankeys")
    listed = [plan for plan in region.kind("usageplans").values() if key is None or key in keys[plan["id"]]]
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


def update_usage_plan(region: Region, params: Mapping[str, Any]) -> Record:
    plan = get_usage_plan(region, params)
    trial = {**plan, "apiStages": [{**stage} for stage in plan["apiStages"]]}
    for member in ("quota", "throttle"):
        if member in plan:
            trial[member] = dict(plan[member])
    for operation in params.get("patchOperations", []):
        _patch(region, trial, operation)
    _check_quota(trial)
    for key in region.kind("plankeys")[plan["id"]]:
        _check_single_plan(region, key, trial)
    plan.clear()
    plan.update(trial)
    return plan


def delete_usage_plan(region: Region, params: Mapping[str, Any]) -> Record:
    plan = get_usage_plan(region, params)
    if plan["apiStages"]:
        raise bad_request(f"Cannot delete Usage Plan '{plan['name']}' because it has API stages: remove them first")
    del region.kind("usageplans")[plan["id"]]
    del region.kind("plankeys")[plan["id"]]
    return {}


def create_usage_plan_key(region: Region, params: Mapping[str, Any]) -> Record:
    plan = get_usage_plan(region, params)
    key = existing(region.kind("apikeys"), params["keyId"], "Invalid API Key identifier specified")
    if params["keyType"] != "API_KEY":
        raise bad_request("Usage plan key type must be API_KEY")
    if key["id"] in region.kind("plankeys")[plan["id"]]:
        raise conflict("Usage Plan Key already exists")
    _check_single_plan(region, key["id"], plan)
    record = {"id": key["id"], "type": "API_KEY", **picked(key, ("name", "value"))}
    region.kind("plankeys")[plan["id"]][key["id"]] = record
    return record


def get_usage_plan_key(region: Region, params: Mapping[str, Any]) -> Record:
    keys = region.kind("plankeys")[get_usage_plan(region, params)["id"]]
    return existing(keys, params["keyId"], "Invalid Usage Plan Key identifier specified")


def get_usage_plan_keys(region: Region, params: Mapping[str, Any]) -> Record:
    keys = region.kind("plankeys")[get_usage_plan(region, params)["id"]].values()
    wanted = params.get("nameQuery", "")
    listed = [key for key in keys if key.get("name", "").startswith(wanted)]
    items, position = region.page(listed, params.get("limit"), params.get("position"))
    return {"items": items, "position": position}


def delete_usage_plan_key(region: Region, params: Mapping[str, Any]) -> Record:
    key = get_usage_plan_key(region, params)
    del region.kind("plankeys")[params["usagePlanId"]][key["id"]]
    return {}


def get_usage(region: Region, params: Mapping[str, Any]) -> Record:
    """What each key has used by day, as [used, remaining]: the calls that passed the request path."""
    plan = get_usage_plan(region, params)
    days = _days(params["startDate"], params["endDate"])
    keys = [key for key in region.kind("plankeys")[plan["id"]] if params.get("keyId") in (None, key)]
    page, position = region.page(keys, params.get("limit"), params.get("position"))
    return {
        "usagePlanId": plan["id"],
        "startDate": params["startDate"],
        "endDate": params["endDate"],
        "items": {key: [_used(region, plan, key, day) for day in days] for key in page},
        "position": position,
    }


def _used(region: Region, plan: Record, key: str, day: date) -> list[int]:
    used = region.kind("used").get(plan["id"], {}).get(key, {})
    quota = plan.get("quota") or {}
    left = quota.get("limit", 0) - used_by(used, quota["period"], day) if quota else 0
    changed = region.kind("usage").get(plan["id"], {})
    return [used.get(day.isoformat(), 0), changed.get(key, max(0, left))]


def update_usage(region: Region, params: Mapping[str, Any]) -> Record:
    """Give a key another remaining quota for the running period."""
    key = get_usage_plan_key(region, params)
    remaining: Record = {}
    patched(remaining, params.get("patchOperations", []), {"/remaining": integer})
    if "remaining" not in remaining:
        raise bad_request("Invalid patch: /remaining is required")
    region.kind("usage").setdefault(params["usagePlanId"], {})[key["id"]] = remaining["remaining"]
    today = region.clock.now().date().isoformat()
    items = {key["id"]: [[0, remaining["remaining"]]]}
    return {"usagePlanId": params["usagePlanId"], "startDate": today, "endDate": today, "items": items}


def _patch(region: Region, plan: Record, operation: Mapping[str, str]) -> None:
    path = operation.get("path", "")
    named = parts(path)
    if path in _WHOLE and operation["op"] == "remove":
        plan.pop(path.lstrip("/"), None)
    elif named[0] != "apiStages":
        patched(plan, [operation], {**_PATCHABLE, "/apiStages": str})
    elif len(named) == 1:
        _attach(region, plan, operation)
    else:
        _throttle(plan, named, operation)


def _attach(region: Region, plan: Record, operation: Mapping[str, str]) -> None:
    """Add or remove a stage, given as `apiId:stage`."""
    api_id, _, stage = operation.get("value", "").partition(":")
    held = [attached for attached in plan["apiStages"] if (attached["apiId"], attached["stage"]) == (api_id, stage)]
    if operation["op"] == "remove":
        if not held:
            raise not_found(f"API Stage not found: {api_id}:{stage}")
        plan["apiStages"].remove(held[0])
        return
    if held:
        raise conflict(f"API Stage {api_id}:{stage} is already associated with the usage plan")
    _check_stage(region, api_id, stage)
    plan["apiStages"].append({"apiId": api_id, "stage": stage})


def _throttle(plan: Record, named: list[str], operation: Mapping[str, str]) -> None:
    """A limit for one method: /apiStages/{apiId:stage}/throttle/{~1path~1METHOD}/rateLimit."""
    stage = next((s for s in plan["apiStages"] if f"{s['apiId']}:{s['stage']}" == named[1]), None)
    if stage is None or named[2:3] != ["throttle"] or len(named) not in {4, 5}:
        raise bad_request(f"Invalid patch path  '{operation['path']}' specified for op '{operation['op']}'.")
    limits = stage.setdefault("throttle", {})
    if operation["op"] == "remove":
        limits.pop(named[3], None)
        return
    patched(limits.setdefault(named[3], {}), [{**operation, "path": "/" + named[-1]}],
            {"/rateLimit": number, "/burstLimit": integer})  # fmt: skip


def _check_stage(region: Region, api_id: str, stage: str) -> None:
    api = region.kind("restapis").get(api_id)
    if api is None or stage not in api["stages"]:
        raise not_found(f"API Stage not found: {api_id}:{stage}")


def _check_single_plan(region: Region, key_id: str, plan: Record) -> None:
    """A key may be in several plans, but not in two for the same stage."""
    wanted = {(stage["apiId"], stage["stage"]) for stage in plan["apiStages"]}
    for other in region.kind("usageplans").values():
        if other["id"] == plan["id"] or key_id not in region.kind("plankeys")[other["id"]]:
            continue
        if wanted & {(stage["apiId"], stage["stage"]) for stage in other["apiStages"]}:
            raise conflict("Usage plan key cannot be added: the key is already in a usage plan for the same API stage")


def _check_quota(plan: Record) -> None:
    quota = plan.get("quota")
    if quota is not None and (quota.get("period") not in _PERIODS or quota.get("limit", 0) < 0):
        raise bad_request("Usage Plan quota period is required and must be one of DAY, WEEK, MONTH")


def _days(start: str, end: str) -> list[date]:
    try:
        first = date.fromisoformat(start)
        days = (date.fromisoformat(end) - first).days + 1
    except ValueError:
        raise bad_request("Invalid date: YYYY-MM-DD is expected") from None
    if not 1 <= days <= 90:
        raise bad_request("Invalid date range: 1 to 90 days")
    return [first + timedelta(days=number) for number in range(days)]


HANDLERS = {
    "CreateUsagePlan": create_usage_plan,
    "GetUsagePlan": get_usage_plan,
    "GetUsagePlans": get_usage_plans,
    "UpdateUsagePlan": update_usage_plan,
    "DeleteUsagePlan": delete_usage_plan,
    "CreateUsagePlanKey": create_usage_plan_key,
    "GetUsagePlanKey": get_usage_plan_key,
    "GetUsagePlanKeys": get_usage_plan_keys,
    "DeleteUsagePlanKey": delete_usage_plan_key,
    "GetUsage": get_usage,
    "UpdateUsage": update_usage,
}
