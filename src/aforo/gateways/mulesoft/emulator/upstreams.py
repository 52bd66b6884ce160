"""API Manager: upstreams of an instance on a Flex Gateway."""

import uuid

from .answers import NO_CONTENT, Answer, invalid, not_found
from .apis import MANAGE, VIEW, found
from .calls import Call, check, page
from .world import Row, World

_BODY = {"label": (str,), "uri": (str, type(None)), "tlsContext": (dict, type(None))}


def listed(world: World, call: Call) -> Answer:
    api = found(world, call, *VIEW)
    rows = [_shown(row) for row in world.rows("upstreams", apiId=api["id"])]
    return Answer(200, {"total": len(rows), "upstreams": page(call, rows, world)})


def _shown(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "apiId" and value is not None}


def get(world: World, call: Call) -> Answer:
    return Answer(200, _shown(_one(world, call, *VIEW)))


def post(world: World, call: Call) -> Answer:
    api = found(world, call, *MANAGE)
    body = call.body()
    _check(body)
    return Answer(201, _shown(new(world, api, body)))


def new(world: World, api: Row, told: Row) -> Row:
    native = str(uuid.uuid5(uuid.NAMESPACE_URL, f"upstream:{world.next_id()}"))
    row = {"audit": world.audit(), "id": native, "apiId": api["id"], **{name: told.get(name) for name in _BODY}}
    return world.put("upstreams", native, row)


def patch(world: World, call: Call) -> Answer:
    row = _one(world, call, *MANAGE)
    body = call.body()
    _check(body)
    row.update({name: value for name, value in body.items() if name in _BODY})
    world.touch(row)
    return Answer(200, _shown(row))


def delete(world: World, call: Call) -> Answer:
    world.drop("upstreams", _one(world, call, *MANAGE)["id"])
    return NO_CONTENT


def _one(world: World, call: Call, *scopes: str) -> Row:
    found(world, call, *scopes)
    row = world.tables["upstreams"].get(call.ids["upstreamId"])
    if row is None or str(row["apiId"]) != call.ids["environmentApiId"]:
        raise not_found("Upstream", call.ids["upstreamId"])
    return row


def _check(body: Row) -> None:
    check(body, _BODY)
    for name in ("label", "uri"):
        if body.get(name) == "":
            raise invalid(f".{name}", "minLength", "should NOT be shorter than 1 characters")
