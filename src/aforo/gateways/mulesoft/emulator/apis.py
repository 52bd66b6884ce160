"""API Manager: API instances, grouped by asset in lists."""

from typing import Any

from .answers import NO_CONTENT, Answer, conflict, forbidden, invalid, not_found
from .calls import Call, check, page
from .world import Row, World

VIEW = ("read:api_configuration", "manage:api_configuration")
MANAGE = ("manage:api_configuration",)
_TECHNOLOGIES = ("mule3", "mule4", "flexGateway", "serviceMesh")
_FILTERS = ("groupId", "assetId", "assetVersion", "instanceLabel", "productVersion")
_PATCHABLE = {
    "instanceLabel": (str, type(None)),
    "description": (str, type(None)),
    "deprecated": (bool,),
    "isPublic": (bool,),
    "assetVersion": (str,),
    "endpointUri": (str, type(None)),
    "providerId": (str, type(None)),
    "endpoint": (dict,),
    "routing": (list, type(None)),
}
_NEW = {"spec": (dict,), "endpoint": (dict,), "instanceLabel": (str, type(None)), "technology": (str,)}
_FIXED_ENDPOINT = ("id", "audit", "apiVersionId", "policiesVersion", "lastActiveDate", "apiGatewayVersion")


def listed(world: World, call: Call) -> Answer:
    """Pages count assets, and so does `total`. Without the scope there is nothing, and no error."""
    if not world.may(*VIEW):
        return Answer(200, {"total": 0, "assets": []})
    rows = [row for row in _here(world, call) if all(row.get(name) == call.query[name] for name in _asked(call))]
    grouped: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        grouped.setdefault((row["groupId"], row["assetId"]), []).append(row)
    assets = [_asset(world, group, asset, some) for (group, asset), some in sorted(grouped.items(), key=_by_name)]
    shown = [asset for asset in page(call, assets, world) if asset["assetId"] not in world.switches.hidden_assets]
    return Answer(200, {"total": len(assets), "assets": shown})


def _asked(call: Call) -> list[str]:
    return [name for name in _FILTERS if name in call.query]


def _by_name(item: tuple[tuple[str, str], list[Row]]) -> tuple[str, str]:
    (group, asset), _ = item
    return asset, group


def _here(world: World, call: Call) -> list[Row]:
    organization_id, environment_id = call.place
    return world.rows("apis", organizationId=organization_id, environmentId=environment_id)


def _asset(world: World, group: str, asset: str, rows: list[Row]) -> Row:
    newest = max((one for one in world.rows("assets", groupId=group, assetId=asset)), key=_moment, default={})
    return {
        "audit": {"created": {"date": rows[0]["audit"]["created"]["date"]}, "updated": {}},
        **world.whose(rows[0]["organizationId"]),
        "id": rows[0]["assetNumber"],
        "name": f"groupId:{group}:assetId:{asset}",
        "exchangeAssetName": newest.get("name", asset),
        "groupId": group,
        "assetId": asset,
        "apis": [_brief(world, row) for row in rows],
        "totalApis": len(rows),
        "autodiscoveryApiName": f"groupId:{group}:assetId:{asset}",
    }


def _moment(row: Row) -> str:
    return str(row["createdAt"])


def _brief(world: World, row: Row) -> Row:
    told = _shown(row, ("endpoint", "assetNumber", "routing"))
    nulls = {name: row[name] for name in ("instanceLabel", "endpointUri", "lastActiveDate") if row[name] is None}
    return {**told, **nulls, "activeContractsCount": _contracts(world, row), "pinned": False}


def _contracts(world: World, row: Row) -> int:
    return len(world.rows("contracts", apiId=row["id"], status="APPROVED"))


def _shown(row: Row, hidden: tuple[str, ...]) -> Row:
    """Without what is kept for ourselves, and without what is not set."""
    return {name: value for name, value in row.items() if name not in hidden and value is not None}


def found(world: World, call: Call, *scopes: str) -> Row:
    """The instance of the path; 403 without the scope, since one object gives away what a list would hide."""
    if not world.may(*scopes):
        raise forbidden()
    row = world.tables["apis"].get(call.ids["environmentApiId"])
    if row is None or (row["organizationId"], row["environmentId"]) != call.place:
        raise not_found("API", call.ids["environmentApiId"])
    return row


def get(world: World, call: Call) -> Answer:
    return Answer(200, _detail(found(world, call, *VIEW), call))


def _detail(row: Row, call: Call) -> Row:
    leave_out = [name for flag, name in _OPTIONAL.items() if not call.asks(flag)]
    endpoint = {name: value for name, value in row["endpoint"].items() if name not in leave_out}
    return {**_shown(row, ("assetNumber",)), "endpoint": endpoint}


_OPTIONAL = {
    "includeValidation": "validation",
    "includeTlsContexts": "tlsContexts",
    "includeProxyTemplate": "proxyTemplate",
}


def post(world: World, call: Call) -> Answer:
    if not world.may(*MANAGE):
        raise forbidden()
    body = call.body()
    check(body, _NEW, ("spec", "endpoint"))
    if body.get("technology", "mule4") not in _TECHNOLOGIES:
        raise invalid(".technology", "enum", "should be equal to one of the allowed values")
    asset = _version(world, body["spec"])
    _endpoint(body["endpoint"])
    _label_is_free(world, call, asset, body.get("instanceLabel"))
    row = new(world, call.place, asset, body)
    return Answer(201, _shown(row, ("assetNumber",)))


def new(world: World, place: tuple[str, str], asset: Row, told: Row) -> Row:
    """A new instance row, with everything that Anypoint fills in."""
    native = world.next_id()
    row = {
        "audit": world.audit(),
        **world.whose(place[0]),
        "id": native,
        "instanceLabel": told.get("instanceLabel"),
        "groupId": asset["groupId"],
        "assetId": asset["assetId"],
        "assetVersion": asset["version"],
        "productVersion": asset["versionGroup"],
        "description": told.get("description"),
        "tags": sorted(told.get("tags", [])),
        "order": len(world.tables["apis"]) + 1,
        "providerId": told.get("providerId"),
        "deprecated": False,
        "lastActiveDate": None,
        "endpointUri": told.get("endpointUri"),
        "environmentId": place[1],
        "isPublic": False,
        "stage": "release",
        "technology": told.get("technology", "mule4"),
        "status": "unregistered",
        "autodiscoveryInstanceName": f"{asset['versionGroup']}:{native}",
        "assetNumber": native + 500_000_000,
        "endpoint": _filled(world, native, told["endpoint"]),
        "routing": told.get("routing"),
    }
    return world.put("apis", native, row)


def _filled(world: World, native: int, told: Row) -> Row:
    return {
        "audit": world.audit(),
        "id": native + 700_000_000,
        "type": told.get("type", "http"),
        "apiVersionId": native,
        "apiGatewayVersion": "4.9.0",
        "policiesVersion": "",
        "lastActiveDate": None,
        "deploymentType": "HY",
        "referencesUserDomain": None,
        "responseTimeout": None,
        "validation": "NOT_APPLICABLE",
        **told,
    }


def _endpoint(told: Row) -> None:
    check(told, {"uri": (str, type(None)), "proxyUri": (str, type(None))}, ("uri", "proxyUri", "isCloudHub"))
    if told["uri"] == "":
        raise invalid(".endpoint.uri", "minLength", "should NOT be shorter than 1 characters")


def _version(world: World, spec: Row) -> Row:
    check(spec, {"groupId": (str,), "assetId": (str,), "version": (str,)}, ("groupId", "assetId", "version"))
    asset = world.tables["assets"].get("/".join((spec["groupId"], spec["assetId"], spec["version"])))
    if asset is None or asset["deleted"]:
        raise invalid(".spec", "exchange", f"The asset version {spec['version']} does not exist in Exchange")
    return asset


def _label_is_free(world: World, call: Call, asset: Row, label: Any, but: int = 0) -> None:
    twins = [row for row in _here(world, call) if row["assetId"] == asset["assetId"] and row["id"] != but]
    if label and any(row["instanceLabel"] == label for row in twins):
        raise conflict(f"An instance labelled {label} exists already")


def patch(world: World, call: Call) -> Answer:
    """An endpoint is taken whole, as at a creation: members that are left out are gone."""
    row = found(world, call, *MANAGE)
    body = call.body()
    for name in body:
        if name not in _PATCHABLE:
            raise invalid(f".{name}", "additionalProperties", "should NOT have additional properties")
    check(body, _PATCHABLE)
    change = dict(body)
    if "assetVersion" in body:
        spec = {"groupId": row["groupId"], "assetId": row["assetId"], "version": body["assetVersion"]}
        change["productVersion"] = _version(world, spec)["versionGroup"]
    if "instanceLabel" in body:
        _label_is_free(world, call, row, body["instanceLabel"], row["id"])
    if "endpoint" in body:
        _endpoint(body["endpoint"])
        kept = {name: row["endpoint"][name] for name in _FIXED_ENDPOINT}
        change["endpoint"] = {**_filled(world, row["id"], body["endpoint"]), **kept}
    if body.get("routing"):
        _routes(world, row, body["routing"])
    row.update(change)
    world.touch(row)
    return Answer(200, _shown(row, ("assetNumber", "tags")))


def _routes(world: World, row: Row, routing: list[Row]) -> None:
    there = {one["id"] for one in world.rows("upstreams", apiId=row["id"])}
    for route in routing:
        for upstream in route.get("upstreams") or ():
            if upstream.get("id") not in there:
                raise invalid(".routing", "upstream", f"upstream {upstream.get('id')} does not exist")


def delete(world: World, call: Call) -> Answer:
    row = found(world, call, *MANAGE)
    for table in ("policies", "tiers", "upstreams", "contracts"):
        for child in world.rows(table, apiId=row["id"]):
            world.drop(table, child["id"])
    world.drop("apis", row["id"])
    return NO_CONTENT


def put_tag(world: World, call: Call) -> Answer:
    row = found(world, call, *MANAGE)
    row["tags"] = sorted({*row["tags"], call.ids["tag"]})
    world.touch(row)
    return Answer(201, {"name": call.ids["tag"]})


def delete_tag(world: World, call: Call) -> Answer:
    row = found(world, call, *MANAGE)
    if call.ids["tag"] not in row["tags"]:
        raise not_found("Tag", call.ids["tag"])
    row["tags"].remove(call.ids["tag"])
    world.touch(row)
    return NO_CONTENT
