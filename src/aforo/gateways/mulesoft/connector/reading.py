"""Reads one API instance with everything that belongs to it. Complete, or raises."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayError, GatewayForbidden
from aforo.gateways.mulesoft.client import Anypoint, Listing, Row
from aforo.gateways.mulesoft.connector.sight import APIS, TIERS, Need, Sight, short
from aforo.gateways.mulesoft.mapping import spec
from aforo.gateways.mulesoft.mapping.products import Seen, api_id, base_ref, flat, product, refs
from aforo.kit.jsontree import JsonObject

Coordinates = tuple[str, str, str]
"""Group id, asset id, version."""

_WITH: Final = {"includeValidation": "true", "includeTlsContexts": "true"}
Result = TypeVar("Result")


class Missed(Exception):
    """A part of an instance could not be read."""

    def __init__(self, part: str, fault: GatewayError) -> None:
        super().__init__(part)
        self.part = part
        self.fault = fault


async def read(anypoint: Anypoint, known: Product) -> Product | None:
    """The product as it is now: by its id, else by its ref; None only if it is certain that it is gone."""
    sight = Sight(anypoint)
    api = await instance(anypoint, known.native_id) if known.native_id else None
    listed = await _siblings(anypoint, api, known)
    given = refs(listed)
    if api is None:
        row = next((row for row in listed if given[api_id(row)] == known.ref), None)
        api = await instance(anypoint, api_id(row)) if row else None
    if api is None:
        await _be_sure_that_it_is_gone(anypoint, sight)
        return None
    native = api_id(api)
    row = next((row for row in listed if api_id(row) == native), {})
    try:
        seen = await complete(anypoint, sight, row, api)
    except Missed as missed:
        raise missed.fault from missed
    await _be_sure_of_what_is_empty(sight, seen, known)
    return product(seen, given.get(native, base_ref(seen.api)))


async def instance(anypoint: Anypoint, native: str) -> Row | None:
    """One instance under the id by which it was asked for; None where there is none."""
    api = await anypoint.find("apis", native, **_WITH)
    return None if api is None else {**api, "id": api.get("id", native)}


async def _siblings(anypoint: Anypoint, api: Row | None, known: Product) -> list[Row]:
    """All instances of the same asset, since a ref is unique among those; all instances where the asset is unknown."""
    recorded = next((entity for entity in known.entities if entity.kind == "api"), None)
    asset = (api or {}).get("assetId") or (recorded.fields.get("assetId") if recorded else None)
    narrowed = {"assetId": str(asset)} if asset else {}
    return flat(whole(await anypoint.listing("assets", "apis", **narrowed), "assets", APIS))


async def _be_sure_that_it_is_gone(anypoint: Anypoint, sight: Sight) -> None:
    """It is, if another instance shows that we can see them."""
    others = await anypoint.listing("assets", "apis")
    if not others.rows and (doubt := await sight.doubt_no_apis()):
        raise doubt


async def _be_sure_of_what_is_empty(sight: Sight, seen: Seen, known: Product) -> None:
    """An empty list in place of recorded children is believed only if nothing speaks against it."""
    had = {kind: [one.native_id for one in known.entities if one.kind == kind] for kind in ("policy", "tier")}
    doubt: GatewayForbidden | None = None
    if had["policy"] and not seen.policies:
        doubt = await sight.doubt_no_policies(api_id(seen.api), had["policy"])
    if doubt is None and had["tier"] and not seen.tiers:
        doubt = await sight.doubt_no_tiers([dict(seen.api)])
    if doubt:
        raise doubt


async def complete(
    anypoint: Anypoint,
    sight: Sight,
    listed: Row,
    api: Row,
    descriptions: Mapping[Coordinates, JsonObject | None] | None = None,
) -> Seen:
    """Everything of one instance; raises Missed. `descriptions` are those that are known already."""
    row = {**listed, **{name: value for name, value in api.items() if value is not None}}
    native = api_id(row)
    policies = await _part("policies", anypoint.policies(native))
    tiers = await _part("SLA tiers", _whole(anypoint, "tiers", "SLA tiers", native, TIERS))
    upstreams: list[Row] = []
    if row.get("technology") == "flexGateway":
        upstreams = await _part("upstreams", _whole(anypoint, "upstreams", "upstreams", native, APIS))
    description = await _part("API description", _described(anypoint, sight, coordinates(row), descriptions or {}))
    return Seen(row, tiers, policies, upstreams, description)


async def _whole(anypoint: Anypoint, rows_in: str, what: str, native: str, need: Need) -> list[Row]:
    return whole(await anypoint.listing(rows_in, "apis", native, rows_in), what, need)


def whole(listing: Listing, what: str, need: Need) -> list[Row]:
    """The rows of a list that is complete; raises what kept it from being so."""
    if listing.fault:
        raise listing.fault
    if len(listing.rows) < listing.total:
        raise short(what, len(listing.rows), listing.total, need)
    return list(listing.rows)


def coordinates(row: Mapping[str, Any]) -> Coordinates | None:
    """Where in Exchange the instance's asset is; None for an instance from before Exchange."""
    told = (row.get("groupId"), row.get("assetId"), row.get("assetVersion"))
    return (str(told[0]), str(told[1]), str(told[2])) if all(told) else None


async def _described(
    anypoint: Anypoint, sight: Sight, where: Coordinates | None, known: Mapping[Coordinates, JsonObject | None]
) -> JsonObject | None:
    if where is None:
        return None
    return known[where] if where in known else await describe(anypoint, sight, where)


async def describe(anypoint: Anypoint, sight: Sight, where: Coordinates) -> JsonObject | None:
    """The API description of one version of an asset; None where it has none, or was deleted."""
    asset = await anypoint.asset(*where)
    if asset is None and (doubt := await sight.doubt_no_asset()):
        raise doubt
    files = [file for file in (asset or {}).get("files") or () if isinstance(file, dict)]
    file = spec.openapi_file(files)
    if file is None:
        return spec.other_description(files)
    return spec.parse(await anypoint.file(str(file["externalLink"])), file)


async def _part(name: str, call: Awaitable[Result]) -> Result:
    try:
        return await call
    except GatewayError as fault:
        raise Missed(name, fault) from fault
