"""Credentials, consumers and orphans for people."""

from collections.abc import Mapping
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from aforo.app.cli.show.text import NOTHING, hanging, lines, moment, number, pairs, table

View = Mapping[str, Any]
Names = Mapping[str, str]

_STATE: Final = {"ACTIVE": "green", "GRACE": "yellow", "PENDING": "yellow", "SUSPENDED": "red"}


def credentials(view: View) -> RenderableType:
    if not view["data"]:
        return hanging("", "No credentials.")
    return table(
        ("KEY", "STATE", "GATEWAYS", "SUBSCRIPTION", "MADE", "LAST USED", "ID"),
        [
            (row["hint"] or NOTHING, _state(row["state"]), number(len(row["places"])), row["subscriptionId"],
             moment(row["createdAt"]), moment(_last_used(row)), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"GATEWAYS"}),
    )  # fmt: skip


def credential(view: View, names: Names) -> Group:
    """With its secrets where the answer holds some."""
    facts = pairs(
        [
            ("Credential", view["id"]),
            ("Subscription", view["subscriptionId"]),
            ("State", _state(view["state"])),
            ("Key", view["hint"] or NOTHING),
            ("Secret made by", "nobody here: it was adopted" if view["adopted"] else _MAKER[view["mode"]]),
            ("Replaces", view["replaces"] or NOTHING),
            ("Works on until", moment(view["graceUntil"])),
            ("Made", moment(view["createdAt"])),
            ("Revoked", moment(view["revokedAt"])),
        ]
    )
    parts: list[RenderableType] = [facts]
    if view["places"]:
        rows = [
            (names.get(one["integrationId"], one["integrationId"]), _state(one["observed"]), one["nativeId"] or NOTHING,
             moment(one["lastUsedAt"]))
            for one in view["places"]
        ]  # fmt: skip
        parts += [Text(), table(("GATEWAY", "OBSERVED", "NATIVE ID", "LAST USED"), rows)]
    for one in view.get("secrets", ()):
        where = f" at {names.get(one['integrationId'], one['integrationId'])}" if one["integrationId"] else ""
        parts += [Text(), hanging("", f"Secret{where}: ", Text(one["secret"], style="bold"))]
    return lines(parts)


def consumers(view: View, names: Names) -> RenderableType:
    if not view["data"]:
        return hanging("", "No consumers.")
    rows = []
    for row in view["data"]:
        owner = row["subscriptionId"] or next((key["subscriptionId"] for key in row["keys"]), None)
        proposed = row["match"]["customerId"]
        becomes = f"has {owner}" if owner else names.get(proposed, proposed) if proposed else NOTHING
        why = NOTHING if owner else row["match"]["why"]
        application = row["applicationName"] or NOTHING
        rows.append((row["name"], application, number(len(row["keys"])), becomes, why, row["consumer"]))
    heads = ("CONSUMER", "APPLICATION", "KEYS", "CUSTOMER", "WHY", "ID")
    return table(heads, rows, right=frozenset({"KEYS"}))


def orphans(view: View, names: Names) -> RenderableType:
    if not view["data"]:
        return hanging("", "No orphan is known.")
    return table(
        ("NAME", "GATEWAY", "KEYS", "WHY", "FOUND", "ID"),
        [
            (row["name"], names.get(row["integrationId"], row["integrationId"]), number(row["keys"]), row["reason"],
             moment(row["foundAt"]), row["id"])
            for row in view["data"]
        ],
        right=frozenset({"KEYS"}),
    )  # fmt: skip


_MAKER: Final = {"GATEWAY_GENERATED": "each gateway", "AFORO_PROVIDED": "Aforo, the same at every gateway"}


def _last_used(row: View) -> str | None:
    return max((one["lastUsedAt"] for one in row["places"] if one["lastUsedAt"]), default=None)


def _state(word: str) -> Text:
    return Text(word, style=_STATE.get(word, "dim"))
