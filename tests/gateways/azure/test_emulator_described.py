"""The emulator against the vendor's description: each operation that it implements, accepted once and refused once."""

import json
from typing import Any

import httpx2
import pytest

from aforo.gateways.azure.emulator.app import BASE, SUBSCRIPTION, AzureEmulator
from aforo.gateways.azure.emulator.kinds import KINDS
from aforo.gateways.azure.emulator.operations import LOCATION
from aforo.gateways.azure.emulator.seeding import document
from aforo.gateways.azure.emulator.sign_in import ACCESS_TOKEN
from aforo.gateways.azure.emulator.wire import API_VERSION
from tests.gateways.azure.azure_parts import ORIGIN, azure
from tests.gateways.azure.vendor import SERVICE, Described, description

pytestmark = pytest.mark.conformance
POLICY = {"format": "rawxml", "value": "<policies><inbound><base /></inbound></policies>"}
NEW: dict[str, dict[str, Any] | None] = {
    "policies/policy": {"format": "xml", "value": "<policies><inbound /></policies>"},
    "tags/new": {"displayName": "new"},
    "namedValues/new": {"displayName": "new", "value": "old", "secret": True},
    "policyFragments/new": {"value": '<fragment><set-status code="200" /></fragment>', "format": "rawxml"},
    "users/new": {"email": "new@contoso.example", "firstName": "N", "lastName": "Ew"},
    "products/new": {"displayName": "New"},
    "apis/new": {"path": "new", "displayName": "New", "format": "openapi+json", "value": json.dumps(document("new"))},
    "apis/new/operations/extra": {"displayName": "Extra", "method": "GET", "urlTemplate": "/extra"},
    "apis/new/operations/extra/policies/policy": POLICY,
    "apis/new/policies/policy": POLICY,
    "apis/new/schemas/new": {"contentType": "application/json", "document": {"value": "{}"}},
    "apis/new/tags/new": None,
    "products/new/apis/new": None,
    "products/new/tags/new": None,
    "products/new/policies/policy": POLICY,
    "subscriptions/new": {"scope": "/products/new", "ownerId": "/users/new", "displayName": "new"},
}
PATCHES: dict[str, dict[str, Any]] = {
    "tags/new": {"displayName": "newer"},
    "namedValues/new": {"tags": ["one"]},
    "users/new": {"note": "hello"},
    "products/new": {"description": "Newer."},
    "apis/new": {"description": "Newer."},
    "apis/new/operations/extra": {"description": "Newer."},
    "subscriptions/new": {"state": "suspended"},
}
ACTIONS = (
    "subscriptions/new/listSecrets",
    "subscriptions/new/regeneratePrimaryKey",
    "subscriptions/new/regenerateSecondaryKey",
    "namedValues/new/listValue",
    "policyFragments/new/listReferences",
)
PERIOD = "timestamp ge datetime'2026-01-01T00:00:00' and timestamp le datetime'2026-12-31T23:59:59'"
REPORTS = ("byApi", "byProduct", "bySubscription")
LISTS = ("productsByTags", "apis/new/products", "products/new/subscriptions")


class Tour:
    """Calls the emulator over HTTP, each exchange held against the description."""

    def __init__(self, app: AzureEmulator) -> None:
        self.described = Described(app)
        self._http = httpx2.AsyncClient(transport=httpx2.ASGITransport(self.described), base_url=ORIGIN)

    async def call(
        self, method: str, path: str, body: Any = None, etag: str | None = None, **query: str
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {ACCESS_TOKEN}"} | ({"If-Match": etag} if etag else {})
        if path.endswith("policies/policy") and method == "GET":
            query["format"] = "rawxml"
        whole = path if path.startswith("/") else f"{BASE}/{path}".rstrip("/")
        params = {"api-version": API_VERSION, **query}
        return await self._http.request(method, whole, json=body, headers=headers, params=params)

    async def accepted(self, method: str, path: str, body: Any = None, etag: str | None = None, **query: str) -> Any:
        answer = await self.call(method, path, body, etag, **query)
        assert answer.status_code < 300, f"{method} {path}: {answer.text}"
        return answer

    async def called(self) -> None:
        """A consumer's call with the key of the new subscription."""
        keys = (await self.accepted("POST", "subscriptions/new/listSecrets")).json()
        await self._http.get("/proxy/new", headers={"Ocp-Apim-Subscription-Key": keys["primaryKey"]})

    async def refused(self, method: str, path: str, body: Any = None, etag: str | None = None, **query: str) -> None:
        answer = await self.call(method, path, body, etag, **query)
        assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.status_code}"

    async def finished(self, answer: httpx2.Response) -> None:
        """Poll both addresses of a long-running operation."""
        for header in ("location", "azure-asyncoperation"):
            if where := answer.headers.get(header):
                for _ in range(2):
                    await self.accepted("GET", httpx2.URL(where).path)


def implemented() -> set[str]:
    """The description's operations that the emulator answers: by the table of kinds, and the few besides it."""
    found = set()
    for template, item in description()["paths"].items():
        if template.startswith(f"{SERVICE}/"):
            parts = tuple(template.removeprefix(f"{SERVICE}/").split("/"))
            is_kind = parts[::2] in KINDS and "confirmations" not in parts
            named = [f"{method} /{'/'.join(parts)}" for method in item if method in _METHODS]
            found |= {name for name in named if is_kind and not (len(parts) % 2 and name.startswith("post"))}
    return found | {
        "get ",
        *(f"post /{path}" for path in _ACTION_TEMPLATES),
        *(f"get /{path}" for path in _VIEWS),
        *(f"get /reports/{one}" for one in REPORTS),
    }


_METHODS = ("get", "head", "put", "patch", "delete")
_ACTION_TEMPLATES = (
    "subscriptions/{sid}/listSecrets",
    "subscriptions/{sid}/regeneratePrimaryKey",
    "subscriptions/{sid}/regenerateSecondaryKey",
    "namedValues/{namedValueId}/listValue",
    "policyFragments/{id}/listReferences",
)
_VIEWS = ("productsByTags", "apis/{apiId}/products", "products/{productId}/subscriptions")


async def test_every_implemented_operation_is_accepted_once_and_refused_once_as_described() -> None:
    async with azure(2) as running:
        tour = Tour(running.app)
        await _create(tour)
        await _look(tour)
        await _change(tour)
        await _remove(tour)
        assert "\n".join(tour.described.faults) == ""
        good = {name for name, status in tour.described.seen if status < 300}
        bad = {name for name, status in tour.described.seen if status >= 400}
        assert len(implemented()) > 70
        assert implemented() - good == set()
        assert implemented() - bad == set()


async def _create(tour: Tour) -> None:
    for path, properties in NEW.items():
        body = None if properties is None else {"properties": properties}
        await tour.finished(await tour.accepted("PUT", path, body))
        wrong = {"properties": {"displayName": ""}} if body else None
        await tour.refused("PUT", _missing(path) if body is None else path, wrong, etag='"stale"' if body else None)


async def _look(tour: Tour) -> None:
    await tour.accepted("GET", "")
    await tour.refused("GET", BASE.replace("contoso-apis", "contoso-none"))
    for path in NEW:
        await tour.accepted("HEAD", path)
        await tour.refused("HEAD", _missing(path))
        if not path.startswith("products/new/apis"):
            await tour.accepted("GET", path)
            await tour.refused("GET", _missing(path))
        await tour.accepted("GET", path.rpartition("/")[0])
        await tour.refused("GET", path.rpartition("/")[0], **{"$top": "many"})
    await tour.accepted("GET", "apis/new", export="true", format="openapi+json-link")
    await tour.refused("GET", "apis/new", export="true", format="wsdl-link")
    for path in LISTS:
        await tour.accepted("GET", path)
        await tour.refused("GET", path, **{"$top": "many"})
    for report in REPORTS:
        await tour.called()
        answer = await tour.accepted("GET", f"reports/{report}", **{"$filter": PERIOD})
        assert answer.json()["value"], report
        await tour.refused("GET", f"reports/{report}", **{"$filter": "timestamp after noon"})
    for path in ACTIONS:
        await tour.accepted("POST", path)
        await tour.refused("POST", path.replace("/new/", "/none/"))


async def _change(tour: Tour) -> None:
    for path, properties in PATCHES.items():
        etag = (await tour.accepted("HEAD", path)).headers["etag"]
        await tour.refused("PATCH", path, {"properties": properties})
        await tour.refused("PATCH", path, {"properties": properties}, etag='"stale"')
        await tour.finished(await tour.accepted("PATCH", path, {"properties": properties}, etag=etag))


async def _remove(tour: Tour) -> None:
    for path in reversed(NEW):
        is_link = NEW[path] is None
        if is_link:
            await tour.refused("DELETE", path.replace("/new/", "/none/"))
        else:
            await tour.refused("DELETE", path)
            await tour.refused("DELETE", path, etag='"stale"')
        await tour.finished(await tour.accepted("DELETE", path, etag=None if is_link else "*"))


def _missing(path: str) -> str:
    """The same kind of thing, where none is."""
    parts = path.split("/")
    if parts[-1] == "policy" and len(parts) > 2:
        return "/".join((*parts[:-3], "none", *parts[-2:]))
    return "/".join((*parts[:-1], "none"))


async def test_what_the_client_sends_and_is_answered_is_as_described() -> None:
    async with azure(4) as running:
        described = Described(running.app)
        running.gateway = running.connected(app=described)
        assert all(check.verdict == "OK" for check in (await running.lines()).values())
        recorded = await running.product("Payments")
        running.hand("DELETE", "products/payments", deleteSubscriptions="true")
        running.hand("DELETE", "apis/payments")
        running.put("tags/beta", {"displayName": "beta"})
        assert await running.restore(recorded)
        assert await running.drift(recorded) == []
        assert described.faults == []


async def test_a_status_document_is_as_described() -> None:
    async with azure(1) as running:
        tour = Tour(running.app)
        where = (
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ApiManagement/locations/{LOCATION}/operationStatuses"
        )
        await tour.refused("GET", f"{where}/none")
        running.app.operations.failures = 1
        answer = await tour.accepted("PUT", "namedValues/slow", {"properties": {"displayName": "slow", "value": "x"}})
        await tour.finished(answer)
        told = (await tour.accepted("GET", httpx2.URL(answer.headers["azure-asyncoperation"]).path)).json()
        assert told["status"] == "Failed"
        assert tour.described.faults == []
