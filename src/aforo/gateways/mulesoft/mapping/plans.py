"""A plan as Anypoint holds it: an SLA tier at each API instance that it sells. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.contract import Entity, Product
from aforo.gateway_sdk.pricing import Offer, ScopedProduct
from aforo.gateways.mulesoft.mapping import limits
from aforo.gateways.mulesoft.mapping.marks import plan_of, tier_description, tier_name
from aforo.gateways.mulesoft.mapping.products import row_id
from aforo.gateways.mulesoft.mapping.rules import TIER, canonical_form

Row = Mapping[str, Any]

_PREFIX: Final = "plan:"


def carried(offer: Offer) -> Product:
    """Nothing where no limit can be carried: a tier without one says nothing."""
    windows = limits.windows(offer.limits)
    entities = [_wanted(offer, product, windows) for product in offer.products] if windows else []
    return Product(f"{_PREFIX}{offer.key}", offer.plan_id, offer.name, str(offer.version), tuple(entities))


def _wanted(offer: Offer, product: ScopedProduct, windows: list[dict[str, Any]]) -> Entity:
    """Whoever asks for it waits for approval, so that nobody helps himself to a plan in Exchange."""
    tier = {
        "name": tier_name(offer.key),
        "description": tier_description(offer.key),
        "status": "ACTIVE",
        "autoApprove": False,
        "limits": windows,
    }
    return Entity(TIER, product.ref, "", {"api": product.native_id, **canonical_form(TIER, tier, {})}, owned=True)


def seen(wanted: Entity, tier: Row) -> Entity:
    """The tier as it stands; it is ours if it says so."""
    fields = {"api": wanted.fields["api"], **canonical_form(TIER, tier, {})}
    return Entity(TIER, wanted.key, row_id(tier), fields, owned=plan_of(tier) is not None)


def body(entity: Entity) -> dict[str, Any]:
    """What is sent: a tier is replaced whole."""
    return {name: value for name, value in entity.fields.items() if name != "api"}
