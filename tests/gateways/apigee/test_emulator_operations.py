"""Every operation that the emulator has is described by the vendor, answers well at least once, and refuses once."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import httpx2
import pytest

from aforo.gateway_sdk.emulator import StateFile
from aforo.gateways.apigee.emulator import ORGANIZATION, create
from tests.gateways.apigee.apigee_parts import BASE, World, world
from tests.gateways.apigee.description import below, description, template_of

OCTETS: Final = {"content-type": "application/octet-stream"}
DEVELOPER: Final = {"email": "new@acme.example", "firstName": "New", "lastName": "One", "userName": "new"}
PRODUCT: Final = {"name": "tried", "displayName": "Tried"}
ATTRIBUTE: Final = {"name": "tier", "value": "gold"}
APP: Final = "/developers/new@acme.example/apps/app"
KEY: Final = f"{APP}/keys/key-1"
FLOW: Final = "/environments/prod/sharedflows/flow/revisions/1/deployments"


def bundle(root: str = "sharedflowbundle") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        policy = "<VerifyAPIKey name='Verify'><APIKey ref='none'/></VerifyAPIKey>"
        archive.writestr(f"{root}/policies/Verify.xml", policy)
        flow = "<SharedFlow name='default'><Step><Name>Verify</Name></Step></SharedFlow>"
        archive.writestr(f"{root}/sharedflows/default.xml", flow)
    return file.getvalue()


class Step(NamedTuple):
    """One call that goes well, and what makes the same operation refuse: another path or another body."""

    method: str
    path: str
    body: Any = None
    status: int = 200
    bad_path: str | None = None
    bad_body: Any = None


def _attributes(owner: str, stranger: str) -> Iterator[Step]:
    one, lost = f"{owner}/attributes/tier", f"{owner}/attributes/lost"
    yield Step("POST", f"{owner}/attributes", {"attribute": [ATTRIBUTE]}, bad_body={"attributes": []})
    yield Step("GET", f"{owner}/attributes", bad_path=f"{stranger}/attributes")
    yield Step("POST", one, {**ATTRIBUTE, "value": "silver"}, bad_body={"name": "other"})
    yield Step("GET", one, bad_path=lost)
    yield Step("DELETE", one, bad_path=lost)


def _map(scope: str) -> Iterator[Step]:
    one = f"{scope}/keyvaluemaps/config"
    lost, entry = f"{scope}/keyvaluemaps/lost", f"{one}/entries/url"
    told = {"name": "config", "encrypted": True}
    yield Step("POST", f"{scope}/keyvaluemaps", told, bad_body=told)
    yield Step("GET", one, bad_path=lost)
    yield Step("PUT", one, {**told, "maskedValues": False}, bad_path=lost)
    yield Step("POST", f"{one}/entries", {"name": "url", "value": "x"}, bad_body={"name": "url", "value": "x"})
    yield Step("GET", f"{one}/entries", bad_path=f"{lost}/entries")
    yield Step("GET", entry, bad_path=f"{one}/entries/lost")
    yield Step("PUT", entry, {"name": "url", "value": "y"}, bad_body={"name": "other", "value": "y"})
    yield Step("DELETE", entry, bad_path=f"{one}/entries/lost")
    yield Step("DELETE", one, bad_path=lost)


def _steps() -> Iterator[Step]:
    yield Step("GET", "", bad_path=None)
    yield Step("GET", "/environments/prod", bad_path="/environments/lost")
    yield Step("GET", "/environments/prod/deployments", bad_path="/environments/lost/deployments")
    stats = "stats/apiproduct,developer_app?select=sum(message_count)&timeUnit=day"
    days = "timeRange=01/01/2026 00:00~01/02/2026 00:00"
    yield Step("GET", f"/environments/prod/{stats}&{days}", bad_path=f"/environments/prod/{stats}&timeRange=always")
    yield Step("GET", "/apis?includeRevisions=true")
    yield Step("GET", "/apis/payments-v1", bad_path="/apis/lost")
    yield Step("GET", "/apis/payments-v1/deployments", bad_path="/apis/lost/deployments")
    yield Step("POST", "/apiproducts", PRODUCT, bad_body=PRODUCT)
    yield Step("GET", "/apiproducts?expand=true&count=2", bad_path="/apiproducts?count=many")
    yield Step("GET", "/apiproducts/tried", bad_path="/apiproducts/lost")
    yield Step("PUT", "/apiproducts/tried", {**PRODUCT, "quota": "7"}, bad_body={**PRODUCT, "quota": 7})
    yield from _attributes("/apiproducts/tried", "/apiproducts/lost")
    plan = {"displayName": "Gold", "billingPeriod": "MONTHLY"}
    yield Step("POST", "/apiproducts/tried/rateplans", plan, bad_body={**plan, "billingPeriod": "DAILY"})
    yield Step("GET", "/apiproducts/-/rateplans?expand=true", bad_path="/apiproducts/lost/rateplans")
    yield Step("GET", "/apiproducts/tried/rateplans/{plan}", bad_path="/apiproducts/tried/rateplans/lost")
    yield Step("PUT", "/apiproducts/tried/rateplans/{plan}", plan, bad_body={**plan, "apiproduct": "other"})
    yield Step("DELETE", "/apiproducts/tried/rateplans/{plan}", bad_path="/apiproducts/tried/rateplans/lost")
    yield Step("POST", "/developers", DEVELOPER, bad_body=DEVELOPER)
    yield Step("GET", "/developers?expand=true", bad_path="/developers?count=x")
    yield Step("GET", "/developers/new@acme.example", bad_path="/developers/lost@acme.example")
    yield Step("PUT", "/developers/new@acme.example", DEVELOPER, bad_body={"email": "new@acme.example"})
    yield Step(
        "POST", "/developers/new@acme.example?action=inactive", b"", 204, "/developers/new@acme.example?action=no"
    )
    yield from _attributes("/developers/new@acme.example", "/developers/lost@acme.example")
    apps = "/developers/new@acme.example/apps"
    yield Step("POST", apps, {"name": "app", "apiProducts": ["tried"]}, bad_body={"name": "app"})
    yield Step("GET", f"{apps}?expand=true", bad_path="/developers/lost@acme.example/apps")
    yield Step("GET", APP, bad_path=f"{apps}/lost")
    yield Step("PUT", APP, {"name": "app", "callbackUrl": "https://x.example"}, bad_body={"apiProducts": ["lost"]})
    yield Step("POST", f"{APP}?action=revoke", b"", 204, f"{APP}?action=no")
    yield from _attributes(APP, f"{apps}/lost")
    key = {"consumerKey": "key-1", "consumerSecret": "secret-1"}
    yield Step("POST", f"{APP}/keys", key, bad_body=key)
    other = {**key, "consumerKey": "key-2"}
    yield Step("POST", f"{APP}/keys/create", other, bad_body={**other, "consumerKey": "no spaces"})
    yield Step("GET", KEY, bad_path=f"{APP}/keys/lost")
    yield Step("POST", KEY, {"apiProducts": ["tried"]}, bad_body={"apiProducts": ["lost"]})
    yield Step("PUT", KEY, {"scopes": ["read"]}, bad_body={"scopes": "read"})
    yield Step("POST", f"{KEY}/apiproducts/tried?action=revoke", b"", 204, f"{KEY}/apiproducts/lost?action=revoke")
    yield Step("DELETE", f"{KEY}/apiproducts/tried", bad_path=f"{KEY}/apiproducts/lost")
    yield Step("DELETE", KEY, bad_path=f"{APP}/keys/lost")
    yield Step("GET", "/apps?expand=true&includeCred=true", bad_path="/apps?pageToken=x")
    yield Step("GET", "/apps/{app}", bad_path="/apps/lost")
    yield Step("DELETE", APP, bad_path=f"{apps}/lost")
    yield Step("DELETE", "/developers/new@acme.example", bad_path="/developers/lost@acme.example")
    yield Step("DELETE", "/apiproducts/tried", bad_path="/apiproducts/lost")
    yield from _map("")
    yield from _map("/environments/prod")
    yield Step("POST", "/sharedflows?action=import&name=flow", bundle(), bad_body=bundle("apiproxy"))
    yield Step("GET", "/sharedflows?includeRevisions=true")
    yield Step("GET", "/sharedflows/flow", bad_path="/sharedflows/lost")
    yield Step("GET", "/sharedflows/flow/revisions/1", bad_path="/sharedflows/flow/revisions/9")
    yield Step("POST", FLOW, None, bad_path=FLOW.replace("/1/", "/9/"))
    yield Step("GET", FLOW, bad_path=FLOW.replace("/1/", "/9/"))
    yield Step("GET", "/sharedflows/flow/deployments", bad_path="/sharedflows/lost/deployments")
    yield Step(
        "GET",
        "/environments/prod/sharedflows/flow/deployments",
        bad_path="/environments/lost/sharedflows/flow/deployments",
    )
    hook, lost = "/environments/prod/flowhooks/PreProxyFlowHook", "/environments/prod/flowhooks/AfterHook"
    yield Step("PUT", hook, {"sharedFlow": "flow"}, bad_body={"sharedFlow": "lost"})
    yield Step("GET", hook, bad_path=lost)
    yield Step("DELETE", hook, bad_path=lost)
    yield Step("DELETE", FLOW, bad_path=FLOW.replace("/1/", "/9/"))
    yield Step("DELETE", "/sharedflows/flow/revisions/1", bad_path="/sharedflows/flow/revisions/9")
    yield Step("DELETE", "/sharedflows/flow", bad_path="/sharedflows/lost")


async def _send(one: World, method: str, path: str, body: Any) -> httpx2.Response:
    if isinstance(body, bytes):
        return await one.request(method, path, headers=OCTETS, content=body)
    return await one.request(method, path, body)


def _spoilt(step: Step) -> tuple[str, Any]:
    if step.bad_path is not None:
        return step.bad_path, step.body
    return step.path, step.body if step.bad_body is None else step.bad_body


async def test_every_operation_shows_a_validated_success_and_a_validated_refusal() -> None:
    description()  # skips where it is not at hand
    one = world()
    ids: dict[str, str] = {}
    for step in _steps():
        path = step.path.format(**ids)
        good = await _send(one, step.method, path, step.body)
        assert good.status_code == step.status, f"{step.method} {path}: {good.text}"
        if path == "/apiproducts/tried/rateplans":
            ids["plan"] = good.json()["name"]
        if path == "/developers/new@acme.example/apps":
            ids["app"] = good.json()["appId"]
        if step.bad_path is None and step.bad_body is None:
            continue  # nothing about it can be wrong but who asks, which comes next
        spoilt, body = _spoilt(step)
        bad = await _send(one, step.method, spoilt.format(**ids), body)
        assert 400 <= bad.status_code < 500, f"{step.method} {spoilt}: {bad.text}"
        assert set(bad.json()["error"]) == {"code", "message", "status"}
    for path in ("", "/apis", "/sharedflows"):
        assert (await one.request("GET", path, headers={"Authorization": "Bearer stolen"})).status_code == 401
    implemented = {(route.method, _bare(route.template)) for route in one.emulator.routes.all}
    for outcome in (2, 4):
        judged = {(method, template) for method, template, status in one.described.seen if status == outcome}
        assert judged == implemented, f"without a {outcome}xx: {implemented - judged}"


def _bare(template: str) -> str:
    path = f"/v1/organizations/x/{template}".rstrip("/")
    return below(template_of(path.replace("{", "").replace("}", "")))


async def test_nobody_without_a_token_learns_anything() -> None:
    one = world()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(one.described), base_url=BASE) as http:
        for headers in ({}, {"Authorization": "Bearer stolen"}, {"Authorization": "Basic eDp5"}):
            answer = await http.get(f"/v1/organizations/{ORGANIZATION}", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


async def test_another_organization_is_forbidden_whether_or_not_it_exists() -> None:
    one = world()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(one.described), base_url=BASE) as http:
        answer = await http.get("/v1/organizations/others", headers={"Authorization": "Bearer ya29.emulated"})
    assert answer.status_code == 403
    assert answer.json()["error"]["status"] == "PERMISSION_DENIED"


async def test_a_path_that_google_does_not_know_is_a_page_in_html() -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create(StateFile())), base_url=BASE) as http:
        answer = await http.get("/v2/organizations")
    assert answer.status_code == 404
    assert "html" in answer.headers["content-type"]


@pytest.mark.parametrize("call", [("GET", "/apiproducts/{lost}/unknown"), ("POST", "/apps/x")])
async def test_the_judge_fails_what_the_vendor_does_not_describe(call: tuple[str, str]) -> None:
    description()
    with pytest.raises(AssertionError, match="is not described"):
        await world().request(*call)
