"""A plan in Kong's objects: limits at each consumer, or at a consumer group where the edition has groups. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.pricing import Offer
from aforo.gateways.kong.mapping import Row
from aforo.gateways.kong.provisioner import limits
from aforo.gateways.kong.provisioner.names import MARK, Names, PlanNames

GROUP: Final = "consumer_group"
PLUGIN: Final = "plugin"
MEMBER: Final = "member"
LIMITING: Final = "rate-limiting"
ADVANCED: Final = "rate-limiting-advanced"
SECONDS: Final = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "month": 2_592_000,
    "year": 31_536_000,
}


def carried(offer: Offer, subscriptions: Iterable[str], *, grouped: bool) -> Product:
    """What Kong is to hold for a plan whose limits it can count, for these subscriptions that have a consumer there."""
    windows = limits.windows(offer.limits)
    if not windows:
        entities: list[Entity] = []
    elif grouped:
        entities = _grouped(offer, windows, subscriptions)
    else:
        entities = [_single(one, windows) for one in subscriptions]
    return Product(f"plan:{offer.key}", offer.plan_id, offer.name, str(offer.version), tuple(entities))


def _single(subscription_id: str, windows: Mapping[str, int]) -> Entity:
    names = Names(subscription_id)
    fields: dict[str, Any] = {"name": LIMITING, "consumer": names.consumer, "enabled": True, "config": dict(windows)}
    return Entity(PLUGIN, single_key(subscription_id), names.plugin(names.consumer, LIMITING), fields, owned=True)


def single_key(subscription_id: str) -> str:
    return f"{LIMITING}@consumer:{subscription_id}"


def _grouped(offer: Offer, windows: Mapping[str, int], subscriptions: Iterable[str]) -> list[Entity]:
    plan = PlanNames(offer.key)
    config = {
        "limit": [windows[period] for period in windows],
        "window_size": [SECONDS[period] for period in windows],
        "window_type": "fixed",
    }
    group = Entity(GROUP, plan.name, plan.group, {"name": plan.name}, owned=True)
    plugin_fields: dict[str, Any] = {"name": ADVANCED, "consumer_group": plan.group, "enabled": True, "config": config}
    plugin = Entity(PLUGIN, f"{ADVANCED}@group:{plan.name}", plan.plugin(ADVANCED), plugin_fields, owned=True)
    members = [
        Entity(MEMBER, one, Names(one).consumer, {"group": plan.group, "consumer": Names(one).consumer}, owned=True)
        for one in subscriptions
    ]
    return [group, plugin, *members]


def seen(wanted: Entity, row: Row) -> Entity:
    """A row of Kong's as far as the wish says anything of it."""
    fields: dict[str, Any] = {}
    if wanted.kind == GROUP:
        fields = {"name": row.get("name")}
    elif wanted.kind == PLUGIN:
        where = "consumer" if "consumer" in wanted.fields else "consumer_group"
        fields = {
            "name": row.get("name"),
            where: (row.get(where) or {}).get("id"),
            "enabled": row.get("enabled", True),
            "config": _config(wanted, row.get("config") or {}),
        }
    return Entity(wanted.kind, wanted.key, str(row["id"]), fields, owned=MARK in (row.get("tags") or ()))


def _config(wanted: Entity, config: Row) -> Row:
    names = limits.PERIODS if wanted.fields["name"] == LIMITING else ("limit", "window_size", "window_type")
    return {name: config[name] for name in names if config.get(name) is not None}


def body(entity: Entity, tags: list[str]) -> Row:
    """What is sent. Periods that the plan does not limit are said, so that an old limit does not stay."""
    fields = dict(entity.fields)
    if entity.kind == GROUP:
        return {"name": fields["name"], "tags": tags}
    told: Any = fields["config"]
    config = limits.config(told) if fields["name"] == LIMITING else told
    where = "consumer" if "consumer" in fields else "consumer_group"
    return {"name": fields["name"], where: {"id": fields[where]}, "enabled": True, "config": config, "tags": tags}
