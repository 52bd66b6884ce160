"""Reads products: all of them from flat lists, or one from its nested lists."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from aforo.gateway_sdk.contract import Discovery, Product, Progress
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.kong.client import Client, Listing
from aforo.gateways.kong.connector.gaps import Read, complete
from aforo.gateways.kong.connector.schemas import Schemas
from aforo.gateways.kong.mapping import Row, Tables, notes, products, recorded_upstream, reference

_AT_ONCE: Final = 6
_WHAT: Final = "services"
Result = TypeVar("Result")


async def discover(client: Client, schemas: Schemas, progress: Progress) -> Discovery:
    """Every service from flat lists, joined by ids. Only a first call that fails raises."""
    read = await _read_all(client, schemas, progress)
    tables, problems = complete(read)
    found = products(tables, schemas.canon())
    progress(len(found), len(found), _WHAT)
    return Discovery(found, problems, notes(read.tables, has_consumer_groups=schemas.has_consumer_groups))


async def _read_all(client: Client, schemas: Schemas, progress: Progress) -> Read:
    services = await client.listing("services", first_raises=True)
    progress(0, len(services.rows), _WHAT)
    lists = dict(
        zip(_FLAT, await asyncio.gather(*(client.listing(name) for name in _FLAT)), strict=True), services=services
    )
    rows = {name: list(listing.rows) for name, listing in lists.items()}
    tables = Tables(rows["services"], rows["routes"], rows["plugins"], rows["upstreams"])
    faults = {name: listing.fault for name, listing in lists.items() if listing.fault}
    faults |= await _add_targets(client, tables)
    faults |= await _add_consumers(client, tables)
    faults |= await _learn(schemas, tables)
    return Read(tables, faults)


_FLAT: Final = ("routes", "plugins", "upstreams")


async def _add_targets(client: Client, tables: Tables) -> dict[str, GatewayError]:
    """Konnect has a flat list of targets; the Admin API only one for each upstream, so only those in use are read."""
    hosts = {row.get("host") for row in tables.services}
    used = [row for row in tables.upstreams if row.get("name") in hosts]
    if client.is_konnect and used:
        return _share_targets(await client.listing("targets"), used, tables)
    listings = await _limited([client.listing("upstreams", row["id"], "targets") for row in used])
    for row, listing in zip(used, listings, strict=True):
        tables.targets[row["id"]] = list(listing.rows)
    return {f"targets:{row['id']}": one.fault for row, one in zip(used, listings, strict=True) if one.fault}


def _share_targets(listing: Listing, used: Sequence[Row], tables: Tables) -> dict[str, GatewayError]:
    for row in listing.rows:
        tables.targets.setdefault(reference(row, "upstream"), []).append(row)
    return {f"targets:{row['id']}": listing.fault for row in used} if listing.fault else {}


async def _add_consumers(client: Client, tables: Tables) -> dict[str, GatewayError]:
    """Only where a plugin is for one consumer: there may be very many of them."""
    faults = {}
    for name, into in (("consumers", tables.consumers), ("consumer_groups", tables.consumer_groups)):
        if any(reference(plugin, name.removesuffix("s")) for plugin in tables.plugins):
            listing = await client.listing(name)
            into.extend(listing.rows)
            if listing.fault:
                faults[name] = listing.fault
    return faults


async def _learn(schemas: Schemas, tables: Tables) -> dict[str, GatewayError]:
    """The schemas of what is there. Plugins that belong to no product need none."""
    routes = {row["id"] for row in tables.routes if reference(row, "service")}
    used = [row for row in tables.plugins if reference(row, "service") or reference(row, "route") in routes]
    faults = await schemas.learn(_kinds(tables), (str(row.get("name")) for row in used))
    return {f"schema:{name}": fault for name, fault in faults.items()}


def _kinds(tables: Tables) -> list[str]:
    rows: Mapping[str, Iterable[Row]] = {
        "service": tables.services,
        "route": tables.routes,
        "upstream": tables.upstreams,
        "target": [row for rows in tables.targets.values() for row in rows],
    }
    return [kind for kind, present in rows.items() if any(True for _ in present)]


async def read(client: Client, schemas: Schemas, product: Product) -> Product | None:
    """One service as it is now, by its id, else by its name. Complete, or raises.

    Its upstream is the recorded one, so that a service that points elsewhere differs in its host and nothing else.
    """
    service = await client.find("services", product.native_id)
    if service is None and product.ref != product.native_id:
        service = await _named(client, "services", product.ref)
    if service is None:
        return None
    tables = Tables(services=[service])
    await asyncio.gather(_read_routes(client, service["id"], tables), _read_upstream(client, service, product, tables))
    tables.keep_upstream(service["id"], product)
    await _add_named_consumers(client, tables)
    for fault in (await _learn(schemas, tables)).values():
        raise fault
    return next(iter(products(tables, schemas.canon())), None)


async def _read_routes(client: Client, service: str, tables: Tables) -> None:
    routes, plugins = await asyncio.gather(
        client.rows("services", service, "routes"), client.rows("services", service, "plugins")
    )
    tables.routes = list(routes)
    on_routes = await _limited([client.rows("routes", row["id"], "plugins") for row in routes])
    seen = {row["id"]: row for rows in (plugins, *on_routes) for row in rows}
    tables.plugins = list(seen.values())


async def _read_upstream(client: Client, service: Row, product: Product, tables: Tables) -> None:
    recorded = recorded_upstream(product)
    name = recorded.key if recorded else str(service.get("host") or "")
    upstream = await client.find("upstreams", recorded.native_id) if recorded else None
    if upstream is None and name:
        upstream = await _named(client, "upstreams", name)
    if upstream:
        tables.upstreams.append(upstream)
        tables.targets[upstream["id"]] = list(await client.rows("upstreams", upstream["id"], "targets"))


async def _named(client: Client, collection: str, name: str) -> Row | None:
    """Konnect addresses by id alone, so there the list is searched."""
    if client.is_konnect:
        return next((row for row in await client.rows(collection) if row.get("name") == name), None)
    return await client.find(collection, name)


async def _add_named_consumers(client: Client, tables: Tables) -> None:
    """The consumers that the plugins name, one by one: few, where the whole list may be long."""
    for name, into in (("consumers", tables.consumers), ("consumer_groups", tables.consumer_groups)):
        wanted = {reference(plugin, name.removesuffix("s")) for plugin in tables.plugins} - {""}
        into.extend(await _limited([client.get(name, native) for native in sorted(wanted)]))


async def _limited(calls: Sequence[Awaitable[Result]]) -> list[Result]:
    """All of them, a few at a time, so that none times out while it waits for a connection."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(call: Awaitable[Result]) -> Result:
        async with gate:
            return await call

    return list(await asyncio.gather(*(one(call) for call in calls)))
