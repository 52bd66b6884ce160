"""Calls one API Management service through Resource Manager."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayForbidden, GatewayNotAnApi
from aforo.gateway_sdk.tokens import EarnedToken, FixedToken, Tokens
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.azure.client.faults import Judge, Row
from aforo.gateways.azure.client.operations import Waiting
from aforo.gateways.azure.client.tokens import ServicePrincipal
from aforo.gateways.azure.manifest import LOGIN_URL, MANAGEMENT_URL

API_VERSION: Final = "2024-05-01"
_PERMISSIONS_VERSION: Final = "2022-04-01"
_PAGE: Final = 100
_BUCKETS: Final = {"GET": "read", "HEAD": "read", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Found:
    """A resource and the ETag under which it was read."""

    row: Row
    etag: str

    @property
    def properties(self) -> Row:
        told = self.row.get("properties")
        return told if isinstance(told, dict) else {}


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list, as far as they could be read; `fault` tells why it ends early."""

    rows: Sequence[Row]
    fault: GatewayError | None = None


def open_client(connection: Connection) -> "Client":
    """From the form's values. Makes no call; values that cannot work are the client's `fault`."""
    settings = connection.settings
    try:
        origin = _url(settings.get("management_url"), MANAGEMENT_URL, "Resource Manager")
        return Client(connection, origin, _service_path(settings), _tokens(connection, origin))
    except GatewayError as fault:
        return Client(connection, "", "", None, fault)


def _tokens(connection: Connection, origin: str) -> Tokens:
    settings = connection.settings
    if connection.tokens:
        return connection.tokens
    if connection.sign_in == "access_token":
        return FixedToken(settings.get("access_token", "").strip())
    principal = ServicePrincipal(
        connection.transport,
        login_url=_url(settings.get("login_url"), LOGIN_URL, "sign-in"),
        scope=f"{origin}/.default",
        tenant=settings.get("tenant_id", "").strip(),
        client_id=settings.get("client_id", "").strip(),
        secret=settings.get("client_secret", "").strip(),
    )
    return EarnedToken(principal.ask, connection.clock, principal.credential)


def _service_path(settings: Mapping[str, str]) -> str:
    names = {name: settings.get(name, "").strip() for name in ("subscription_id", "resource_group", "service_name")}
    for name, value in names.items():
        if not value or "/" in value or value in (".", ".."):
            raise GatewayNotAnApi(
                f"The {name.replace('_', ' ')} is empty or holds a slash. No request was sent.",
                next_step="Copy it from the service's overview page in the Azure portal.",
            )
    subscription, group, service = (quote(value, safe="") for value in names.values())
    provider = "providers/Microsoft.ApiManagement/service"
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{provider}/{service}"


def _url(text: str | None, default: str, word: str) -> str:
    url = (text or "").strip().rstrip("/") or default
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise GatewayNotAnApi(
            f"The {word} address is not a plain http or https URL with a host. No request was sent.",
            next_step=f"Leave it at {default}, unless your service is in a sovereign cloud.",
        )
    return url


class Client:
    """Paths are given in parts below the service: `("products", id, "apis")`."""

    def __init__(
        self, connection: Connection, origin: str, place: str, tokens: Tokens | None, fault: GatewayError | None = None
    ) -> None:
        self._transport: Transport = connection.transport
        self._origin = origin
        self._base = origin + place
        self._tokens = tokens
        self._waiting = Waiting(connection.clock)
        self.fault = fault
        self.is_https = origin.startswith("https:")

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def sign_in(self) -> None:
        """Get a token anew, whatever is held: a secret may have been revoked since. One that was given is not tried."""
        if self._tokens:
            self._tokens.forget(None)
        await self._token()

    async def service(self) -> tuple[Row, float]:
        """The service itself, and how long the answer took in milliseconds."""
        answer = await self._call("GET", ())
        told = answer.object()
        if not isinstance(told.get("properties"), dict) or "sku" not in told:
            raise GatewayNotAnApi(
                "Where Azure Resource Manager was to be, something else answers with JSON.",
                next_step=f"Leave the Resource Manager address at {MANAGEMENT_URL}.",
            )
        return told, answer.took_ms

    async def permissions(self) -> list[Row]:
        """What our roles allow on the service: `{"actions", "notActions"}` each."""
        path = ("providers", "Microsoft.Authorization", "permissions")
        return _rows(await self._call("GET", path, params={"api-version": _PERMISSIONS_VERSION}))

    async def get(self, *path: str, **params: str) -> Row:
        return (await self._call("GET", path, params=params)).object()

    async def find(self, *path: str, **params: str) -> Found | None:
        """The resource, or None where there is none."""
        answer = await self._call("GET", path, params=params, accept=(404,))
        told = answer.object()  # a 404 of Azure's is JSON; a page from something else raises here
        return None if answer.status == 404 else Found(told, answer.headers.get("etag", ""))

    async def policy(self, *path: str) -> Found | None:
        """The policy of a product, an API or the service, always as rawxml; None where there is none."""
        return await self.find(*path, "policies", "policy", format="rawxml")

    async def listing(self, *path: str, first_raises: bool = False, **params: str) -> Listing:
        """All rows of a list. Keeps what it has read when a later page fails."""
        rows: list[Row] = []
        following: str | None = None
        while True:
            try:
                answer = await self._page(path, params, following)
                rows += _rows(answer)
                following = self._own(answer.object().get("nextLink"))
            except GatewayError as fault:
                if first_raises and not rows:
                    raise
                return Listing(rows, fault)
            if following is None:
                return Listing(rows)

    async def rows(self, *path: str, **params: str) -> Sequence[Row]:
        """All rows of a list; raises if any page fails."""
        listing = await self.listing(*path, first_raises=False, **params)
        if listing.fault:
            raise listing.fault
        return listing.rows

    async def put(self, path: Sequence[str], properties: Row | None, etag: str | None = None, **params: str) -> None:
        """Write the whole resource and wait until it stands; with an ETag only if nobody has changed it since."""
        body = {} if properties is None else {"properties": properties}
        answer = await self._call("PUT", path, params=params, body=body, etag=etag)
        await self._finish(answer, path)

    async def patch(self, path: Sequence[str], properties: Row, etag: str, **params: str) -> None:
        """Write some members, only if nobody has changed the resource since."""
        answer = await self._call("PATCH", path, params=params, body={"properties": properties}, etag=etag)
        await self._finish(answer, path)

    async def delete(self, path: Sequence[str], etag: str | None = None, **params: str) -> None:
        """Delete a resource, which Azure does under its ETag alone, or a link, which has none."""
        await self._finish(await self._call("DELETE", path, params=params, etag=etag, accept=(404,)), path)

    async def keys(self, subscription: str) -> Mapping[str, str]:
        """The two keys of an API Management subscription, by slot: no GET tells them."""
        told = (await self._call("POST", ("subscriptions", subscription, "listSecrets"))).object()
        return {slot: str(told.get(f"{slot}Key") or "") for slot in ("primary", "secondary")}

    async def references(self, fragment: str) -> list[tuple[str, ...]]:
        """The policies that include a fragment, as paths below the service; empty where there is no such fragment."""
        answer = await self._call("POST", ("policyFragments", fragment, "listReferences"), accept=(404,))
        told = [] if answer.status == 404 else _rows(answer)
        return [tuple(str(row.get("id")).rpartition("/service/")[2].split("/")[1:]) for row in told]

    async def consumer_call(self, url: str, key: str) -> Answer:
        """A call of somebody's who has this key, at the gateway itself; any status is an answer."""
        every = range(400, 600)
        headers = {"Ocp-Apim-Subscription-Key": key}
        return await self._transport.call("GET", url, operation="canary", headers=headers, accept=every)

    async def export(self, api: str) -> Row:
        """An API's OpenAPI 3 description. Azure gives a link, good for five minutes, to a storage without sign-in."""
        for _ in range(2):
            told = await self.get("apis", api, export="true", format="openapi+json-link")
            answer = await self._transport.call("GET", self._link(told, api), operation="export", accept=(403,))
            if answer.status != 403:
                document = answer.object()
                if "paths" not in document and "openapi" not in document:
                    raise GatewayNotAnApi(f"The export of {api} is no OpenAPI document.")
                return document
        raise GatewayForbidden(
            f"Azure's storage refuses the link to the export of {api} (403).",
            next_step="Check that a proxy or firewall lets Aforo through to *.blob.core.windows.net.",
        )

    def _link(self, told: Row, api: str) -> str:
        """Newer versions of the API wrap the answer in `properties`."""
        inner = told.get("properties") if isinstance(told.get("properties"), dict) else told
        value = inner.get("value") if isinstance(inner, dict) else None
        link = value.get("link") if isinstance(value, dict) else None
        scheme = urlsplit(link).scheme if isinstance(link, str) else ""
        if not isinstance(link, str) or scheme not in (("https",) if self.is_https else ("http", "https")):
            raise GatewayNotAnApi(f"Azure did not answer with a link to the export of {api}.")
        return link

    async def _page(self, path: Sequence[str], params: Mapping[str, str], following: str | None) -> Answer:
        if following:
            return await self._call("GET", path, url=following)
        return await self._call("GET", path, params={"$top": str(_PAGE), **params})

    def _own(self, url: Any) -> str | None:
        """An address that Azure gave us to follow. Our token goes with it, so it must lead to the same server."""
        if not url:
            return None
        if not isinstance(url, str) or _server(url) != _server(self._origin):
            raise GatewayNotAnApi(
                "Azure's answer leads to another server, to which Aforo does not send its token.",
                next_step="Check the Resource Manager address, and any proxy before it that rewrites addresses.",
            )
        return url

    async def _finish(self, answer: Answer, path: Sequence[str]) -> None:
        """Wait for a long-running operation, if this answer began one."""
        where = answer.headers.get("azure-asyncoperation") or answer.headers.get("location")
        status_url = self._own(where)

        async def poll() -> Answer:
            if status_url:
                return await self._call("GET", ("operation",), url=status_url, accept=(202,))
            return await self._call("GET", path, accept=(404,))

        await self._waiting.until_done(answer, poll)

    async def _call(
        self,
        method: str,
        path: Sequence[str],
        *,
        url: str | None = None,
        params: Mapping[str, str] | None = None,
        body: Row | None = None,
        etag: str | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One call. A token that Azure no longer takes is replaced once, if there is a way to get another."""
        for is_last in (False, True):
            token = await self._token()
            headers = {"Authorization": f"Bearer {token}"} | ({"If-Match": etag} if etag else {})
            try:
                return await self._transport.call(
                    method,
                    url or "/".join((self._base, *(quote(part, safe="") for part in path))),
                    operation=f"{_BUCKETS.get(method, 'write')} {method} {_template(path)}",
                    params=None if url else {"api-version": API_VERSION, **(params or {})},
                    json_body=body,
                    headers=headers,
                    accept=accept,
                    judge=Judge(token, accept).verdict,
                    timeout_seconds=30,
                )
            except GatewayAuthFailed:
                if is_last or self._tokens is None or not self._tokens.forget(token):
                    raise
        raise AssertionError("unreachable: the last trial returns or raises")

    async def _token(self) -> str:
        if self.fault:
            raise self.fault
        if self._tokens is None:
            raise AssertionError("a client without tokens has a fault")
        return await self._tokens.token()


def _template(path: Sequence[str]) -> str:
    return "/" + "/".join(part if place % 2 == 0 else "{id}" for place, part in enumerate(path))


def _server(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _rows(answer: Answer) -> list[Row]:
    rows = answer.object().get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise GatewayNotAnApi(
            "The address answers with JSON, but not with a list as Azure does.",
            next_step="Check the Resource Manager address.",
        )
    return rows
