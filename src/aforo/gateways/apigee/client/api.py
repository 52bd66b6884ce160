"""Calls one Apigee organization."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlsplit

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayAuthFailed, GatewayError, GatewayForbidden, GatewayNotAnApi
from aforo.gateway_sdk.tokens import EarnedToken, FixedToken, Tokens
from aforo.gateway_sdk.transport import Answer, Transport
from aforo.gateways.apigee.client import lists
from aforo.gateways.apigee.client.lists import Listing, Row
from aforo.gateways.apigee.client.tokens import ServiceAccount, read_key
from aforo.gateways.apigee.manifest import API_URL

_OCTETS: Final = {"Content-Type": "application/octet-stream"}
_ORGANIZATION_STEP: Final = (
    "Check the organization's name and, with data residency, the region's API address: Google answers 403 for both. "
    "Then give the account the roles that are listed on the gateway's page in the docs."
)


def open_client(connection: Connection) -> "Client":
    """From the form's values. Makes no call; what could not work shows at the first one."""
    settings, transport = connection.settings, connection.transport
    fault: GatewayError | None = None
    base, tokens = "", None
    try:
        base = _organization_url(settings)
        tokens = _tokens(connection)
    except GatewayError as found:
        fault = found
    return Client(transport, base, tokens, fault)


def _tokens(connection: Connection) -> Tokens:
    if connection.tokens:
        return connection.tokens
    if connection.sign_in == "access_token":
        return FixedToken(connection.settings.get("access_token", "").strip())
    text = connection.settings.get("service_account_key", "")
    account = ServiceAccount(read_key(text), connection.transport, connection.clock)
    return EarnedToken(account.ask, connection.clock, text)


def _organization_url(settings: Mapping[str, str]) -> str:
    text = (settings.get("api_url") or API_URL).strip().rstrip("/").removesuffix("/v1")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise GatewayNotAnApi(
            "The API address is not a plain http or https URL with a host. No request was sent.",
            next_step=f"Leave it at {API_URL}, or give the region's, such as https://eu-apigee.googleapis.com.",
        )
    name = settings.get("organization", "").strip().removeprefix("organizations/")
    if not name or "/" in name or name in (".", ".."):
        raise GatewayNotAnApi(
            "The organization's name is empty or holds a slash. No request was sent.",
            next_step="Give the name alone, usually the id of the Google Cloud project.",
        )
    return f"{text}/v1/organizations/{quote(name, safe='')}"


def flow_deployment(environment: str, name: str, revision: str) -> tuple[str, ...]:
    return ("environments", environment, "sharedflows", name, "revisions", revision, "deployments")


class Client:
    """Paths are given in parts below the organization: `("apiproducts", name, "rateplans")`."""

    def __init__(self, transport: Transport, base: str, tokens: Tokens | None, fault: GatewayError | None) -> None:
        self._transport = transport
        self._base = base
        self._tokens = tokens
        self.fault = fault
        self.is_https = base.startswith("https:")

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def sign_in(self) -> None:
        """Get a token anew, though there may still be one: to see that it can be had."""
        if self._tokens:
            self._tokens.forget(None)
        await self._token()

    async def organization(self) -> tuple[Row, float]:
        """The organization, and how long the answer took in milliseconds."""
        answer = await self._call("GET", ())
        told = answer.object()
        if not isinstance(told.get("name"), str):
            raise GatewayNotAnApi(
                "Where the Apigee API was to be, something else answers with JSON.",
                next_step=f"Leave the API address at {API_URL}, unless your organization has data residency.",
            )
        return told, answer.took_ms

    async def get(self, *path: str) -> Row:
        return (await self._call("GET", path)).object()

    async def find(self, *path: str) -> Row | None:
        """The object, or None where there is none."""
        answer = await self._call("GET", path, accept=(404,))
        told = answer.object()  # a 404 of Apigee's is JSON; a page from something else raises here
        return None if answer.status == 404 else told

    async def post(self, path: Sequence[str], body: Row) -> Row:
        return (await self._call("POST", path, body=body)).object()

    async def put(self, path: Sequence[str], body: Row) -> Row:
        return (await self._call("PUT", path, body=body)).object()

    async def delete(self, *path: str) -> None:
        await self._call("DELETE", path, accept=(404,))

    async def search(self, *path: str, **wanted: str) -> Row:
        """One page of a list, as Apigee answers it."""
        return (await self._call("GET", path, params=wanted)).object()

    async def act(self, path: Sequence[str], action: str) -> None:
        """Change the status of an object: approve, revoke, active or inactive."""
        await self._call("POST", path, params={"action": action}, content=b"")

    async def upload_flow(self, name: str, bundle: bytes) -> str:
        """Import a shared flow's bundle; the number of the new revision."""
        answer = await self._call("POST", ("sharedflows",), params={"action": "import", "name": name}, content=bundle)
        return str(answer.object().get("revision") or "")

    async def flow_bundle(self, name: str, revision: str) -> bytes:
        """The zip file of a revision."""
        path = ("sharedflows", name, "revisions", revision)
        return (await self._call("GET", path, params={"format": "bundle"})).body

    async def deploy_flow(self, environment: str, name: str, revision: str) -> None:
        """In place of the revision that is deployed there; it takes effect some seconds later."""
        await self._call("POST", flow_deployment(environment, name, revision), params={"override": "true"})

    async def stats(self, environment: str, dimensions: Sequence[str], wanted: Mapping[str, str]) -> list[Row]:
        """Analytics of an environment: a row for each group of dimensions. Complete, or raises."""
        path = ("environments", environment, "stats", ",".join(dimensions))
        return await lists.stats(lambda params: self.search(*path, **params), wanted)

    async def products(self, **wanted: str) -> Listing:
        """All API products, or those with an attribute. Only a first page that fails raises."""
        return await lists.from_start_key(self._page, ("apiproducts",), "apiProduct", "name", wanted)

    async def rate_plans(self, product: str = "-") -> Listing:
        """All rate plans of a product, or with `-` of all products."""
        return await lists.rate_plans(self._page, ("apiproducts", product, "rateplans"))

    async def developers(self) -> Listing:
        """All developers, with the names of their first hundred apps. Only a first page that fails raises."""
        return await lists.from_start_key(self._page, ("developers",), "developer", "email", {})

    async def developers_of(self, app: str) -> list[str]:
        """E-mail addresses of the developers who have an app of this name, whatever its status."""
        page = await self._page(("developers",), {"app": app}, "developer", "email")
        return [str(row["email"]) for row in page.rows]

    async def apps(self, **wanted: str) -> Listing:
        """All apps with all keys, approved and revoked, or those of one product. Never raises.

        An app without any key is not among them.
        """
        return await lists.apps(self._page, wanted)

    async def _page(self, path: Sequence[str], wanted: Mapping[str, str], name: str, key: str) -> lists.Page:
        answer = await self._call("GET", path, params=wanted)
        return lists.Page(_rows(answer, name, key), answer.object())

    async def _call(
        self,
        method: str,
        path: Sequence[str],
        *,
        body: Row | None = None,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One call. A token that Google no longer takes is replaced once, if there is a way to get another.

        `content` is a body of no kind in particular, as Apigee wants it beside an action.
        """
        token = await self._token()
        try:
            return await self._send(token, method, path, body, content, params, accept)
        except GatewayAuthFailed:
            if self._tokens is None or not self._tokens.forget(token):
                raise
        return await self._send(await self._token(), method, path, body, content, params, accept)

    async def _send(
        self, token: str, method: str, path: Sequence[str], body: Row | None, content: bytes | None,
        params: Mapping[str, str] | None, accept: Collection[int],
    ) -> Answer:  # fmt: skip
        return await self._transport.call(
            method,
            "/".join((self._base, *(quote(part, safe="") for part in path))),
            operation=f"{method} /{'/'.join(part if place % 2 == 0 else '{id}' for place, part in enumerate(path))}",
            params=params,
            json_body=body,
            content=content,
            headers={"Authorization": f"Bearer {token}"} | (_OCTETS if content is not None else {}),
            accept=accept,
            judge=_Judge(token).verdict,
            timeout_seconds=30,
        )

    async def _token(self) -> str:
        if self.fault:
            raise self.fault
        if self._tokens is None:
            raise AssertionError("a client without tokens has a fault")
        return await self._tokens.token()


class _Judge:
    """Reads an answer to a call that carried this token, which must not get into an error's words."""

    def __init__(self, token: str) -> None:
        self._token = token

    def verdict(self, answer: Answer) -> GatewayError | None:
        if answer.status >= 400 and self._token.encode() in answer.body:
            return GatewayNotAnApi(
                f"The address answers {answer.status} and repeats our token, so it is not the Apigee API.",
                next_step="Check the API address, and revoke the token.",
            )
        if answer.status == 403 and b"PERMISSION_DENIED" in answer.body:
            return GatewayForbidden(
                f"Google Apigee does not allow this call (403): {_message(answer)}.", next_step=_ORGANIZATION_STEP
            )
        return None


def _message(answer: Answer) -> str:
    told = answer.object().get("error")
    words = told.get("message") if isinstance(told, dict) else None
    return str(words or "permission denied").rstrip(".")[:300]


def _rows(answer: Answer, name: str, key: str) -> list[Row]:
    """The rows of a page; an empty list is left out of the answer altogether."""
    rows = answer.object().get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get(key), str) for row in rows):
        raise GatewayNotAnApi(
            "The address answers with JSON, but not with a list as Apigee does.",
            next_step="Check that the API address is that of the Apigee API.",
        )
    return rows
