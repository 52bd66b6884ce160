"""All products of a service. What could not be read is told, and never taken for absent."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from aforo.gateway_sdk.contract import Discovery, Problem, Product, Progress
from aforo.gateway_sdk.errors import GatewayError, GatewayNotFound
from aforo.gateways.azure.client import Client, Listing, Row
from aforo.gateways.azure.connector.reading import by_display_name, check_gone, sold, text_of, unless_gone
from aforo.gateways.azure.mapping.products import ApiRead, ProductRead, api_name, has_openapi, product, refs

_AT_ONCE: Final = 6
T = TypeVar("T")


@dataclass(slots=True)
class _Faults:
    """What could not be read, once for each reason."""

    problems: dict[str, Problem] = field(default_factory=dict)

    def note(self, what: str, fault: GatewayError) -> None:
        self.problems[what] = Problem(what, fault.detail, fault.code)


@dataclass(slots=True)
class _Round:
    """One discovery under way. An API that is in several products is read once."""

    client: Client
    progress: Progress
    total: int
    faults: _Faults = field(default_factory=_Faults)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    apis: dict[str, "asyncio.Task[ApiRead | None]"] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    done: int = 0

    async def limited(self, call: Awaitable[T]) -> T:
        async with self.at_once:
            return await call


async def discover(client: Client, progress: Progress) -> Discovery:
    """Two calls a product, three an API, and three lists. Raises only if the first page of products cannot be read."""
    listed = await client.listing("products", first_raises=True)
    listed = replace(listed, rows=sold(listed.rows))
    round_ = _Round(client, progress, len(listed.rows))
    if listed.fault:
        round_.faults.note(f"products after the first {len(listed.rows)}", listed.fault)
    progress(0, round_.total, "products")
    tags, values, notes = await asyncio.gather(_tags(round_), _named_values(round_), _notes(round_))
    found = [] if tags is None else await asyncio.gather(*(_read(round_, row, tags) for row in listed.rows))
    given = refs(listed.rows)
    products = [_complete(one, given, values) for one in found if one]
    kept = sorted((one for one in products if one), key=lambda one: (one.ref, one.native_id))
    problems = tuple(problem for _, problem in sorted(round_.faults.problems.items()))
    return Discovery(tuple(kept), problems, (*notes, *_undescribed(found)))


async def _tags(round_: _Round) -> dict[str, dict[str, str]] | None:
    """Product → its tags by id, from one list; None where it cannot be read, and then no product is complete."""
    listing = await round_.limited(round_.client.listing("productsByTags"))
    if listing.fault:
        round_.faults.note("tags of products, without which every product is left out", listing.fault)
        return None
    return _by_product(listing.rows)


def _by_product(rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        about, tag = row.get("product"), row.get("tag")
        if isinstance(about, dict) and isinstance(tag, dict):
            mine = found.setdefault(_last(about), {})
            mine[_last(tag)] = str(tag.get("name"))
    return found


def _last(told: Row) -> str:
    return str(told.get("id")).rpartition("/")[2]


async def _named_values(round_: _Round) -> Mapping[str, Row] | None:
    listing: Listing = await round_.limited(round_.client.listing("namedValues"))
    if listing.fault:
        round_.faults.note("named values, without which every product that uses one is left out", listing.fault)
        return None
    return by_display_name(listing.rows)


async def _notes(round_: _Round) -> list[str]:
    """The policy of the whole service belongs to no product; that it cannot be read harms none either."""
    try:
        policy = await round_.limited(round_.client.policy())
    except GatewayError as fault:
        return [f"Whether the service has a policy for all APIs could not be read: {fault.detail}"]
    return ["The service has a policy for all APIs, in no product."] if policy else []


async def _read(round_: _Round, row: Row, tags: Mapping[str, Mapping[str, str]]) -> ProductRead | None:
    """One product with its APIs; None where something of it is missing, or where it is gone meanwhile."""
    name = str(row["name"])
    try:
        apis, policy = await asyncio.gather(
            round_.limited(round_.client.rows("products", name, "apis")),
            round_.limited(round_.client.policy("products", name)),
        )
        read_apis = [await _api(round_, api) for api in apis]
    except GatewayNotFound as fault:
        await _note_unless_gone(round_, name, fault)
        return None
    except GatewayError as fault:
        round_.faults.note(f"product {name}", fault)
        return None
    finally:
        round_.done += 1
        round_.progress(round_.done, round_.total, "products")
    return ProductRead(row, [api for api in read_apis if api], text_of(policy), tags.get(name, {}))


async def _note_unless_gone(round_: _Round, name: str, fault: GatewayNotFound) -> None:
    """A product deleted after it was listed is no fault."""
    try:
        await check_gone(round_.client, ("products", name), fault)
    except GatewayError as found:
        round_.faults.note(f"product {name}", found)


async def _api(round_: _Round, row: Row) -> ApiRead | None:
    name = api_name(row)
    if name not in round_.apis:
        round_.apis[name] = asyncio.create_task(round_.limited(unless_gone(round_.client, row)))
    return await round_.apis[name]


def _complete(read: ProductRead, given: Mapping[str, str], values: Mapping[str, Row] | None) -> Product | None:
    if values is None and read.named_values():
        return None
    return product(read, given[str(read.row["name"])], values or {})


def _undescribed(found: Sequence[ProductRead | None]) -> list[str]:
    names = {api.name for one in found if one for api in one.apis if not has_openapi(api.row)}
    return [f"No description of {', '.join(sorted(names))}: Azure exports only HTTP APIs as OpenAPI."] if names else []
