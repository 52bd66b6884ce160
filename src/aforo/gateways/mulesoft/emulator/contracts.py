"""API Manager: contracts between client applications and an instance; one for each pair."""

from .answers import NO_CONTENT, Answer, conflict, forbidden, invalid, not_found
from .apis import found
from .calls import Call, check, page
from .tiers import MANAGE, VIEW
from .world import Row, World

_BODY = {"applicationId": (int,), "requestedTierId": (int, type(None)), "acceptedTerms": (bool,)}
_ACTIONS = {
    "approve": (("PENDING", "REJECTED"), "APPROVED", "approvedDate"),
    "reject": (("PENDING",), "REJECTED", "rejectedDate"),
    "revoke": (("APPROVED",), "REVOKED", "revokedDate"),
    "restore": (("REVOKED",), "APPROVED", "approvedDate"),
}


def listed(world: World, call: Call) -> Answer:
    if not world.may(*VIEW):
        return Answer(200, {"total": 0, "contracts": []})
    api = found(world, call, *VIEW)
    rows = [shown(world, row) for row in world.rows("contracts", apiId=api["id"]) if _is_asked(world, call, row)]
    return Answer(200, {"total": len(rows), "contracts": page(call, rows, world)})


def _is_asked(world: World, call: Call, row: Row) -> bool:
    """Whether the query's filters let it through."""
    client_id = world.tables["applications"][str(row["applicationId"])]["clientId"]
    told = {"status": row["status"], "coreServicesId": client_id}
    return all(call.query[name] == value for name, value in told.items() if name in call.query)


def shown(world: World, row: Row) -> Row:
    """With the application, never its secret, and with both tiers."""
    application = world.tables["applications"][str(row["applicationId"])]
    told = {name: value for name, value in application.items() if name not in ("clientSecret", "owner") and value}
    full = {**row, "application": {**told, "coreServicesId": application["clientId"]}}
    for name in ("tier", "requestedTier"):
        tier = world.tables["tiers"].get(str(row.get(f"{name}Id")))
        full[name] = {key: tier[key] for key in _TIER} if tier else None
    return {name: value for name, value in full.items() if value is not None}


_TIER = ("id", "name", "description", "limits", "status", "autoApprove", "audit")


def get(world: World, call: Call) -> Answer:
    return Answer(200, shown(world, _one(world, call, *VIEW)))


def post(world: World, call: Call) -> Answer:
    if not world.may(*MANAGE):
        raise forbidden()
    api = found(world, call, *MANAGE)
    body = call.body()
    check(body, _BODY, ("applicationId",))
    return Answer(201, shown(world, new(world, api, body)))


def new(world: World, api: Row, told: Row) -> Row:
    """PENDING until somebody approves it, unless the tier approves by itself or there are no tiers."""
    application = str(told["applicationId"])
    if application not in world.tables["applications"]:
        raise invalid(".applicationId", "application", f"application {application} does not exist")
    if world.rows("contracts", apiId=api["id"], applicationId=told["applicationId"]):
        raise conflict("The application already has a contract with this API")
    tier = _tier(world, api, told.get("requestedTierId"))
    approved = tier is None or tier["autoApprove"]
    native = world.next_id()
    row = {
        "audit": world.audit(),
        **world.whose(api["organizationId"]),
        "id": native,
        "status": "APPROVED" if approved else "PENDING",
        "approvedDate": world.now() if approved else None,
        "rejectedDate": None,
        "revokedDate": None,
        "applicationId": told["applicationId"],
        "tierId": tier["id"] if tier and approved else None,
        "requestedTierId": tier["id"] if tier and not approved else None,
        "apiId": api["id"],
    }
    return world.put("contracts", native, row)


def _tier(world: World, api: Row, wanted: object) -> Row | None:
    tiers = [row for row in world.rows("tiers", apiId=api["id"]) if row["status"] == "ACTIVE"]
    if wanted is None and tiers:
        raise invalid(".requestedTierId", "required", "should have required property 'requestedTierId'")
    if wanted is None:
        return None
    tier = next((row for row in tiers if row["id"] == wanted), None)
    if tier is None:
        raise invalid(".requestedTierId", "tier", f"tier {wanted} does not exist")
    return tier


def patch(world: World, call: Call) -> Answer:
    """`requestedTierId` asks for another tier, which may need approval; `tierId` sets it."""
    row = _one(world, call, *MANAGE)
    body = call.body()
    check(body, {"tierId": (int,), "requestedTierId": (int,)})
    api = world.tables["apis"][str(row["apiId"])]
    tier = _tier(world, api, body.get("tierId", body.get("requestedTierId")))
    if tier and ("tierId" in body or tier["autoApprove"]):
        row.update(tierId=tier["id"], requestedTierId=None)
    elif tier:
        row["requestedTierId"] = tier["id"]
    world.touch(row)
    return Answer(200, shown(world, row))


def delete(world: World, call: Call) -> Answer:
    row = _one(world, call, *MANAGE)
    if row["status"] in ("APPROVED", "PENDING"):
        raise conflict("Revoke or reject the contract first")
    world.drop("contracts", row["id"])
    return NO_CONTENT


def act(world: World, call: Call) -> Answer:
    """approve, reject, revoke, restore: what Anypoint's own console calls."""
    row = _one(world, call, *MANAGE)
    if call.ids["action"] not in _ACTIONS:
        raise not_found("Action", call.ids["action"])
    before, after, dated = _ACTIONS[call.ids["action"]]
    if row["status"] not in before:
        raise invalid(".status", "state", f"a contract that is {row['status']} cannot be {after}")
    row.update({"status": after, dated: world.now()})
    if after == "APPROVED" and row["requestedTierId"]:
        row.update(tierId=row["requestedTierId"], requestedTierId=None)
    world.touch(row)
    return Answer(201, shown(world, row))


def _one(world: World, call: Call, *scopes: str) -> Row:
    if not world.may(*scopes):
        raise forbidden()
    row = world.tables["contracts"].get(call.ids["contractId"])
    if row is None or str(row["apiId"]) != call.ids["environmentApiId"]:
        raise not_found("Contract", call.ids["contractId"])
    return row
