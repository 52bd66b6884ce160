"""Client applications: Exchange keeps them, and always in the root organization."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from aforo.gateway_sdk.errors import GatewayError, GatewayRejected
from aforo.gateways.mulesoft.client.anypoint import Anypoint, Listing
from aforo.gateways.mulesoft.client.shapes import Row, first, no_list

_PAGE: Final = 100
_CONFLICT: Final = 409


class Applications:
    """Those that this credential may see, which for a connected app are those that it has made itself."""

    def __init__(self, anypoint: Anypoint) -> None:
        self._anypoint = anypoint
        self._root = ""
        self.has_seen_one = False

    async def listing(self, query: str = "") -> Listing:
        """All of them, or those whose name has the query in it. Keeps what it has read when a later page fails."""
        rows: dict[str, Row] = {}
        received = 0
        while True:
            try:
                more, total = await self._page(query, received)
            except GatewayError as fault:
                if not received:
                    raise
                return Listing(list(rows.values()), len(rows), fault)
            rows |= {str(row.get("id")): row for row in more}
            self.has_seen_one = self.has_seen_one or bool(more)
            received += len(more)
            if not more or (received >= total if total is not None else len(more) < _PAGE):
                return Listing(list(rows.values()), len(rows))

    async def _page(self, query: str, offset: int) -> tuple[Sequence[Row], int | None]:
        params = {"limit": str(_PAGE), "offset": str(offset)} | ({"query": query} if query else {})
        answer = await self._anypoint.exchange("GET", await self._path(), "exchange:applications", params=params)
        told = answer.json()
        if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
            raise no_list()
        total = answer.headers.get("x-total-count", "")
        return told, int(total) if total.isdecimal() else None

    async def find(self, native: str) -> Row | None:
        """One of ours; None where there is none. Raises GatewayForbidden for what another connected app has made."""
        path = await self._path(native)
        answer = await self._anypoint.exchange("GET", path, "exchange:application", accept=(404,))
        return None if answer.status == 404 else first(answer.json())

    async def create(self, body: Row) -> Row | None:
        """With its client secret, which is told this once; None where the name is taken."""
        path = await self._path()
        answer = await self._anypoint.exchange("POST", path, "exchange:application", body=body, accept=(_CONFLICT,))
        return None if answer.status == _CONFLICT else first(answer.json())

    async def change(self, native: str, body: Row) -> None:
        await self._anypoint.exchange("PATCH", await self._path(native), "exchange:application", body=body)

    async def new_secret(self, native: str) -> str:
        """The one before ends at once."""
        path = f"{await self._path(native)}/secret/reset"
        told = first((await self._anypoint.exchange("POST", path, "exchange:secret")).json()).get("clientSecret")
        if not isinstance(told, str) or not told:
            raise no_list()
        return told

    async def delete(self, native: str) -> None:
        await self._anypoint.exchange("DELETE", await self._path(native), "exchange:application", accept=(404,))

    async def _path(self, native: str = "") -> str:
        below = f"/{quote(native, safe='')}" if native else ""
        return f"/exchange/api/v2/organizations/{quote(await self._organization(), safe='')}/applications{below}"

    async def _organization(self) -> str:
        """The root organization: told with every instance; where there is none, the one that our credential is of."""
        if not self._root:
            listed = (await self._anypoint.get("apis", limit="1", offset="0")).get("assets") or [{}]
            self._root = str(listed[0].get("masterOrganizationId") or await self._own_organization())
        return self._root

    async def _own_organization(self) -> str:
        me, _ = await self._anypoint.me()
        told = (me.get("client") or {}).get("org_id") or (me.get("user") or {}).get("organizationId")
        if not told:
            raise GatewayRejected(
                "Anypoint does not tell which organization is the root of this business group.",
                status=404,
                next_step="Give the credential the scope View APIs Configuration for this environment.",
            )
        return str(told)
