"""Calls to the emulator as they were made, and a round through every operation that it has."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx2

from aforo.gateways.mulesoft.emulator import ENVIRONMENT, ORGANIZATION, ROOT
from aforo.gateways.mulesoft.emulator.operations import OPERATIONS, Operation
from aforo.gateways.mulesoft.emulator.seeding import CLIENT_ID, CLIENT_SECRET, MULESOFT
from tests.gateways.mulesoft.mulesoft_parts import CONSOLE, HERE, Anypoint

EXCHANGE = "/exchange/api/v2"
APPS = f"{EXCHANGE}/organizations/{ROOT}/applications"
NOBODY = "999"


@dataclass(frozen=True)
class Exchanged:
    """One call and its answer; bodies are None where they are no JSON."""

    operation: str
    method: str
    path: str
    status: int
    sent: Any
    told: Any


@dataclass
class Recorder:
    """Listens to a client of the emulator."""

    calls: list[Exchanged] = field(default_factory=list)

    async def listen(self, answer: httpx2.Response) -> None:
        await answer.aread()
        await answer.request.aread()
        path = answer.request.url.raw_path.decode().partition("?")[0]
        operation = operation_of(answer.request.method, path)
        sent, told = _json(answer.request.content), _json(answer.content)
        self.calls.append(Exchanged(operation.name, answer.request.method, path, answer.status_code, sent, told))


def operation_of(method: str, path: str) -> Operation:
    def matches(operation: Operation) -> bool:
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(operation.path))
        return operation.method == method and re.fullmatch(pattern, path) is not None

    return next(operation for operation in OPERATIONS if matches(operation))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


class Round:
    """Every operation once as it should be, and once or more as it should not."""

    def __init__(self, anypoint: Anypoint, http: httpx2.AsyncClient) -> None:
        self.anypoint = anypoint
        self._http = http
        self._headers: dict[str, str] = {}

    async def go(self) -> None:
        await self._accounts()
        api = await self._instances()
        await self._policies(api)
        await self._tiers(api)
        await self._upstreams(api)
        await self._customers(api)
        await self._exchange()
        await self.ask("DELETE", f"{HERE}/apis/{api}")
        await self._without_token()

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        answer = await self._http.request(method, path, json=body, headers=self._headers, **more)
        return _json(answer.content)

    async def _accounts(self) -> None:
        token = "/accounts/api/v2/oauth2/token"
        wish = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
        await self.ask("POST", token, {**wish, "client_secret": "wrong"})
        given = await self.ask("POST", token, {**wish, "client_secret": CLIENT_SECRET})
        self._headers = {"Authorization": f"Bearer {given['access_token']}"}
        await self.ask("GET", "/accounts/api/me")
        organization = f"/accounts/api/organizations/{ORGANIZATION}/environments"
        await self.ask("GET", organization)
        await self.ask("GET", f"{organization}/{ENVIRONMENT}")
        await self.ask("GET", f"{organization}/{NOBODY}")
        scopes = f"/accounts/api/connectedApplications/{CLIENT_ID}/scopes"
        await self.ask("GET", scopes)
        self.anypoint.switches.tells_scopes = True
        await self.ask("GET", scopes)
        self.anypoint.switches.tells_scopes = False

    async def _instances(self) -> str:
        spec = {"groupId": ORGANIZATION, "assetId": "orders-api", "version": "1.0.0"}
        endpoint = {"uri": "http://orders.internal", "proxyUri": "http://0.0.0.0:8081/new", "isCloudHub": False}
        wish = {"spec": spec, "endpoint": endpoint, "instanceLabel": "new", "technology": "flexGateway"}
        made = await self.ask("POST", f"{HERE}/apis", wish)
        await self.ask("POST", f"{HERE}/apis", wish)
        api = str(made["id"])
        await self.ask("GET", f"{HERE}/apis")
        await self.ask("GET", f"{HERE}/apis", params={"limit": "many"})
        for one in [row for row in self.anypoint.tables["apis"].values() if row["technology"] == "flexGateway"]:
            await self.ask("GET", f"{HERE}/apis/{one['id']}")
            await self.ask("PATCH", f"{HERE}/apis/{one['id']}", {"description": "on a Flex Gateway"})
            await self.ask("GET", f"{HERE}/apis/{one['id']}/policies", params={"fullInfo": "false"})
        await self.ask("GET", f"{HERE}/apis/{api}", params={"includeValidation": "true", "includeTlsContexts": "true"})
        await self.ask("GET", f"{HERE}/apis/{NOBODY}")
        await self.ask("PATCH", f"{HERE}/apis/{api}", {"description": "new", "endpoint": endpoint})
        await self.ask("PATCH", f"{HERE}/apis/{api}", {"colour": "blue"})
        await self.ask("PUT", f"{HERE}/apis/{api}/tags/retail")
        await self.ask("PUT", f"{HERE}/apis/{NOBODY}/tags/retail")
        await self.ask("DELETE", f"{HERE}/apis/{api}/tags/retail")
        await self.ask("DELETE", f"{HERE}/apis/{api}/tags/retail")
        await self.ask("DELETE", f"{HERE}/apis/{NOBODY}")
        return api

    async def _policies(self, api: str) -> None:
        policies = f"{HERE}/apis/{api}/policies"
        configuration = {"rateLimits": [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000}]}
        wish = {
            "groupId": MULESOFT,
            "assetId": "rate-limiting",
            "assetVersion": "1.4.0",
            "configurationData": configuration,
            "pointcutData": [{"methodRegex": "GET", "uriTemplateRegex": "/.*"}],
        }
        policy = (await self.ask("POST", policies, wish))["id"]
        await self.ask("POST", policies, {"assetId": "rate-limiting"})
        await self.ask("POST", f"{HERE}/apis/{NOBODY}/policies", wish)
        for full in ("true", "false"):
            await self.ask("GET", policies, params={"fullInfo": full})
        await self.ask("GET", f"{HERE}/apis/{NOBODY}/policies")
        await self.ask("PATCH", policies, [{"id": policy, "order": 3}])
        await self.ask("PATCH", policies, [{"id": 1, "order": 3}])
        console = f"{CONSOLE}/apis/{api}/policies"
        for which in (policy, NOBODY):
            await self.ask("GET", f"{policies}/{which}")
            await self.ask("PATCH", f"{policies}/{which}", {"order": 2})
            await self.ask("POST", f"{console}/{which}/disable")
            await self.ask("POST", f"{console}/{which}/enable")
            await self.ask("DELETE", f"{policies}/{which}")

    async def _tiers(self, api: str) -> None:
        tiers = f"{HERE}/apis/{api}/tiers"
        limits = [{"maximumRequests": 5, "timePeriodInMilliseconds": 1000, "visible": True}]
        wish = {"name": "Silver", "description": "some", "autoApprove": False, "status": "ACTIVE", "limits": limits}
        tier = (await self.ask("POST", tiers, wish))["id"]
        await self.ask("POST", tiers, wish)
        await self.ask("POST", tiers, {"name": "Blue"})
        await self.ask("GET", tiers)
        await self.ask("PUT", f"{tiers}/{tier}", {**wish, "description": "many"})
        await self.ask("PUT", f"{tiers}/{tier}", {"name": "Silver", "status": "GONE"})
        await self.ask("DELETE", f"{tiers}/{tier}")
        await self.ask("DELETE", f"{tiers}/{tier}")

    async def _upstreams(self, api: str) -> None:
        upstreams = f"{HERE}/apis/{api}/upstreams"
        upstream = (await self.ask("POST", upstreams, {"label": "blue", "uri": "http://blue.internal"}))["id"]
        await self.ask("POST", upstreams, {"uri": ""})
        await self.ask("GET", upstreams)
        await self.ask("GET", f"{HERE}/apis/{NOBODY}/upstreams")
        await self.ask("PATCH", f"{upstreams}/{upstream}", {"uri": 5})
        for which in (upstream, NOBODY):
            await self.ask("GET", f"{upstreams}/{which}")
            await self.ask("PATCH", f"{upstreams}/{which}", {"uri": "http://azure.internal"})
            await self.ask("DELETE", f"{upstreams}/{which}")

    async def _customers(self, api: str) -> None:
        app = (await self.ask("POST", APPS, {"name": "Initech", "description": "batch", "grantTypes": []}))["id"]
        await self.ask("POST", APPS, {"name": ""})
        await self.ask("GET", APPS)
        contracts = f"{HERE}/apis/{api}/contracts"
        wish = {"name": "Gold", "status": "ACTIVE", "limits": [], "autoApprove": False}
        tier = (await self.ask("POST", f"{HERE}/apis/{api}/tiers", wish))["id"]
        contract = (await self.ask("POST", contracts, {"applicationId": app, "requestedTierId": tier}))["id"]
        await self.ask("POST", contracts, {"applicationId": app, "requestedTierId": tier})
        await self.ask("GET", contracts)
        for action in ("approve", "revoke", "restore", "restore", "revoke"):
            await self.ask("POST", f"{CONSOLE}/apis/{api}/contracts/{contract}/{action}")
        for which in (contract, NOBODY):
            await self.ask("GET", f"{contracts}/{which}")
            await self.ask("PATCH", f"{contracts}/{which}", {"tierId": tier})
            await self.ask("DELETE", f"{contracts}/{which}")
        for which in (app, NOBODY):
            await self.ask("GET", f"{APPS}/{which}")
            await self.ask("PATCH", f"{APPS}/{which}", {"name": "Initech", "description": "nightly batch"})
            await self.ask("GET", f"{APPS}/{which}/contracts")
            await self.ask("POST", f"{APPS}/{which}/secret/reset")
            await self.ask("DELETE", f"{APPS}/{which}")

    async def _exchange(self) -> None:
        await self.ask("GET", f"{EXCHANGE}/assets/search", params={"organizationId": ORGANIZATION})
        await self.ask("GET", f"{EXCHANGE}/assets/search", params={"limit": "many"})
        assets = f"{EXCHANGE}/assets/{ORGANIZATION}/new-api"
        publish = f"{EXCHANGE}/organizations/{ORGANIZATION}/assets/{ORGANIZATION}/new-api/1.0.0"
        parts: dict[str, Any] = {"name": (None, "New"), "files.oas.json": ("api.json", b'{"openapi":"3.0.0"}')}
        for _ in range(2):
            await self._http.post(publish, files=parts, headers=self._headers)
        told = await self.ask("GET", f"{assets}/1.0.0/asset")
        link = told["files"][0]["externalLink"]
        await self._http.get(link)
        await self._http.get(link, headers=self._headers)
        await self.ask("GET", f"{assets}/9.9.9/asset")
        for _ in range(2):
            await self.ask("DELETE", f"{assets}/1.0.0")

    async def _without_token(self) -> None:
        """What every operation but the open ones says to a stranger."""
        self._headers = {}
        for operation in OPERATIONS:
            if not operation.is_open:
                path = re.sub(r"\{\w+\}", NOBODY, operation.path)
                await self.ask(operation.method, path)
