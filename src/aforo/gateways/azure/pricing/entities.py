"""A plan in Azure's objects: a product of its own, that product's policy, and the APIs in it. Pure."""

from collections.abc import Iterable, Sequence
from typing import Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateways.azure.client import Row
from aforo.gateways.azure.mapping.limits import Policies
from aforo.gateways.azure.mapping.merging import Part, merged
from aforo.gateways.azure.mapping.places import Place, is_place
from aforo.gateways.azure.mapping.products import api_name, policy_entity, product_entity

PRODUCT: Final = "product"
POLICY: Final = "policy"
API: Final = "api"


def carried(place: Place, parts: Sequence[Part], limits: Policies) -> tuple[Entity, ...]:
    """What Azure is to hold. Raises GatewayError for policies that cannot be merged."""
    name = place.name
    found = [Entity(PRODUCT, name, name, place.fields(kept=True), owned=True)]
    if text := merged(parts, limits):
        found.append(_policy(name, text))
    apis = {api for part in parts for api in part.apis}
    return (*found, *(_api(name, api) for api in sorted(apis)))


def seen(row: Row, policy: str | None, apis: Iterable[Row]) -> tuple[Entity, ...]:
    """The same of a product as it stands."""
    name = str(row["name"])
    fields = dict(product_entity(row).fields)
    found = [Entity(PRODUCT, name, name, fields, owned=is_place(row))]
    if policy is not None:
        found.append(_policy(name, policy))
    return (*found, *(_api(name, api) for api in sorted(api_name(one) for one in apis)))


def whole(plan: Product, entities: Iterable[Entity]) -> Product:
    return Product(plan.ref, plan.native_id, plan.name, plan.version, tuple(entities))


def _policy(product: str, text: str) -> Entity:
    read = policy_entity(product, product, text)
    return Entity(POLICY, product, product, read.fields, secrets=read.secrets, owned=True)


def _api(product: str, api: str) -> Entity:
    return Entity(API, api, api, {"product": product}, owned=True)
