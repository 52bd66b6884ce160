"""A first look in five minutes: a small shop on two emulated gateways, made through the rooms that serve real ones.

Nothing here knows more than a caller of the API does: products are imported, plans published, keys issued and the
artifacts attached as anybody would, and every part stays to be looked at, edited and removed.
"""

from aforo.app.tour.routes import router
from aforo.app.tour.tour import Tour

__all__ = ["Tour", "router"]
