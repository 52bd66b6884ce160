"""Plans at the gateways: what each gateway holds of them, compared, synced and watched; the tag on what is sold."""

from aforo.pricing.room import open_room
from aforo.pricing.service import Pricing
from aforo.pricing.service.wishes import LiveCredentials, Sellable, SellableAt

__all__ = ["LiveCredentials", "Pricing", "Sellable", "SellableAt", "open_room"]
