"""A real Aforo before a ministack with one REST API; the function behind it tells this process of each call it gets."""

import contextlib
import io
import json
import re
import time
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from aforo.accounts import Scope
from aforo.gateway_sdk.artifact import Artifact, Wiring
from aforo.gateway_sdk.emulator import Receive, Send, Switchboard, answer_json
from aforo.gateway_sdk.emulator import Scope as AsgiScope
from aforo.gateway_sdk.pricing import ScopedProduct
from aforo.gateways.aws.client import Aws
from tests.customers.shop import customer, plan, subscribe
from tests.gateways.aws.metered import Edge, admin_at, artifact_at, edge_knows, eventually, native_ids
from tests.gateways.aws.ministack.server import Ministack
from tests.live import Aforo, Emulated, aforo, serving

REF: Final = "GeocodingAPI/prod"
_ROLE: Final = "arn:aws:iam::000000000000:role/aforo-functions"
_QUOTA: Final = {"metric": "api_calls", "period": "month", "anchorDay": 1, "timeZone": "UTC", "mode": "HARD"}
_TAKEN: Final = r'aforo_ingest_events_total{outcome="(\w+)"} (\S+)'
_BACKEND: Final = """
import json, os, urllib.request

def handler(event, _context):
    told = json.dumps(event["requestContext"].get("authorizer") or {}).encode()
    urllib.request.urlopen(urllib.request.Request(os.environ["TELL"], told)).read()
    return {"statusCode": 200, "body": "fine"}
"""


class Backend:
    """What the function behind the API was told by its authorizer, call by call."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        del scope
        self.calls.append(json.loads((await receive())["body"]))
        await answer_json(send, 200, {})


@dataclass
class World:
    """`wiring` is that of the one stage, enforced."""

    running: Aforo
    edge: Edge
    ministack: Ministack
    integration_id: str
    product: ScopedProduct
    api_key: str
    http: httpx2.AsyncClient
    admin: Aws
    artifact: Artifact
    backend: Backend
    wiring: Wiring
    customers: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The API's id and the stage's name."""
        return self.product.native_id

    async def call(self, secret: str = "") -> httpx2.Response:
        api, _, stage = self.place.partition("/")
        shown = {"x-api-key": secret} if secret else {}
        return await self.http.get(
            f"{self.ministack.url}/restapis/{api}/{stage}/_user_request_/addresses", headers=shown
        )

    async def subscriber(self, key: str, units: int) -> str:
        """A customer on a plan of its own; gives the secret of its API key, which the edge knows."""
        quotas = [{**_QUOTA, "units": str(units)}]
        wanted = {"productIds": [self.product.id], "quotas": quotas, "rateLimits": []}
        sold = await plan(self.running, key=key, name=key, **wanted)
        buyer = await customer(self.running, f"Buyer of {key}")
        made = await subscribe(self.running, buyer["id"], sold["id"])
        issued = await self.running.call("POST", f"/api/v1/subscriptions/{made['id']}/credentials", {}, 201)
        secret = str(issued["secrets"][0]["secret"])
        self.customers[secret] = buyer["id"]
        known = (self.http, self.edge, self.api_key, self.integration_id, secret, self.product.id)
        assert await eventually(lambda: edge_knows(*known)), "the edge did not hear of the subscription"
        return secret

    async def log(self, stream: str, *lines: dict[str, str]) -> None:
        """Lines of the stage's access log, which API Gateway would write and ministack does not."""
        there = {"logGroupName": f"/aforo/{self.integration_id}", "logStreamName": stream}
        await self.admin.call("logs", "CreateLogStream", there)
        now = int(time.time() * 1000)
        told = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
        await self.admin.call("logs", "PutLogEvents", {**there, "logEvents": told})

    async def taken(self) -> dict[str, int]:
        """What the edge made of the events it was sent, counted by outcome."""
        told = (await self.http.get(f"{self.edge.url}/metrics")).text
        return {one: int(float(count)) for one, count in re.findall(_TAKEN, told)}

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.running.call("GET", "/v1/events?limit=1000"))["data"]
        return found


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """The stage imported and enforced; nothing of Aforo's is deployed yet."""
    backend, ministack = Backend(), Ministack(folder)
    try:
        with serving(backend) as tell:
            async with httpx2.AsyncClient(trust_env=False) as http:
                assert await ministack.is_up(http), ministack.log()
                keys = {"access_key_id": "AKIAMINISTACK", "secret_access_key": "any"}
                settings = {"region": "eu-central-1", "endpoint_url": ministack.url, **keys}
                gateway = Emulated("aws", ministack.url, Switchboard(backend), "access_keys", settings)
                admin = admin_at(gateway)
                await _api(admin, tell)
                async with _before(folder, gateway, ministack, http, admin, backend) as world:
                    yield world
                await admin.aclose()
    finally:
        ministack.stop()


@contextlib.asynccontextmanager
async def _before(
    folder: Path, gateway: Emulated, ministack: Ministack, http: httpx2.AsyncClient, admin: Aws, backend: Backend
) -> AsyncIterator[World]:
    async with aforo(folder) as running:
        integration_id = await running.connect(gateway)
        (row,) = await running.import_all(integration_id)
        product = ScopedProduct(row["id"], row["ref"], (await native_ids(gateway))[REF], row["name"])
        await running.call("PUT", f"/api/v1/products/{product.id}/enforcement", {"mode": "enforce"})
        scopes = {Scope.USAGE_INGEST, Scope.ENTITLEMENTS_CHECK}
        _, key = await running.rooms.accounts.create_key(running.tenant_id, "aws", scopes)
        edge, artifact = Edge(folder / "var"), artifact_at(gateway, integration_id)
        options = {"function_role": _ROLE}
        wiring = Wiring(integration_id, key, f"{edge.url}/v1/ingest", (product,), enforce=True, options=options)
        try:
            yield World(running, edge, ministack, integration_id, product, key, http, admin, artifact, backend, wiring)
        finally:
            await artifact.aclose()
            edge.stop()


async def _api(admin: Aws, tell: str) -> None:
    """As its owner made it, before Aforo came: GET /addresses, open to everybody."""
    api = (await admin.call("apigateway", "CreateRestApi", {"name": REF.partition("/")[0]}))["id"]
    (root,) = await admin.every("apigateway", "GetResources", {"restApiId": api})
    made = await admin.call(
        "apigateway", "CreateResource", {"restApiId": api, "parentId": root["id"], "pathPart": "addresses"}
    )
    method = {"restApiId": api, "resourceId": made["id"], "httpMethod": "GET"}
    await admin.call("apigateway", "PutMethod", {**method, "authorizationType": "NONE"})
    await admin.call("apigateway", "PutMethodResponse", {**method, "statusCode": "200"})
    uri = await _function(admin, tell)
    await admin.call(
        "apigateway", "PutIntegration", {**method, "type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri}
    )
    await admin.call("apigateway", "CreateDeployment", {"restApiId": api, "stageName": "prod"})


async def _function(admin: Aws, tell: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("backend.py", _BACKEND)
    asked = {
        "FunctionName": "backend",
        "Runtime": "python3.12",
        "Role": _ROLE,
        "Handler": "backend.handler",
        "Code": {"ZipFile": packed.getvalue()},
        "Environment": {"Variables": {"TELL": tell}},
    }
    arn = (await admin.call("lambda", "CreateFunction", asked))["FunctionArn"]
    return f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{arn}/invocations"
