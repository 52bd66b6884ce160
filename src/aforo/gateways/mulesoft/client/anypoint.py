"""Calls Anypoint Platform: API Manager of one environment, Exchange, and Access Management."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from aforo.gateway_sdk.contract import Connection
from aforo.gateway_sdk.errors import GatewayError, GatewayNotAnApi
from aforo.gateway_sdk.tokens import EarnedToken, FixedToken, Tokens
from aforo.gateway_sdk.transport import Answer
from aforo.gateways.mulesoft.client.faults import refused_app, throttles
from aforo.gateways.mulesoft.client.shapes import (
    Row,
    first,
    identity,
    joined,
    no_list,
    operation_name,
    page,
    unusable,
)
from aforo.gateways.mulesoft.manifest import ANYPOINT_URL

_PAGE: Final = 100
_LIFE_UNLESS_TOLD_SECONDS: Final = 1800.0
_MOST_SCOPES: Final = 500
_TOKEN: Final = "/accounts/api/v2/oauth2/token"  # noqa: S105  a path


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a list as far as they could be read, and how many there are; `fault` tells why it ends early."""

    rows: Sequence[Row]
    total: int
    fault: GatewayError | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Whose API instances: one environment of one organization (business group)."""

    organization_id: str
    environment_id: str
    client_id: str | None = None

    @property
    def environment(self) -> str:
        return f"/{joined(('organizations', self.organization_id, 'environments', self.environment_id))}"


class Anypoint:
    """One organization and environment, seen through one credential."""

    def __init__(self, connection: Connection) -> None:
        values = {name: value.strip() for name, value in connection.settings.items()}
        self._transport = connection.transport
        self._clock = connection.clock
        self._base = (values.get("anypoint_url") or ANYPOINT_URL).rstrip("/")
        client_id = values.get("client_id") if connection.sign_in == "connected_app" else None
        self.place = Place(values.get("organization_id", ""), values.get("environment_id", ""), client_id)
        self.fault = unusable(self._base, values.get("access_token", ""))
        self._tokens = connection.tokens or self._sign_in(connection.sign_in, values)

    def _sign_in(self, kind: str, values: Mapping[str, str]) -> Tokens:
        if kind != "connected_app":
            return FixedToken("unusable" if self.fault else values.get("access_token", ""))
        client_id, secret = values.get("client_id", ""), values.get("client_secret", "")

        async def ask() -> tuple[str, float]:
            return _earned(await self.ask_for_token(client_id, secret))

        return EarnedToken(ask, self._clock, "\0".join((self._base, client_id, secret)))

    @property
    def is_https(self) -> bool:
        return self._base.startswith("https:")

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def sign_in(self) -> None:
        """Get a token anew, whatever is kept; a given one is not tried."""
        self._refuse_unusable()
        self._tokens.forget(None)
        await self._tokens.token()

    async def ask_for_token(self, client_id: str, client_secret: str) -> Row:
        """The client-credentials grant."""
        self._refuse_unusable()
        wish = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        answer = await self._transport.call(
            "POST", self._base + _TOKEN, operation="accounts:token", json_body=wish, judge=self._judge_token
        )
        return answer.object()

    async def me(self) -> tuple[Row, float]:
        """Who we are: `client` of a connected app, `user` of a person; and how long it took in milliseconds."""
        answer = await self._call("GET", "/accounts/api/me", "accounts:me")
        return answer.object(), answer.took_ms

    async def environment(self) -> Row | None:
        """The environment; None where its name is not ours to know (403). Raises GatewayNotFound if there is none."""
        answer = await self._call(
            "GET", f"/accounts/api{self.place.environment}", "accounts:environment", accept=(403,)
        )
        return None if answer.status == 403 else answer.object()

    async def own_scopes(self) -> Sequence[Row] | None:
        """The connected app's scopes; None where it may not read them, or is none."""
        if not self.place.client_id:
            return None
        path = f"/accounts/api/connectedApplications/{quote(self.place.client_id, safe='')}/scopes"
        params = {"limit": str(_MOST_SCOPES), "offset": "0"}
        answer = await self._call("GET", path, "accounts:scopes", params=params, accept=(400, 403, 404))
        if answer.status != 200:
            return None
        rows, total = page(answer, "data")
        return rows if len(rows) >= total else None

    async def get(self, *path: str, **params: str) -> Row:
        """One object of API Manager below the environment, such as `("apis", "123")`."""
        return first((await self._manager("GET", path, params=params)).json())

    async def find(self, *path: str, **params: str) -> Row | None:
        """The object, or None where there is none."""
        answer = await self._manager("GET", path, params=params, accept=(404,))
        return None if answer.status == 404 else first(answer.json())

    async def listing(self, rows_in: str, *path: str, **params: str) -> Listing:
        """All rows of a list of API Manager, page by page. Keeps what it has read when a later page fails."""
        return await self._rows(
            f"{_API}{self.place.environment}/{joined(path)}", rows_in, operation_name("GET", path), params
        )

    async def policies(self, api_id: str) -> list[Row]:
        """The policies of an instance, disabled ones too: `fullInfo` would leave those out."""
        told = (await self._manager("GET", ("apis", api_id, "policies"), params={"fullInfo": "false"})).json()
        rows = told.get("policies") if isinstance(told, dict) else told
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise no_list()
        return rows

    async def post(self, path: Sequence[str], body: Row) -> Row:
        return first((await self._manager("POST", path, body=body)).json())

    async def put(self, path: Sequence[str], body: Row | None = None) -> None:
        await self._manager("PUT", path, body=body)

    async def patch(self, path: Sequence[str], body: Row) -> None:
        await self._manager("PATCH", path, body=body)

    async def delete(self, *path: str, accept: Collection[int] = (404,)) -> int:
        """The answer's status: a success, or one that is accepted."""
        return (await self._manager("DELETE", path, accept=accept)).status

    async def switch_policy(self, api_id: str, policy_id: str, *, on: bool) -> None:
        """Enable or disable a policy, which only the interface of Anypoint's own console can."""
        path = ("apis", api_id, "policies", policy_id, "enable" if on else "disable")
        await self._call("POST", f"{_XAPI}{self.place.environment}/{joined(path)}", operation_name("POST", path))

    async def act_on_contract(self, api_id: str, contract_id: str, action: str) -> None:
        """approve, reject, revoke or restore: like the switch of a policy, an interface of Anypoint's own console."""
        path = ("apis", api_id, "contracts", contract_id, action)
        await self._call("POST", f"{_XAPI}{self.place.environment}/{joined(path)}", operation_name("POST", path))

    async def exchange(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        body: Row | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One call of Exchange, for who knows its paths."""
        return await self._call(method, path, operation, body=body, params=params, accept=accept)

    async def assets(self, organization_id: str) -> Sequence[Row]:
        """The first assets that we may see in Exchange."""
        params = {"organizationId": organization_id, "limit": "1", "offset": "0"}
        told = (await self._call("GET", "/exchange/api/v2/assets/search", "exchange:search", params=params)).json()
        if not isinstance(told, list):
            raise no_list()
        return told

    async def asset(self, group_id: str, asset_id: str, version: str) -> Row | None:
        """One version of an asset with its files; None where there is none (any more)."""
        path = f"/exchange/api/v2/assets/{joined((group_id, asset_id, version))}/asset"
        answer = await self._call("GET", path, "exchange:asset", accept=(404,))
        return None if answer.status == 404 else answer.object()

    async def file(self, link: str) -> bytes:
        """What an `externalLink` leads to. The link is signed itself: with our token it would be refused."""
        judge = throttles(self._now, exchange=True)
        answer = await self._transport.call("GET", link, operation="exchange:file", judge=judge, timeout_seconds=30)
        return answer.body

    async def _rows(self, path: str, rows_in: str, operation: str, params: Mapping[str, str]) -> Listing:
        """A page may show less than it counts, so that the next one repeats a row: each row is taken once."""
        rows: dict[tuple[str, ...], Row] = {}
        total = received = 0
        while True:
            window = {**params, "limit": str(_PAGE), "offset": str(received)}
            try:
                more, total = page(await self._call("GET", path, operation, params=window), rows_in)
            except GatewayError as fault:
                if not received:
                    raise
                return Listing(list(rows.values()), total, fault)
            rows |= {identity(row): row for row in more}
            received += len(more)
            if received >= total or not more:
                return Listing(list(rows.values()), total)

    async def _manager(
        self,
        method: str,
        path: Sequence[str],
        *,
        body: Row | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        url = f"{_API}{self.place.environment}/{joined(path)}"
        return await self._call(method, url, operation_name(method, path), body=body, params=params, accept=accept)

    async def _call(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        body: Row | None = None,
        params: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """With a token; a refused one is replaced once, since Anypoint may end a token before its time."""
        self._refuse_unusable()
        token = await self._tokens.token()
        if isinstance(self._tokens, EarnedToken):
            answer = await self._send(method, path, operation, token, body, params, {*accept, 401})
            if answer.status != 401:
                return answer
            self._tokens.forget(token)
            token = await self._tokens.token()
        return await self._send(method, path, operation, token, body, params, accept)

    def _refuse_unusable(self) -> None:
        if self.fault:
            raise self.fault

    async def _send(
        self,
        method: str,
        path: str,
        operation: str,
        token: str,
        body: Row | None,
        params: Mapping[str, str] | None,
        accept: Collection[int],
    ) -> Answer:
        return await self._transport.call(
            method,
            self._base + path,
            operation=operation,
            params=params,
            json_body=body,
            headers={"Authorization": f"Bearer {token}"},
            accept=accept,
            judge=throttles(self._now, exchange=method == "GET" and operation.startswith("exchange:")),
            timeout_seconds=20,
        )

    def _judge_token(self, answer: Answer) -> GatewayError | None:
        return throttles(self._now, exchange=False)(answer) or refused_app(answer)

    def _now(self) -> float:
        return self._clock.now().timestamp()


_API: Final = "/apimanager/api/v1"
_XAPI: Final = "/apimanager/xapi/v1"


def _earned(told: Row) -> tuple[str, float]:
    """The token and its life out of the endpoint's answer; half an hour where no life is told."""
    token = told.get("access_token")
    if not isinstance(token, str) or not token:
        raise GatewayNotAnApi(
            "The token endpoint answers with JSON, but without an access token.",
            next_step="Check the Anypoint address.",
        )
    try:
        return token, max(1.0, float(str(told.get("expires_in"))))
    except ValueError:
        return token, _LIFE_UNLESS_TOLD_SECONDS
