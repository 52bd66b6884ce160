"""Realistic instances: assets with one or two versions, tiers and policies, some on a Flex Gateway."""

import io
import json
import zipfile
from typing import Final

import yaml

from . import apis, applications, assets, contracts, policies, tiers, upstreams
from .world import Row, World

ROOT: Final = "9a5c9842-3e68-452a-aa88-d100c3bdefba"
ORGANIZATION: Final = "f02a5569-24ac-491a-964a-0950ab318728"
ENVIRONMENT: Final = "b0f02fea-b5e9-4bf1-aef8-a2d4027eca5d"
CLIENT_ID: Final = "4f1c2d9be0a74c0c9d5c7c3e2b6f8a10"
CLIENT_SECRET: Final = "084ADC05A977a4044e1B604Cfd4F4238"  # noqa: S105  of the emulated app
MULESOFT: Final = "68ef9520-24e9-4cf2-b2f5-620025690913"
_NAMES: Final = ("orders", "payments", "customers", "inventory", "shipping", "translation")
_LABELS: Final = (None, "partners", "internal")


def found_organization(world: World) -> None:
    """The organization, a business group with a sandbox, and a connected app; nothing if they are there."""
    if world.tables["organizations"]:
        return
    world.put("organizations", ROOT, {"id": ROOT, "name": "Example", "root": ROOT})
    world.put("organizations", ORGANIZATION, {"id": ORGANIZATION, "name": "Example Retail", "root": ROOT})
    environment = {"id": ENVIRONMENT, "organizationId": ORGANIZATION, "name": "Sandbox", "isProduction": False}
    world.put("environments", ENVIRONMENT, {**environment, "type": "sandbox", "clientId": "e1f7c0a2b3d44c55"})
    world.put("apps", CLIENT_ID, {"client_id": CLIENT_ID, "secret": CLIENT_SECRET, "name": "Aforo"})


def sow(world: World, size: int) -> None:
    """`size` instances; the same ones every time."""
    found_organization(world)
    for number in range(size):
        _instance(world, number)


def _instance(world: World, number: int) -> None:
    name = f"{_NAMES[number // len(_LABELS) % len(_NAMES)]}-api" + _series(number)
    asset = _asset(world, name, number)
    flex = number % 4 == 3
    told = {
        "instanceLabel": _LABELS[number % len(_LABELS)],
        "technology": "flexGateway" if flex else "mule4",
        "description": f"{name} for {_LABELS[number % len(_LABELS)] or 'everybody'}",
        "tags": ["retail", "v1"] if number % 2 else [],
        "endpointUri": f"https://api.example.com/{name}/{number}",
        "endpoint": _endpoint(name, flex=flex),
    }
    api = apis.new(world, (ORGANIZATION, ENVIRONMENT), asset, told)
    _tiers(world, api)
    _policies(world, api, number)
    if flex:
        _routes(world, api, name)
    if number == 0:
        _customer(world, api)


def _series(number: int) -> str:
    round_ = number // (len(_LABELS) * len(_NAMES))
    return f"-{round_ + 1}" if round_ else ""


def _asset(world: World, name: str, number: int) -> Row:
    key = f"{ORGANIZATION}/{name}/1.0.0"
    if key in world.tables["assets"]:
        return world.tables["assets"][key]
    for version in ("1.0.0", "1.1.0"):
        files = [_packed(openapi(name, version), number)]
        row = assets.new(world, (ORGANIZATION, name, version), name.replace("-", " ").title(), "v1", files, "api.yaml")
    del row
    return world.tables["assets"][key]


def _packed(document: Row, number: int) -> tuple[str, str, bytes]:
    """In each of the ways in which Exchange keeps OpenAPI: a zip with a main file, JSON, YAML."""
    text = yaml.safe_dump(document, sort_keys=False).encode()
    if number % 9 < 3:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("exchange.json", '{"main":"api.yaml"}')
            zipped.writestr("api.yaml", text)
        return "oas", "zip", archive.getvalue()
    return ("oas", "json", json.dumps(document).encode()) if number % 9 < 6 else ("oas", "yaml", text)


def openapi(name: str, version: str) -> Row:
    """A small API description."""
    things = name.removesuffix("-api")
    operation = {"summary": f"List {things}", "responses": {"200": {"description": "OK"}}}
    paths: Row = {f"/{things}": {"get": operation}}
    if version != "1.0.0":
        paths[f"/{things}/{{id}}"] = {"get": {"summary": "One of them", "responses": {"200": {"description": "OK"}}}}
    return {"openapi": "3.0.3", "info": {"title": name, "version": version}, "paths": paths}


def _endpoint(name: str, *, flex: bool) -> Row:
    uri = None if flex else f"http://{name}.internal.example.com/api"
    return {
        "type": "http",
        "uri": uri,
        "proxyUri": f"http://0.0.0.0:8081/{name}",
        "isCloudHub": None if flex else False,
        "deploymentType": "HY",
        "muleVersion4OrAbove": None if flex else True,
    }


def _tiers(world: World, api: Row) -> None:
    for name, calls, auto in (("Bronze", 100, True), ("Gold", 10_000, False)):
        limits = [
            {"maximumRequests": calls, "timePeriodInMilliseconds": 60_000, "visible": True},
            {"maximumRequests": calls * 500, "timePeriodInMilliseconds": 86_400_000, "visible": True},
        ]
        told = {"name": name, "description": f"{calls} calls a minute", "autoApprove": auto, "status": "ACTIVE"}
        tiers.new(world, api, {**told, "limits": limits})


def _policies(world: World, api: Row, number: int) -> None:
    wishes: list[tuple[str, str, Row, object]] = [
        ("client-id-enforcement", "1.3.2", _CREDENTIALS, None),
        ("rate-limiting-sla-based", "1.3.0", {**_CREDENTIALS, "exposeHeaders": True, "clusterizable": True}, None),
    ]
    if number % 3 == 1:
        pointcut = [{"methodRegex": "GET|HEAD", "uriTemplateRegex": "/.*"}]
        limit = {"maximumRequests": 50, "timePeriodInMilliseconds": 1_000}
        wishes.append(("rate-limiting", "1.4.0", {"rateLimits": [limit], "exposeHeaders": False}, pointcut))
    if number % 6 == 2:
        wishes.append(("basic-authentication-simple", "1.3.1", {"username": "ops", "password": "open sesame"}, None))
    for asset_id, version, configuration, pointcuts in wishes:
        told = {"groupId": MULESOFT, "assetId": asset_id, "assetVersion": version, "pointcutData": pointcuts}
        policies.new(world, api, {**told, "configurationData": dict(configuration)})


_CREDENTIALS: Final = {
    "credentialsOriginHasHttpBasicAuthenticationHeader": "customExpression",
    "clientIdExpression": "#[attributes.headers['client_id']]",
    "clientSecretExpression": "#[attributes.headers['client_secret']]",
}


def _routes(world: World, api: Row, name: str) -> None:
    ids = [
        upstreams.new(world, api, {"label": label, "uri": f"http://{name}-{label}.internal.example.com"})["id"]
        for label in ("blue", "green")
    ]
    weighted = [{"id": ids[0], "weight": 90}, {"id": ids[1], "weight": 10}]
    api["routing"] = [{"label": "all", "rules": {"methods": "GET|POST", "path": "/.*"}, "upstreams": weighted}]
    world.changed()


def _customer(world: World, api: Row) -> None:
    """A client application with a contract on Bronze, one that waits for Gold, and one that our own app has made."""
    by_name = {row["name"]: row["id"] for row in world.rows("tiers", apiId=api["id"])}
    for name, tier in (("Acme mobile", "Bronze"), ("Globex batch", "Gold")):
        told = {"name": name, "description": "Asked for in Exchange"}
        app = applications.new(world, ROOT, told, "somebody else")
        contracts.new(world, api, {"applicationId": app["id"], "requestedTierId": by_name[tier]})
    applications.new(world, ROOT, {"name": "Smoke test", "description": "Made by a script"}, CLIENT_ID)
