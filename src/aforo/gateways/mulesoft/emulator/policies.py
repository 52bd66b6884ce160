"""API Manager: the policies of an instance. Sensitive values go in and never come out again."""

from typing import Any

from .answers import NO_CONTENT, Answer, forbidden, invalid, not_found
from .apis import VIEW as VIEW_APIS
from .apis import found
from .calls import Call, check
from .world import Row, World

VIEW = ("read:api_policies", "manage:api_policies")
MANAGE = ("manage:api_policies",)
MASK = "******"
SENSITIVE = {
    "basic-authentication-simple": ("password",),
    "http-basic-authentication": ("password",),
    "jwt-validation": ("textKey",),
    "ldap-authentication": ("ldapServerUserPassword",),
    "openidconnect-access-token-enforcement": ("clientSecret",),
}
"""Of MuleSoft's own policies, the fields that their definitions mark as sensitive."""
_BODY = {
    "configurationData": (dict,),
    "pointcutData": (list, type(None)),
    "order": (int,),
    "groupId": (str,),
    "assetId": (str,),
    "assetVersion": (str,),
}


def listed(world: World, call: Call) -> Answer:
    """With `fullInfo` only active policies, under other names; without it all of them."""
    rows = _visible(world, call)
    if call.asks("fullInfo", unless_told=True):
        return Answer(200, {"policies": [_full(row) for row in rows if not row["disabled"]]})
    return Answer(200, [_shown(row) for row in rows])


def _visible(world: World, call: Call) -> list[Row]:
    if not world.may(*VIEW):
        return []
    api = found(world, call, *VIEW_APIS, *VIEW)
    return sorted(world.rows("policies", apiId=api["id"]), key=lambda row: (row["order"], row["id"]))


def _shown(row: Row) -> Row:
    told = {**row, "configurationData": _masked(row)}
    return {name: value for name, value in told.items() if value is not None or name == "pointcutData"}


def _full(row: Row) -> Row:
    template = {name: row[name] for name in ("groupId", "assetId", "assetVersion")}
    return {
        "policyTemplateId": row["policyTemplateId"],
        "type": row["type"],
        "policyId": row["id"],
        "version": 1,
        "order": row["order"],
        "pointcutData": row["pointcutData"],
        "configuration": _masked(row),
        "template": template,
    }


def _masked(row: Row) -> Row:
    hidden = SENSITIVE.get(row["assetId"], ())
    return {name: MASK if name in hidden and value else value for name, value in row["configurationData"].items()}


def one(world: World, call: Call, *scopes: str) -> Row:
    """The policy of the path."""
    if not world.may(*scopes):
        raise forbidden()
    row = world.tables["policies"].get(call.ids["policyId"])
    if row is None or str(row["apiId"]) != call.ids["environmentApiId"]:
        raise not_found("Policy", call.ids["policyId"])
    return row


def get(world: World, call: Call) -> Answer:
    return Answer(200, _shown(one(world, call, *VIEW)))


def post(world: World, call: Call) -> Answer:
    if not world.may(*MANAGE):
        raise forbidden()
    api = found(world, call, *MANAGE)
    body = call.body()
    check(body, _BODY, ("groupId", "assetId", "assetVersion"))
    row = new(world, api, body)
    return Answer(201, _shown(row))


def new(world: World, api: Row, told: Row) -> Row:
    native = world.next_id()
    there = world.rows("policies", apiId=api["id"])
    row = {
        "audit": world.audit(),
        **world.whose(api["organizationId"]),
        "id": native,
        "policyTemplateId": str(native % 400_000),
        "configurationData": told.get("configurationData", {}),
        "order": told.get("order") or max([one["order"] for one in there], default=0) + 1,
        "disabled": False,
        "pointcutData": told.get("pointcutData"),
        "groupId": told["groupId"],
        "assetId": told["assetId"],
        "assetVersion": told["assetVersion"],
        "type": "system",
        "apiId": api["id"],
    }
    return world.put("policies", native, row)


def patch(world: World, call: Call) -> Answer:
    """Each member that is given is replaced whole, a configuration too: what it leaves out is gone."""
    row = one(world, call, *MANAGE)
    body = call.body()
    check(body, _BODY)
    row.update({name: value for name, value in body.items() if name in _BODY})
    world.touch(row)
    return Answer(200, _shown(row))


def reorder(world: World, call: Call) -> Answer:
    """Many at once; nothing but their order."""
    if not world.may(*MANAGE):
        raise forbidden()
    wished = call.any_body()
    if not isinstance(wished, list):
        raise invalid("", "type", "should be array")
    api = found(world, call, *MANAGE)
    rows = {row["id"]: row for row in world.rows("policies", apiId=api["id"])}
    for wish in wished:
        if wish.get("id") not in rows:
            raise invalid(".id", "policy", f"policy {wish.get('id')} does not exist")
        rows[wish["id"]]["order"] = wish["order"]
    world.changed()
    return Answer(200, [_shown(row) for row in rows.values()])


def delete(world: World, call: Call) -> Answer:
    world.drop("policies", one(world, call, *MANAGE)["id"])
    return NO_CONTENT


def disable(world: World, call: Call) -> Answer:
    return _switch(world, call, disabled=True)


def enable(world: World, call: Call) -> Answer:
    return _switch(world, call, disabled=False)


def _switch(world: World, call: Call, *, disabled: bool) -> Answer:
    row: dict[str, Any] = one(world, call, *MANAGE)
    row["disabled"] = disabled
    world.touch(row)
    return Answer(201, _shown(row))
