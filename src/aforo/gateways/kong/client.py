"""Kong's Admin API over HTTP, and Konnect's copy of it: calls, paging, and what is no Kong at all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from aforo.gateway_sdk.errors import GatewayError, GatewayNotAnApi, GatewayNotFound
from aforo.gateway_sdk.tokens import bearing
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.kong.address import Address
from aforo.gateways.kong.mapping import Row

_PAGE: Final = 1000  # Kong's largest


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, as far as they could be read; `fault` tells why it ends early."""

    rows: Sequence[Row]
    fault: GatewayError | None = None


class Client:
    """Calls one Admin API or control plane. Entities are addressed as `("services", id, "routes")`."""

    def __init__(self, transport: Transport, where: Address | GatewayError) -> None:
        self._transport = transport
        self._where = where if isinstance(where, Address) else Address("", "")
        self.fault = where if isinstance(where, GatewayError) else None
        self.is_konnect = self._where.konnect
        self.is_https = self._where.base.startswith("https:")

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def info(self) -> tuple[Row, Answer]:
        """`GET /` (or the control plane), read and as it came. Raises if that is no Kong."""
        try:
            answer = await self._call("GET", self._where.root, operation="GET /")
        except GatewayNotFound as fault:
            raise self._stranger(f"there is nothing: {fault.detail}") from fault
        told = answer.object()
        known = ("id", "config") if self.is_konnect else ("version", "configuration")
        if not all(name in told for name in known):
            raise self._stranger("something else answers with JSON.")
        return told, answer

    def _stranger(self, what: str) -> GatewayNotAnApi:
        if self.is_konnect:
            step = "Check the region and the control plane's id: a control plane is known in its own region alone."
        else:
            step = "Check host, port and path: 8001 or 8444 is Kong's usual Admin API port, 8000 or 8443 its proxy's."
        return GatewayNotAnApi(
            f"Where {'the control plane' if self.is_konnect else 'Kong'} was to be, {what}", next_step=step
        )

    async def status(self) -> Row:
        """`GET /status`: cheap, and tells whether the database is reachable."""
        return (await self._call("GET", f"{self._where.base}/status", operation="GET /status")).object()

    async def get(self, *path: str) -> Row:
        return (await self._entity("GET", path)).object()

    async def find(self, *path: str) -> Row | None:
        """The object, or None where there is none."""
        answer = await self._entity("GET", path, accept=(404,))
        if answer.status != 404:
            return answer.object()
        answer.object()  # a 404 of Kong's is JSON; a page from something else raises here
        return None

    async def post(self, path: Sequence[str], body: Row) -> Row:
        return (await self._entity("POST", path, body=body)).object()

    async def put(self, path: Sequence[str], body: Row) -> Row:
        return (await self._entity("PUT", path, body=body)).object()

    async def patch(self, path: Sequence[str], body: Row) -> Row:
        return (await self._entity("PATCH", path, body=body)).object()

    async def delete(self, *path: str) -> None:
        await self._entity("DELETE", path, accept=(404,))

    async def listing(self, *path: str, first_raises: bool = False) -> Listing:
        """All rows of a list, a thousand a page. Keeps what it has read when a later page fails."""
        rows: list[Row] = []
        offset: str | None = None
        seen: set[str] = set()
        while True:
            try:
                more, following = _page(await self._entity("GET", path, params=_paging(offset)), seen)
            except GatewayError as fault:
                if first_raises and offset is None:
                    raise
                return Listing(rows, fault)
            rows += more
            if following is None:
                return Listing(rows)
            seen.add(following)
            offset = following

    async def rows(self, *path: str) -> Sequence[Row]:
        """All rows of a list; raises if any page fails."""
        listing = await self.listing(*path)
        if listing.fault:
            raise listing.fault
        return listing.rows

    async def search(self, collection: str, **wanted: str) -> Sequence[Row]:
        """The first page of rows with these values, such as consumers by custom_id."""
        return _page(await self._entity("GET", (collection,), params=wanted))[0]

    async def config_hash(self) -> str | None:
        """DB-less: the fingerprint of the configuration that this node runs; None where Kong does not tell."""
        told = (await self.status()).get("configuration_hash")
        return told if isinstance(told, str) else None

    async def config(self) -> str:
        """DB-less: the whole configuration as YAML or JSON text."""
        text = (await self.get("config")).get("config")
        if not isinstance(text, str):
            raise GatewayNotAnApi("Kong did not tell its declarative configuration.", next_step="Look at GET /config.")
        return text

    async def load_config(self, text: str) -> None:
        """DB-less: replace the whole configuration. Nothing happens if it is the one that runs (304)."""
        await self._entity(
            "POST",
            ("config",),
            body={"config": text},
            params={"check_hash": "1", "flatten_errors": "1"},
            accept=(304,),
            timeout_seconds=60,
        )

    async def _entity(
        self,
        method: str,
        path: Sequence[str],
        *,
        body: Row | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        timeout_seconds: float = 20,
    ) -> Answer:
        url = "/".join((self._where.base, *(quote(part, safe="") for part in path)))
        operation = f"{method} /{'/'.join(part if place % 2 == 0 else '{id}' for place, part in enumerate(path))}"
        return await self._call(
            method, url, operation=operation, body=body, params=params, accept=accept, timeout_seconds=timeout_seconds
        )

    async def _call(
        self,
        method: str,
        url: str,
        *,
        operation: str,
        body: Row | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        timeout_seconds: float = 20,
    ) -> Answer:
        if self.fault:
            raise self.fault

        async def send(token: str | None) -> Answer:
            return await self._transport.call(
                method,
                url,
                operation=operation,
                params=params,
                json_body=body,
                headers={"Authorization": f"Bearer {token}"} if token else self._where.headers,
                accept=accept,
                timeout_seconds=timeout_seconds,
            )

        return await (bearing(self._where.tokens, send) if self._where.tokens else send(None))


def _paging(offset: str | None) -> dict[str, str]:
    return {"size": str(_PAGE)} | ({"offset": offset} if offset else {})


def _page(answer: Answer, seen: Collection[str] = ()) -> tuple[list[Row], str | None]:
    """The rows and the next offset. `next` is a path of Kong's own making, so only its offset is used.

    Pages that lead back to one of those `seen` would never end; a proxy that drops or mixes up queries makes such.
    """
    told = answer.object()
    rows, following = told.get("data"), _offset(told)
    if following in seen:
        raise GatewayNotAnApi(
            "A page of the list leads back to one that was read already, so the list has no end.",
            next_step="Look for a proxy or cache before Kong's Admin API that does not pass the query on.",
        )
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise GatewayNotAnApi(
            "The address answers with JSON, but not with a list as Kong does.",
            next_step="Check that the address is that of Kong's Admin API.",
        )
    return rows, following


def _offset(told: Mapping[str, Any]) -> str | None:
    if isinstance(told.get("offset"), str) and told["offset"]:
        return str(told["offset"])
    following = told.get("next")
    if not isinstance(following, str):
        return None
    return next(iter(parse_qs(urlsplit(following).query).get("offset", [])), None)
