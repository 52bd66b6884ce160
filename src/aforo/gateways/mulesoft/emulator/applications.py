"""Exchange: client applications. They live in the root organization, never in a business group."""

import secrets

from .answers import NO_CONTENT, Answer, exchange_says_no
from .calls import Call, page
from .world import Row, World

VIEW = ("read:client_applications", "create:client_applications")
CREATE = ("create:client_applications",)
_SETTABLE = ("name", "description", "url", "redirectUri", "grantTypes")


def listed(world: World, call: Call) -> Answer:
    """Only those that this app has made: others are an administrator's to see. Without the scope none, and no error."""
    _root_only(world, call)
    wanted = call.query.get("query", "").lower()
    mine = world.rows("applications", owner=(call.app or {}).get("client_id"))
    rows = [_brief(row) for row in mine if world.may(*VIEW) and wanted in row["name"].lower()]
    return Answer(200, page(call, rows, world), {"x-total-count": str(len(rows))})


def _brief(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in ("clientSecret", "owner") and value is not None}


def post(world: World, call: Call) -> Answer:
    """The one answer besides a reset that tells the secret."""
    _root_only(world, call)
    if not world.may(*CREATE):
        raise exchange_says_no(403, "Forbidden")
    body = call.body()
    name = body.get("name")
    if not isinstance(name, str) or not name:
        raise exchange_says_no(400, "The name is required")
    if world.rows("applications", name=name):
        raise exchange_says_no(409, f"An application named {name} exists already")
    return Answer(201, _with_secret(new(world, call.ids["masterOrganizationId"], body, (call.app or {})["client_id"])))


def new(world: World, root: str, told: Row, owner: str) -> Row:
    native = world.next_id()
    row = {
        "masterOrganizationId": root,
        "id": native,
        "name": told["name"],
        "description": told.get("description") or "",
        "url": told.get("url"),
        "redirectUri": told.get("redirectUri", []),
        "grantTypes": told.get("grantTypes", []),
        "clientId": secrets.token_hex(16),
        "clientSecret": secrets.token_hex(16),
        "owner": owner,
    }
    return world.put("applications", native, row)


def _with_secret(row: Row) -> Row:
    return {**_brief(row), "clientSecret": row["clientSecret"]}


def get(world: World, call: Call) -> Answer:
    return Answer(200, _brief(_one(world, call)))


def patch(world: World, call: Call) -> Answer:
    row = _one(world, call)
    body = call.body()
    if body.get("name", row["name"]) != row["name"] and world.rows("applications", name=body["name"]):
        raise exchange_says_no(409, f"An application named {body['name']} exists already")
    row.update({name: body[name] for name in _SETTABLE if name in body})
    world.changed()
    return Answer(200, _brief(row))


def delete(world: World, call: Call) -> Answer:
    row = _one(world, call)
    for contract in world.rows("contracts", applicationId=row["id"]):
        world.drop("contracts", contract["id"])
    world.drop("applications", row["id"])
    return NO_CONTENT


def reset_secret(world: World, call: Call) -> Answer:
    """The old secret ends at once: there is no grace."""
    row = _one(world, call)
    row["clientSecret"] = secrets.token_hex(16)
    world.changed()
    return Answer(201, {"clientSecret": row["clientSecret"]})


def contracts(world: World, call: Call) -> Answer:
    """No connected app may read this; API Manager's list is the way."""
    _one(world, call)
    raise exchange_says_no(403, "Forbidden")


def _one(world: World, call: Call) -> Row:
    _root_only(world, call)
    row = world.tables["applications"].get(call.ids["applicationId"])
    if row is None:
        raise exchange_says_no(404, f"Application {call.ids['applicationId']} not found")
    if row["owner"] != (call.app or {}).get("client_id"):
        raise exchange_says_no(403, "Forbidden")
    return row


def _root_only(world: World, call: Call) -> None:
    organization = world.tables["organizations"].get(call.ids["masterOrganizationId"])
    if organization is None or organization["root"] != organization["id"]:
        raise exchange_says_no(400, "Client applications belong to the root organization")
