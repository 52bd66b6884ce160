"""Kong's flat lists → products: a service with its routes, their plugins, and the upstream behind it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateways.kong.mapping.canonical import ARTIFACT, Canon
from aforo.gateways.kong.mapping.keys import consumer_key, distinct, plugin_key, route_key, service_key, target_key
from aforo.gateways.kong.mapping.schema import Row

_MANAGED: Final = frozenset({"konnect-managed", "konnect-managed-plugin"})
_VERSION_TAG: Final = re.compile(r"^(?:version:(?P<told>.+)|(?P<plain>v\d+(?:\.\d+)*))$", re.IGNORECASE)
_VERSION_SEGMENT: Final = re.compile(r"(?:^|/)(v\d+)(?=$|[/.(?])", re.IGNORECASE)
_VERSION_SUFFIX: Final = re.compile(r"[-_. ](v\d+(?:\.\d+)*)$", re.IGNORECASE)
_PERIODS: Final = ("second", "minute", "hour", "day", "month", "year")


@dataclass(slots=True)
class Tables:
    """Rows as Kong lists them. `targets` by the id of their upstream.

    `upstream_of`: by service id, the id of the upstream that a record names, "" if that is gone. It belongs to the
    service's product wherever the service's host points by now.
    """

    services: list[Row] = field(default_factory=list)
    routes: list[Row] = field(default_factory=list)
    plugins: list[Row] = field(default_factory=list)
    upstreams: list[Row] = field(default_factory=list)
    targets: dict[str, list[Row]] = field(default_factory=dict)
    consumers: list[Row] = field(default_factory=list)
    consumer_groups: list[Row] = field(default_factory=list)
    upstream_of: dict[str, str] = field(default_factory=dict)

    def without_managed(self) -> "Tables":
        """Konnect puts things of its own beside the customer's and tags them, and Aforo its plugin: they are nobody's
        product. How our plugin stands is told by the artifact, so that attaching it is no drift.
        """
        return Tables(
            services=_unmanaged(self.services),
            routes=_unmanaged(self.routes),
            plugins=[row for row in _unmanaged(self.plugins) if not _is_our_artifact(row)],
            upstreams=_unmanaged(self.upstreams),
            targets=self.targets,
            consumers=self.consumers,
            consumer_groups=self.consumer_groups,
            upstream_of=self.upstream_of,
        )

    def keep_upstream(self, service: str, recorded: Product) -> None:
        """Let the upstream that is recorded stand for the product: by its id, else by its name."""
        ours = recorded_upstream(recorded)
        if ours:
            by_id = (row["id"] for row in self.upstreams if row["id"] == ours.native_id)
            by_name = (row["id"] for row in self.upstreams if row.get("name") == ours.key)
            self.upstream_of[service] = next(by_id, None) or next(by_name, "")


def recorded_upstream(recorded: Product) -> Entity | None:
    """The upstream that the recorded service points to; none in a record whose service points elsewhere."""
    hosts = {entity.fields.get("host") for entity in recorded.entities if entity.kind == "service"}
    return next((one for one in recorded.entities if one.kind == "upstream" and one.key in hosts), None)


def products(tables: Tables, canon: Canon) -> tuple[Product, ...]:
    """One product per service, in order of their refs."""
    told = tables.without_managed()
    joined = Joined(told)
    found = [_product(service, joined, canon) for service in told.services]
    return tuple(sorted(found, key=lambda product: product.ref))


class Joined:
    """The tables, looked up by what belongs together, and the key of every row."""

    def __init__(self, tables: Tables) -> None:
        self.routes = _by_parent(tables.routes, "service")
        self.upstreams = {row.get("name"): row for row in tables.upstreams}
        self._upstream_of = tables.upstream_of
        self.targets = tables.targets
        self.names = distinct(tables.services, service_key)
        for rows in self.routes.values():
            self.names.update(distinct(rows, route_key))
        self.names.update(distinct(tables.consumers, consumer_key))
        self.names.update(distinct(tables.consumer_groups, consumer_key))
        self.plugins = self._plugins_by_service(tables)

    def upstream(self, service: Row) -> Row | None:
        """The recorded one where there is a record, else the one that the service's host names."""
        if service["id"] not in self._upstream_of:
            return self.upstreams.get(service.get("host"))
        kept = self._upstream_of[service["id"]]
        return next((row for row in self.upstreams.values() if row["id"] == kept), None)

    def _plugins_by_service(self, tables: Tables) -> dict[str, list[Row]]:
        service_of_route = {row["id"]: reference(row, "service") for row in tables.routes}
        found: dict[str, list[Row]] = defaultdict(list)
        for plugin in tables.plugins:
            service = reference(plugin, "service") or service_of_route.get(reference(plugin, "route"))
            if service:
                found[service].append(plugin)
        return found


def reference(row: Row, name: str) -> str:
    """The id that a row refers to; empty where it refers to nothing."""
    told = row.get(name)
    return str(told.get("id") or "") if isinstance(told, dict) else ""


def _product(service: Row, joined: Joined, canon: Canon) -> Product:
    routes = joined.routes.get(service["id"], [])
    ref = joined.names[service["id"]]
    entities = sorted(_entities(service, ref, routes, joined, canon), key=lambda entity: entity.key)
    return Product(ref, service["id"], service_key(service), version(service, routes), tuple(entities))


def _entities(service: Row, ref: str, routes: list[Row], joined: Joined, canon: Canon) -> Iterator[Entity]:
    names = joined.names
    upstream = joined.upstream(service)
    if upstream:
        yield canon.entity("upstream", str(upstream["name"]), upstream, names)
        targets = joined.targets.get(upstream["id"], [])
        keys = distinct(targets, target_key)
        yield from (canon.entity("target", keys[row["id"]], row, names) for row in targets)
    yield canon.entity("service", ref, service, names)
    yield from (canon.entity("route", names[row["id"]], row, names) for row in routes)
    plugins = joined.plugins.get(service["id"], [])
    keys = distinct(plugins, lambda row: plugin_key(row, names))
    yield from (canon.entity("plugin", keys[row["id"]], row, names) for row in plugins)


def version(service: Row, routes: Iterable[Row]) -> str | None:
    """A tag, else a path segment of a route or of the service, else the end of the name."""
    for tag in service.get("tags") or ():
        if told := _VERSION_TAG.match(tag):
            return told["told"] or told["plain"]
    paths = [path for route in sorted(routes, key=route_key) for path in route.get("paths") or ()]
    for path in (*paths, service.get("path") or ""):
        if segment := _VERSION_SEGMENT.search(path):
            return segment[1]
    suffix = _VERSION_SUFFIX.search(service.get("name") or "")
    return suffix[1] if suffix else None


def notes(tables: Tables, *, has_consumer_groups: bool | None = None) -> tuple[str, ...]:
    """What belongs to no product, so that nobody wonders where it is."""
    told = tables.without_managed()
    return tuple(_notes(told, distinct(told.consumers, consumer_key), has_consumer_groups))


def _notes(tables: Tables, names: Mapping[str, str], has_groups: bool | None) -> Iterator[str]:
    loose = [row for row in tables.plugins if not reference(row, "service") and not reference(row, "route")]
    everywhere = sorted(str(row.get("name")) for row in loose if not _is_somebodys(row))
    if everywhere:
        yield f"{_count(everywhere, 'global plugin')}, for every service and in no product: {_some(everywhere)}."
    stray = sorted(route_key(row) for row in tables.routes if not reference(row, "service"))
    if stray:
        yield f"{_count(stray, 'route')} without a service, in no product: {_some(stray)}."
    quotas = sorted(_quota(row, names) for row in loose if _is_somebodys(row) and "ratelimiting" in _plain_name(row))
    if quotas:
        yield f"{_count(quotas, 'quota')} of a consumer alone, for all services: {_some(quotas)}."
    if has_groups is False:
        yield "Consumer groups do not exist on this edition of Kong."


def _plain_name(row: Row) -> str:
    return str(row.get("name")).replace("-", "").replace("_", "")


def _is_somebodys(row: Row) -> bool:
    return bool(reference(row, "consumer") or reference(row, "consumer_group"))


def _quota(row: Row, names: Mapping[str, str]) -> str:
    native = reference(row, "consumer")
    config: dict[str, Any] = row.get("config") or {}
    limits = ", ".join(f"{config[period]} per {period}" for period in _PERIODS if config.get(period))
    who = names.get(native, native) or f"group {reference(row, 'consumer_group')}"
    return f"{row.get('name')} for {who}" + (f" ({limits})" if limits else "")


def _count(rows: list[str], word: str) -> str:
    return f"{len(rows)} {word}{'' if len(rows) == 1 else 's'}"


def _some(words: list[str]) -> str:
    return ", ".join(words[:10]) + (f" and {len(words) - 10} more" if len(words) > 10 else "")


def _is_our_artifact(row: Row) -> bool:
    return any(str(tag).startswith(ARTIFACT) for tag in row.get("tags") or ())


def _unmanaged(rows: list[Row]) -> list[Row]:
    return [row for row in rows if _MANAGED.isdisjoint(row.get("tags") or ())]


def _by_parent(rows: Iterable[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[reference(row, name)].append(row)
    return found
