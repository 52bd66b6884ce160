"""Kong's Admin API over HTTP, and Konnect's copy of it: addresses, sign-in, paging, and what is no Kong at all."""

import base64
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayNotAnApi, GatewayNotFound
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.kong.mapping import Row

_PAGE: Final = 1000  # Kong's largest
_KONNECT: Final = "https://{region}.api.konghq.com/v2"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the entities live and what each call carries. `root` answers for the whole: the node or control plane."""

    base: str
    root: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    konnect: bool = False


def address(connection: Connection) -> Address | GatewayError:
    """From the form's values; an error as a value where no call could be made with them."""
    try:
        return _konnect(connection.settings) if connection.sign_in == "konnect" else _admin(connection)
    except GatewayError as fault:
        return fault


def _konnect(settings: Mapping[str, str]) -> Address:
    base = _url(settings.get("base_url") or _KONNECT.format(region=quote(settings.get("region") or "us", safe="")))
    plane = f"{base}/control-planes/{quote(settings.get('control_plane_id', '').strip(), safe='')}"
    headers = _header("Authorization", f"Bearer {settings.get('token', '').strip()}")
    return Address(f"{plane}/core-entities", plane, headers, konnect=True)


def _admin(connection: Connection) -> Address:
    base = _url(connection.settings.get("admin_url", ""))
    if workspace := connection.settings.get("workspace", "").strip():
        base = f"{base}/{quote(workspace, safe='')}"
    return Address(base, f"{base}/", _sign_in(connection.sign_in, connection.settings))


def _sign_in(kind: str, settings: Mapping[str, str]) -> dict[str, str]:
    if kind == "header_token":
        return _header(settings.get("header_name", "").strip() or "Kong-Admin-Token", settings.get("token", "").strip())
    if kind == "basic":
        pair = f"{settings.get('username', '')}:{settings.get('password', '')}".encode()
        return _header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    return {}


def _header(name: str, value: str) -> dict[str, str]:
    if not value.isascii() or not value.isprintable() or not name.isascii() or not name.replace("-", "").isalnum():
        raise GatewayAuthFailed(
            "The header's name or the token holds characters that no HTTP header may carry. No request was sent.",
            next_step="Copy the token again, without line breaks or quotation marks.",
        )
    return {name: value}


def _url(text: str) -> str:
    """The address without its last slash. One with a user name in it is refused: it would end up in logs."""
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise GatewayNotAnApi(
            "The address is not an http or https URL with a host. No request was sent.",
            next_step="Give the Admin API's address, such as https://kong.internal:8444.",
        )
    if parts.username or parts.password:
        raise GatewayNotAnApi(
            "The address holds a user name or password, which does not belong there. No request was sent.",
            next_step="Choose the sign-in by user name and password instead.",
        )
    return text.strip().rstrip("/")


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

    async def info(self) -> tuple[Row, float]:
        """`GET /` (or the control plane), and how long it took in milliseconds. Raises if that is no Kong."""
        try:
            answer = await self._call("GET", self._where.root, operation="GET /")
        except GatewayNotFound as fault:
            raise self._stranger(f"there is nothing: {fault.detail}") from fault
        told = answer.object()
        known = ("id", "config") if self.is_konnect else ("version", "configuration")
        if not all(name in told for name in known):
            raise self._stranger("something else answers with JSON.")
        return told, answer.took_ms

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
        while True:
            try:
                more, following = _page(await self._entity("GET", path, params=_paging(offset)), after=offset)
            except GatewayError as fault:
                if first_raises and offset is None:
                    raise
                return Listing(rows, fault)
            rows += more
            if following is None:
                return Listing(rows)
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
        return await self._transport.call(
            method,
            url,
            operation=operation,
            params=params,
            json_body=body,
            headers=self._where.headers,
            accept=accept,
            timeout_seconds=timeout_seconds,
        )


def _paging(offset: str | None) -> dict[str, str]:
    return {"size": str(_PAGE)} | ({"offset": offset} if offset else {})


def _page(answer: Answer, after: str | None = None) -> tuple[list[Row], str | None]:
    """The rows and the next offset. `next` is a path of Kong's own making, so only its offset is used.

    A page that leads to itself would never end; a proxy that drops the query makes such pages.
    """
    told = answer.object()
    rows, following = told.get("data"), _offset(told)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows) or (after and following == after):
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
