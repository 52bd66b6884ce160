"""Access Management: tokens of connected apps, who we are, environments, scopes."""

import secrets

from .answers import Answer, Refused, not_found, unauthorized
from .calls import Call, page
from .world import ALL_SCOPES, World


def token(world: World, call: Call) -> Answer:
    """The client-credentials grant, as JSON or as a form would be; only JSON here."""
    body = call.body()
    if body.get("grant_type") != "client_credentials":
        raise Refused(Answer(400, {"error": "unsupported_grant_type"}))
    app = world.tables["apps"].get(str(body.get("client_id")))
    if app is None or not secrets.compare_digest(app["secret"], str(body.get("client_secret"))):
        raise unauthorized()
    given = secrets.token_hex(16)
    life = world.switches.token_seconds
    world.put("tokens", given, {"client_id": app["client_id"], "until": world.later(life)})
    return Answer(200, {"access_token": given, "token_type": "bearer", "expires_in": life})


def me(world: World, call: Call) -> Answer:
    """A connected app that acts on its own behalf has no user."""
    app = call.app or {}
    organizations = [{"id": row["id"], "name": row["name"]} for row in world.rows("organizations")]
    client = {
        "client_id": app["client_id"],
        "name": app["name"],
        "redirect_uris": [],
        "grant_types": ["client_credentials"],
        "org_id": organizations[0]["id"],
    }
    return Answer(200, {"client": client})


def environments(world: World, call: Call) -> Answer:
    found = world.rows("environments", organizationId=call.ids["organizationId"])
    visible = found if world.may("view:environment") else []
    return Answer(200, {"data": page(call, visible, world), "total": len(visible)})


def environment(world: World, call: Call) -> Answer:
    organization_id, environment_id = call.place
    found = world.tables["environments"].get(environment_id)
    if found is None or found["organizationId"] != organization_id:
        raise not_found("Environment", environment_id)
    if not world.may("view:environment"):
        raise Refused(Answer(403, {"name": "Forbidden", "message": "Forbidden"}))
    return Answer(200, found)


def scopes(world: World, call: Call) -> Answer:
    """An app may read its own scopes only with a right that few have."""
    if call.app is None or call.ids["clientId"] != call.app["client_id"] or not world.switches.tells_scopes:
        raise Refused(Answer(403, {"name": "Forbidden", "message": "Forbidden"}))
    held = ALL_SCOPES if world.switches.scopes is None else world.switches.scopes
    rows = [
        {"scope": scope, "context_params": {"org": row["organizationId"], "envId": row["id"]}}
        for row in world.rows("environments")
        for scope in sorted(held)
    ]
    return Answer(200, {"data": page(call, rows, world), "total": len(rows)})
