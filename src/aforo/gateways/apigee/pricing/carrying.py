"""What of a plan stands at Apigee: for each of its products an API product of the plan's own. Pure.

The copy opens what the product opens, with the plan's quota in place of the product's, and tells the plan's facts in
its attributes.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.pricing import Offer
from aforo.gateways.apigee.mapping import GROUPS, RULES, Row, entity_fields, rate_plan
from aforo.gateways.apigee.mapping.bodies import native
from aforo.gateways.apigee.mapping.marks import (
    MARK,
    MOST_ATTRIBUTES,
    PLAN,
    attributes,
    is_ours,
    plan_product,
    product_of,
)
from aforo.gateways.apigee.pricing.limits import Quota
from aforo.kit.jsontree import ABSENT, JsonObject, canonical, put

PRODUCT: Final = "product"
RATE_PLAN: Final = "rateplan"
VERSION: Final = "aforo.plan.version"
_OWN: Final = ("name", "displayName", "attributes", "createdAt", "lastModifiedAt")
_ELSEWHERE: Final = ("operations are children", "our own marks are nobody's wish")
_RULES: Final = tuple(rule for rule in RULES if rule.name not in _ELSEWHERE)
_PRIVATE: Final = {"name": "access", "value": "private"}


def copied(base: Row, offer: Offer, quota: Quota | None) -> Row:
    """The API product of a plan, as Apigee writes it. `access` is private, so that no portal offers it."""
    row: Row = {name: value for name, value in base.items() if name not in _OWN}
    row["name"] = plan_product(offer.key, base["name"])
    row["displayName"] = f"{base.get('displayName') or base['name']} ({offer.name})"
    if quota:
        row |= {"quota": str(quota.calls), "quotaInterval": str(quota.interval), "quotaTimeUnit": quota.unit}
    kept = _kept(base)
    marks = {MARK: "plan", PLAN: offer.key, VERSION: str(offer.version)}
    room = MOST_ATTRIBUTES - len(marks) - len(kept)
    row["attributes"] = [*kept, *attributes(marks | dict([*_facts(offer).items()][:room]))]
    return row


def has_room(base: Row) -> bool:
    """Whether the product's own attributes, which policies may read, and the three marks are not too many."""
    return len(_kept(base)) + 3 <= MOST_ATTRIBUTES


def has_own_quotas(base: Row) -> bool:
    configs = [one for group in GROUPS for one in (base.get(group) or {}).get("operationConfigs") or ()]
    return any(one.get("quota") for one in configs)


def draft(offer: Offer) -> Row:
    """The rate plan that tells what the plan is; as a draft it neither bills nor blocks anybody."""
    told = "; ".join(f"{name}: {value}" for name, value in sorted(offer.facts.items()))
    row = {
        "displayName": offer.name,
        "description": told,
        "billingPeriod": "MONTHLY",
        "currencyCode": offer.currency,
        "state": "DRAFT",
    }
    return {name: value for name, value in row.items() if value}


def plan(ref: str, name: str, rows: Iterable[Row], plans: Iterable[Row]) -> Product:
    """Rows of API products, and of their rate plans with the product that each belongs to, as one value."""
    entities = [_entity(row) for row in rows] + list(_drafts(plans))
    return Product(ref, ref, name, None, tuple(sorted(entities, key=lambda one: (one.kind, one.key))))


def body(name: str, fields: Mapping[str, Any]) -> Row:
    return {"name": name, **native(PRODUCT, dict(fields))}


def unfinished(target: JsonObject) -> Row:
    """As it is to be, but for its version."""
    told = dict(target)
    put(told, f"/attributes/{VERSION}", ABSENT)
    return told


def fields(row: Row) -> Row:
    """Canonical, with the operations where they are, in an order of their own."""
    return dict(_entity(row).fields)


def _entity(row: Row) -> Entity:
    told = entity_fields(PRODUCT, row, rules=_RULES)
    for group in GROUPS:
        if group in told.fields:
            told.fields[group] = _settled(told.fields[group])
    key = product_of(row["name"])
    return Entity(PRODUCT, key, row["name"], told.fields, told.defaults, frozenset(told.secrets), owned=True)


def _drafts(plans: Iterable[Row]) -> Iterable[Entity]:
    """In the order in which they were made."""
    seen: dict[str, int] = {}
    for row in sorted(plans, key=lambda one: (int(one.get("createdAt") or 0), str(one.get("name")))):
        product = product_of(row["apiproduct"])
        seen[product] = seen.get(product, 0) + 1
        yield rate_plan(row, product if seen[product] == 1 else f"{product} #{seen[product]}")


def _settled(tree: Any) -> Any:
    """Lists in the order of their texts: in groups of operations none means anything by its order."""
    if isinstance(tree, dict):
        return {name: _settled(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return sorted((_settled(one) for one in tree), key=canonical)
    return tree


def _kept(base: Row) -> list[Row]:
    rows = [dict(one) for one in base.get("attributes") or () if not is_ours(str(one.get("name", "")))]
    return [_PRIVATE if one["name"] == _PRIVATE["name"] else one for one in rows]


def _facts(offer: Offer) -> dict[str, str]:
    told = {f"{PLAN}.{name}": value for name, value in {"currency": offer.currency, **offer.facts}.items()}
    return {name: value for name, value in told.items() if name != VERSION}
