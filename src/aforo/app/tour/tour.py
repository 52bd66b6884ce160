"""The tour's steps as this tenant has gone through them."""

from dataclasses import dataclass
from typing import Final

import httpx2

from aforo.app.tour.calling import Callers, Outcome, ShopClosed
from aforo.app.tour.sample import EDITED
from aforo.app.tour.shop import Shop, Site, answering, sites
from aforo.app.wiring import Rooms
from aforo.catalog.model import DriftEpisode, ProductRow
from aforo.enforcement.levels import Level
from aforo.jobs import Report

_TIMEOUTS_MS: Final = (1234, 4321)
"""What somebody sets as the service's read timeout: the first, or the second where the first stands already."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the tour has come.

    called      what the last calls came to, as long as this process lives
    level       how much of the first customer's quota is used
    edited      the product that somebody changes, and its open drift episode
    repaired    whether a drift of it has ended
    has_read    whether somebody has gone on to the margin from here, as long as this process lives
    """

    connected: bool
    is_open: bool
    called: list[Outcome]
    level: Level | None
    edited: ProductRow | None
    drift: DriftEpisode | None
    repaired: bool
    has_read: bool

    @property
    def has_called(self) -> bool:
        return bool(self.called) or (self.level is not None and self.level.used > 0)

    @property
    def done(self) -> tuple[bool, ...]:
        """Step by step."""
        return self.connected, self.is_open, self.has_called, self.repaired, self.has_read


class Tour:
    """Sets up, calls and edits on behalf of whoever takes the tour."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self.shop = Shop(rooms)
        self._callers = Callers(rooms, self.shop)
        self._called: dict[str, list[Outcome]] = {}
        self._read: set[str] = set()

    async def standing(self, tenant_id: str) -> Standing:
        found = {site.place: site for site in await sites(self._rooms, tenant_id)}
        edited = await self.shop.product(tenant_id, found[EDITED]) if EDITED in found else None
        episodes = await self._rooms.watch.episodes(tenant_id, edited.id) if edited else []
        return Standing(
            connected=bool(found),
            is_open=await self.shop.is_open(tenant_id),
            called=self._called.get(tenant_id, []),
            level=await self._level(tenant_id),
            edited=edited,
            drift=await self._rooms.watch.episode(tenant_id, edited) if edited else None,
            repaired=any(one.resolution for one in episodes),
            has_read=tenant_id in self._read,
        )

    async def call(self, tenant_id: str, report: Report) -> list[Outcome]:
        self._called[tenant_id] = await self._callers.call(tenant_id, report)
        return self._called[tenant_id]

    def read(self, tenant_id: str) -> None:
        """Somebody goes on to the margin page."""
        self._read.add(tenant_id)

    async def edit(self, tenant_id: str) -> ProductRow:
        """Change a timeout at the gateway as its own administrator would, then scan as the schedule does.

        Raises ShopClosed where nothing is imported that could differ.
        """
        found = {site.place: site for site in await sites(self._rooms, tenant_id)}
        product = await self.shop.product(tenant_id, found[EDITED]) if EDITED in found else None
        if product is None:
            raise ShopClosed("Nothing is imported that could differ.", next_step="Set the shop up first, on /tour.")
        await _change_the_timeout(found[EDITED])
        await self._rooms.sweeper.scan(tenant_id, product.integration_id)
        return product

    async def _level(self, tenant_id: str) -> Level | None:
        subscriptions = await self.shop.subscriptions(tenant_id)
        limited = subscriptions.get("starter")
        found = await self._rooms.desk.levels(tenant_id, limited.id) if limited else []
        return found[0] if found else None


async def _change_the_timeout(site: Site) -> None:
    address = f"{site.base}/services/{site.place.ref}"
    with answering(site):
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as http:
            await _set_another_timeout(http, address)


async def _set_another_timeout(http: httpx2.AsyncClient, address: str) -> None:
    now = (await http.get(address)).raise_for_status().json()["read_timeout"]
    timeout = next(ms for ms in _TIMEOUTS_MS if ms != now)
    (await http.patch(address, json={"read_timeout": timeout})).raise_for_status()
