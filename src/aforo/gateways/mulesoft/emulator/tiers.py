"""API Manager: SLA tiers of an instance."""

from .answers import NO_CONTENT, Answer, conflict, forbidden, invalid, not_found
from .apis import found
from .calls import Call, check, page
from .world import Row, World

VIEW = ("read:api_contracts", "manage:api_contracts")
MANAGE = ("manage:api_contracts",)
_BODY = {
    "name": (str,),
    "description": (str, type(None)),
    "autoApprove": (bool,),
    "status": (str,),
    "limits": (list,),
}
_LIMIT = {"maximumRequests": (int,), "timePeriodInMilliseconds": (int,), "visible": (bool,)}


def listed(world: World, call: Call) -> Answer:
    if not world.may(*VIEW):
        return Answer(200, {"total": 0, "tiers": []})
    api = found(world, call, *VIEW)
    rows = [_shown(world, row) for row in world.rows("tiers", apiId=api["id"])]
    rows = [row for row in rows if row["status"] == "ACTIVE" or not call.asks("active")]
    return Answer(200, {"total": len(rows), "tiers": page(call, rows, world)})


def _shown(world: World, row: Row) -> Row:
    return {**row, "applicationCount": len(users(world, row))}


def users(world: World, tier: Row) -> list[Row]:
    """The contracts that stand on a tier."""
    rows = world.rows("contracts", tierId=tier["id"])
    return [row for row in rows if row["status"] in ("APPROVED", "PENDING")]


def post(world: World, call: Call) -> Answer:
    if not world.may(*MANAGE):
        raise forbidden()
    api = found(world, call, *MANAGE)
    body = call.body()
    _check(body, ("name", "status"))
    _name_is_free(world, api["id"], body["name"])
    return Answer(201, _shown(world, new(world, api, body)))


def new(world: World, api: Row, told: Row) -> Row:
    native = world.next_id()
    row = {
        "audit": world.audit(),
        **world.whose(api["organizationId"]),
        "id": native,
        "name": told["name"],
        "description": told.get("description") or "",
        "autoApprove": told.get("autoApprove", False),
        "status": told["status"],
        "limits": [{"visible": True, **limit} for limit in told.get("limits", [])],
        "apiId": api["id"],
    }
    return world.put("tiers", native, row)


def put(world: World, call: Call) -> Answer:
    """A full replacement: what is left out is gone. From manual to automatic approves all that waits."""
    row = _one(world, call)
    body = call.body()
    _check(body, ("name", "status"))
    _name_is_free(world, row["apiId"], body["name"], row["id"])
    row.update(
        name=body["name"],
        description=body.get("description") or "",
        autoApprove=body.get("autoApprove", False),
        status=body["status"],
        limits=body.get("limits", []),
    )
    if row["autoApprove"]:
        _approve_waiting(world, row)
    world.touch(row)
    return Answer(201, _shown(world, row))


def _approve_waiting(world: World, tier: Row) -> None:
    for contract in world.rows("contracts", requestedTierId=tier["id"], status="PENDING"):
        contract.update(status="APPROVED", tierId=tier["id"], requestedTierId=None, approvedDate=world.now())


def delete(world: World, call: Call) -> Answer:
    row = _one(world, call)
    waiting = world.rows("contracts", requestedTierId=row["id"], status="PENDING")
    if users(world, row) or waiting:
        raise conflict("Cannot delete a tier that has applications")
    world.drop("tiers", row["id"])
    return NO_CONTENT


def _one(world: World, call: Call) -> Row:
    if not world.may(*MANAGE):
        raise forbidden()
    row = world.tables["tiers"].get(call.ids["tierId"])
    if row is None or str(row["apiId"]) != call.ids["environmentApiId"]:
        raise not_found("Tier", call.ids["tierId"])
    return row


def _check(body: Row, required: tuple[str, ...]) -> None:
    check(body, _BODY, required)
    if body["status"] not in ("ACTIVE", "DEPRECATED"):
        raise invalid(".status", "enum", "should be equal to one of the allowed values")
    for limit in body.get("limits", []):
        check(limit, _LIMIT, ("maximumRequests", "timePeriodInMilliseconds"))


def _name_is_free(world: World, api_id: int, name: str, but: int = 0) -> None:
    if any(row["name"] == name and row["id"] != but for row in world.rows("tiers", apiId=api_id)):
        raise conflict(f"A tier named {name} exists already")
