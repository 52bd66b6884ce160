"""Products → a kong.yml for `deck gateway sync`, marked so that the sync touches nothing but what it lists."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from aforo.gateway_sdk.contract import Document, Entity, Product
from aforo.gateways.kong.declarative.document import FORMAT, emit
from aforo.gateways.kong.mapping import MARK, Row, creation
from aforo.kit.jsontree import at, put

_HEADER: Final = (
    "# Written by Aforo. `deck gateway sync` with this file changes and deletes only what carries the tag of\n"
    "# `select_tags`. Secrets are not in it: set the environment variables that it names.\n"
)


def export(products: Sequence[Product]) -> Document:
    """Nested, ordered by key, secrets as references to environment variables."""
    upstreams = {entity.key: _upstream(entity, product) for product in products for entity in _of(product, "upstream")}
    tree: Row = {
        "_format_version": FORMAT,
        "_info": {"select_tags": [MARK]},
        "services": [_service(entity, product) for product in products for entity in _of(product, "service")],
        "upstreams": [upstreams[key] for key in sorted(upstreams)],
    }
    text = _HEADER + emit({name: part for name, part in tree.items() if part})
    return Document("kong.yml", "application/yaml", text)


def _service(service: Entity, product: Product) -> Row:
    row = _row(service, product)
    routes = [_route(entity, product) for entity in _of(product, "route")]
    plugins = [_row(entity, product) for entity in _of(product, "plugin") if "route" not in entity.fields]
    return row | ({"routes": routes} if routes else {}) | ({"plugins": plugins} if plugins else {})


def _route(route: Entity, product: Product) -> Row:
    plugins = [_row(one, product) for one in _of(product, "plugin") if one.fields.get("route") == route.key]
    return _row(route, product) | ({"plugins": plugins} if plugins else {})


def _upstream(upstream: Entity, product: Product) -> Row:
    targets = [_row(entity, product) for entity in _of(product, "target")]
    return _row(upstream, product) | ({"targets": targets} if targets else {})


def _row(entity: Entity, product: Product) -> Row:
    """What was asked for, with our tag; an id only where there is no name to match by."""
    row = {name: value for name, value in creation(entity).items() if name not in ("service", "route")}
    for pointer in entity.secrets:
        value = at(row, pointer)
        if value:
            put(row, pointer, _from_environment(product, entity, pointer, listed=isinstance(value, list)))
    tags = row.get("tags")
    row["tags"] = sorted({*(str(tag) for tag in tags if tags), MARK} if isinstance(tags, list) else {MARK})
    if entity.kind in ("service", "route") and not row.get("name"):
        return {"id": entity.native_id, **row}
    return row


def _from_environment(product: Product, entity: Entity, pointer: str, *, listed: bool) -> str | list[str]:
    """decK replaces `${{ env "DECK_…" }}` when it reads the file."""
    name = re.sub(r"[^A-Z0-9]+", "_", f"{product.ref} {entity.key} {pointer}".upper()).strip("_")
    told = f'${{{{ env "DECK_{name}" }}}}'
    return [told] if listed else told


def _of(product: Product, kind: str) -> Iterable[Entity]:
    return sorted((entity for entity in product.entities if entity.kind == kind), key=lambda entity: entity.key)
