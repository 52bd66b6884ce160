"""One product as it is now: the calls that it takes, and what each of its APIs adds to them."""

import asyncio
from collections.abc import Iterable, Mapping

from aforo.gateway_sdk.contract import Product
from aforo.gateway_sdk.errors import GatewayNotFound, GatewayRejected
from aforo.gateways.azure.client import Client, Found, Row
from aforo.gateways.azure.mapping.including import EMPTY, without_ours
from aforo.gateways.azure.mapping.places import is_place
from aforo.gateways.azure.mapping.policies import sections
from aforo.gateways.azure.mapping.products import (
    ApiRead,
    ProductRead,
    api_name,
    display_name,
    has_openapi,
    product,
    properties,
    ref_of,
    refs,
)


async def read(client: Client, known: Product) -> Product | None:
    """The product by its name in Azure, else by its ref; None if it is gone. Complete, or raises."""
    found = await client.find("products", known.native_id)
    row, ref = (found.row, known.ref) if found else await _by_ref(client, known)
    if row is None:
        return None
    if display_name(row) != known.name:
        ref = ref_of(row, is_shared=False)
    told = await product_read(client, row)
    values = await named_values(client) if told.named_values() else {}
    return product(told, ref, values)


async def product_read(client: Client, row: Row) -> ProductRead:
    """Everything of one product."""
    name = str(row["name"])
    apis, policy, tags = await asyncio.gather(
        client.rows("products", name, "apis"),
        client.policy("products", name),
        client.rows("products", name, "tags"),
    )
    read_apis = [await api_read(client, api) for api in apis]
    return ProductRead(row, read_apis, text_of(policy), tags_of(tags))


async def api_read(client: Client, row: Row) -> ApiRead:
    """An API's description and policy; only some types of API have a description."""
    name = api_name(row)
    document = await client.export(name) if has_openapi(row) else None
    return ApiRead(row, document, text_of(await client.policy("apis", name)))


async def named_values(client: Client) -> Mapping[str, Row]:
    """The service's named values by their display names."""
    return by_display_name(await client.rows("namedValues"))


def by_display_name(rows: Iterable[Row]) -> dict[str, Row]:
    return {str(properties(row).get("displayName") or row["name"]): row for row in rows}


def text_of(policy: Found | None) -> str | None:
    """Without our own fragments, and without a document made for them alone: that they are attached is no drift."""
    if policy is None:
        return None
    text = str(policy.properties.get("value") or "")
    left = without_ours(text)
    return None if left != text and sections(left) == sections(EMPTY) else left


def tags_of(rows: Iterable[Row]) -> dict[str, str]:
    return {str(row["name"]): display_name(row) for row in rows}


def sold(rows: Iterable[Row]) -> list[Row]:
    """The customer's products: those that Aforo made for plans are the plans' and not the catalog's."""
    return [row for row in rows if not is_place(row)]


async def _by_ref(client: Client, known: Product) -> tuple[Row | None, str]:
    listed = sold(await client.rows("products"))
    given = refs(listed)
    found = next((row for row in listed if given[str(row["name"])] == known.ref), None)
    return found, known.ref


async def unless_gone(client: Client, row: Row) -> ApiRead | None:
    """None for an API that was deleted after it was listed; a 404 alone, say of its export, is no proof of that."""
    try:
        return await api_read(client, row)
    except GatewayNotFound as fault:
        await check_gone(client, ("apis", api_name(row)), fault)
        return None


async def check_gone(client: Client, path: tuple[str, str], fault: GatewayNotFound) -> None:
    """Raises what the 404 really was, if the object is still there."""
    if await client.find(*path):
        raise GatewayRejected(fault.detail, status=404, next_step=fault.next_step) from fault
