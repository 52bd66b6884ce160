"""Apigee's rows → products: an API product with its operations and rate plans."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateways.apigee.mapping.canonical import RULES, Draft, Rule, entity_fields
from aforo.gateways.apigee.mapping.marks import is_marked
from aforo.gateways.apigee.mapping.operations import GROUPS, Config, configs
from aforo.gateways.apigee.mapping.trees import Row

_SEGMENT: Final = re.compile(r"(?:^|/)(v\d+)(?=$|[/.(*?])", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"[-_. ](v\d+(?:\.\d+)*)$", re.IGNORECASE)


def products(rows: Iterable[Row], plans: Iterable[Row], rules: Sequence[Rule] = RULES) -> tuple[Product, ...]:
    """One for each API product, in order of their names."""
    by_product: dict[str, list[Row]] = {}
    for plan in plans:
        by_product.setdefault(str(plan.get("apiproduct")), []).append(plan)
    found = (product(row, by_product.get(row["name"], ()), rules) for row in rows)
    return tuple(sorted(found, key=lambda one: one.ref))


def product(row: Row, plans: Iterable[Row] = (), rules: Sequence[Rule] = RULES) -> Product:
    """One API product; `plans` are its own rate plans."""
    name = str(row["name"])
    operations = sorted((_operation(one, rules) for one in configs(row)), key=_key)
    entities = (_entity("product", name, name, entity_fields("product", row, rules=rules), row), *operations)
    return Product(
        name, name, str(row.get("displayName") or name), version(row), (*entities, *_rate_plans(plans, rules))
    )


def rate_plan(row: Row, key: str, rules: Sequence[Rule] = RULES) -> Entity:
    return _entity("rateplan", key, str(row["name"]), entity_fields("rateplan", row, rules=rules), row)


def version(row: Mapping[str, Any]) -> str | None:
    """An attribute `version`, else a path segment of what it opens, else the end of its name or of a proxy's."""
    for attribute in row.get("attributes") or ():
        if str(attribute.get("name", "")).lower() == "version" and attribute.get("value"):
            return str(attribute["value"])
    for path in (*sorted(_resources(row)), *sorted(row.get("apiResources") or ())):
        if segment := _SEGMENT.search(path):
            return segment[1]
    sources = sorted({str(one.row.get("apiSource") or "") for one in configs(row)})
    for name in (str(row["name"]), *sources, *sorted(row.get("proxies") or ())):
        if suffix := _SUFFIX.search(name):
            return suffix[1]
    return None


def is_monetized(organization: Mapping[str, Any]) -> bool:
    """Whether the monetization add-on is on. Where it is off there are no rate plans to ask for."""
    addons = organization.get("addonsConfig")
    monetization = addons.get("monetizationConfig") if isinstance(addons, dict) else None
    return isinstance(monetization, dict) and monetization.get("enabled") is True


def notes(rows: Sequence[Row], *, monetized: bool, plans: Sequence[Row] = ()) -> tuple[str, ...]:
    """What a reader should know and no comparison tells."""
    return tuple(_notes(rows, plans, monetized=monetized))


def _notes(rows: Sequence[Row], plans: Sequence[Row], *, monetized: bool) -> Iterator[str]:
    open_to_all = sorted(str(row["name"]) for row in rows if not row.get("proxies") and not any(map(row.get, GROUPS)))
    if open_to_all:
        yield f"{len(open_to_all)} without proxies or operations, which lets every proxy through: {_some(open_to_all)}."
    published = sorted({str(plan.get("apiproduct")) for plan in plans if plan.get("state") == "PUBLISHED"})
    if published:
        yield f"{len(published)} with a published rate plan, which asks developers to subscribe: {_some(published)}."
    if not monetized:
        yield "Monetization is off in this organization, so there are no rate plans."


def _resources(row: Mapping[str, Any]) -> Iterator[str]:
    for config in configs(row):
        for about in config.row.get(GROUPS[config.group].listed) or ():
            yield str(about.get("resource") or "")


def _operation(config: Config, rules: Sequence[Rule]) -> Entity:
    draft = entity_fields("operation", config.row, config.group, rules)
    return _entity("operation", config.key, config.native_id, draft, config.row)


def _rate_plans(rows: Iterable[Row], rules: Sequence[Rule]) -> Iterator[Entity]:
    """In order of their display names; of several with one name the older comes first."""
    seen: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (_display(row), int(row.get("createdAt") or 0), str(row["name"]))):
        name = _display(row)
        seen[name] = seen.get(name, 0) + 1
        yield rate_plan(row, name if seen[name] == 1 else f"{name} #{seen[name]}", rules)


def _display(row: Mapping[str, Any]) -> str:
    return str(row.get("displayName") or row["name"])


def _entity(kind: str, key: str, native_id: str, draft: Draft, row: Mapping[str, Any]) -> Entity:
    return Entity(
        kind=kind,
        key=key,
        native_id=native_id,
        fields=draft.fields,
        defaults=draft.defaults,
        secrets=frozenset(draft.secrets),
        owned=is_marked(row),
    )


def _key(entity: Entity) -> str:
    return entity.key


def _some(words: Sequence[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")
