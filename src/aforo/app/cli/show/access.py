"""People, and the audit trail, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, table

View = Mapping[str, Any]


def users(view: View) -> RenderableType:
    return table(
        ("NAME", "E-MAIL", "ROLE", "SIGNS IN BY", "ID"),
        [(row["name"], row["email"] or NOTHING, row["role"], _way(row), row["id"]) for row in view["data"]],
    )


def invited(view: View) -> RenderableType:
    told = hanging("✓ ", f"{view['name']} signs in once with this link, within three days. It is shown only now.")
    return lines([told, pairs([("Link", view["signInUrl"]), ("Role", view["role"]), ("Id", view["id"])])])


def ways(view: View) -> RenderableType:
    provider = view["provider"] or {}
    told = hanging("✗ ", view["fault"]) if view["fault"] else hanging("✓ ", _ways(view))
    rules = [(f"Group {rule['group']}", rule["role"]) for rule in provider.get("roles", [])]
    facts = [(name, provider[key]) for name, key in (("Issuer", "issuer"), ("Client id", "clientId")) if provider]
    return lines([told, pairs([("Redirect URI", view["redirectUri"]), *facts, *rules])])


def _ways(view: View) -> str:
    ways = [view["provider"]["name"]] if view["provider"] else []
    return f"People sign in with {' or '.join([*ways, *(['a password'] if view['passwords'] else []), 'a link'])}."


def trail(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No line matches.")
    return table(
        ("NUMBER", "WHEN", "WHO", "WHAT", "TO"),
        [
            (number(row["number"]), moment(row["at"]), row["actorId"], row["action"], row["subject"])
            for row in view["data"]
        ],
        right=frozenset({"NUMBER"}),
    )


def proof(view: View) -> RenderableType:
    if view["whole"]:
        words = hanging("✓ ", f"The trail is whole: {number(view['lines'])} lines, each chained to the one before.")
    else:
        words = hanging("✗ ", f"The trail is broken at line {view['brokenAt']}: it was changed outside Aforo.")
    return lines([words, pairs([("Newest hash", view["head"])])])


def _way(row: View) -> str:
    if row["disabled"]:
        return "shut out"
    return "company account" if row["hasIdentity"] else "password" if row["hasPassword"] else "link"
