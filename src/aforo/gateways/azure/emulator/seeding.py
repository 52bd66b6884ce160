"""Realistic products, written through the emulator's own front so that all its checks hold."""

import json
from collections.abc import Mapping
from typing import Any, Final

from aforo.gateways.azure.emulator.app import BASE, AzureEmulator
from aforo.gateways.azure.emulator.sign_in import ACCESS_TOKEN
from aforo.gateways.azure.emulator.wire import API_VERSION, Call

_TRADES: Final = (
    "Orders", "Payments", "Weather", "Translation", "Maps", "Invoices", "Identity", "Shipping", "Catalog", "Search",
    "Messaging", "Reports",
)  # fmt: skip
_HEADERS: Final = {"authorization": f"Bearer {ACCESS_TOKEN}", "host": "seed.invalid"}
_PRODUCT_POLICY: Final = """<policies>
  <inbound>
    <base />
    <rate-limit calls="%d" renewal-period="60" />
    <quota calls="10000" renewal-period="2592000" />
    <!-- who pays is told to the backend -->
    <set-header name="X-Customer" exists-action="override">
      <value>@(context.Subscription?.Id ?? "none")</value>
    </set-header>
  </inbound>
  <backend><base /></backend>
  <outbound><base /></outbound>
  <on-error><base /></on-error>
</policies>"""
_API_POLICY: Final = """<policies>
  <inbound>
    <base />
    <choose>
      <when condition="@(context.Request.Headers.GetValueOrDefault("X-Region", "eu") == "us" && context.Api != null)">
        <set-backend-service base-url="{{%s-us-backend}}" />
      </when>
    </choose>
    <set-header name="X-Backend-Key" exists-action="override"><value>{{backend-key}}</value></set-header>
    <include-fragment fragment-id="trace-call" />
  </inbound>
  <backend><base /></backend>
  <outbound>
    <base />
    <set-variable name="spent" value="@{
      var left = context.Variables.GetValueOrDefault<string>("left", "0");
      return left.Length > 2 ? "some" : "little";
    }" />
  </outbound>
  <on-error><base /></on-error>
</policies>"""


def sow(emulator: AzureEmulator, size: int) -> None:
    """`size` products, each with an API; every third has two, every fourth is tagged, every second has a policy."""
    _common(emulator)
    for number in range(size):
        name = f"{_TRADES[number % len(_TRADES)]}{'' if number < len(_TRADES) else f' {number // len(_TRADES) + 1}'}"
        _product(emulator, number, name)
    emulator.store.save()


def _common(emulator: AzureEmulator) -> None:
    secret = {"displayName": "backend-key", "value": "emulated-backend-key", "secret": True, "tags": ["backend"]}
    put(emulator, "namedValues/backend-key", secret)
    put(
        emulator,
        "policyFragments/trace-call",
        {"value": '<fragment><trace source="aforo-demo">called</trace></fragment>'},
    )
    put(emulator, "tags/partner", {"displayName": "partner"})
    put(emulator, "tags/beta", {"displayName": "beta"})
    put(
        emulator,
        "policies/policy",
        {"format": "rawxml", "value": "<policies><inbound /><backend><forward-request /></backend></policies>"},
    )
    put(emulator, "users/ada", {"email": "ada@contoso.example", "firstName": "Ada", "lastName": "Berg"})


def _product(emulator: AzureEmulator, number: int, name: str) -> None:
    slug = name.lower().replace(" ", "-")
    product = f"products/{slug}"
    told = {"displayName": name, "description": f"All of {name}.", "state": "published", "subscriptionRequired": True}
    put(emulator, product, {**told, "terms": "Be fair.", "subscriptionsLimit": 5} if number % 3 else told)
    for part in ("", "-admin") if number % 3 == 2 else ("",):
        _api(emulator, slug + part, number)
        put(emulator, f"{product}/apis/{slug}{part}", None)
    if number % 2 == 0:
        put(emulator, f"{product}/policies/policy", {"format": "rawxml", "value": _PRODUCT_POLICY % (100 + number)})
    if number % 4 == 0:
        put(emulator, f"{product}/tags/partner", None)
    if number < 3:
        put(
            emulator,
            f"subscriptions/{slug}-ada",
            {"scope": f"/{product}", "ownerId": "/users/ada", "displayName": slug},
        )


def _api(emulator: AzureEmulator, slug: str, number: int) -> None:
    versioned = {"apiVersion": "v2"} if number % 4 == 1 else {}
    settings = {
        "displayName": slug.replace("-", " ").title(),
        "path": slug,
        "serviceUrl": f"https://{slug}.backend.example",
        "protocols": ["https"],
        "format": "openapi+json",
        "value": json.dumps(document(slug)),
    }
    put(emulator, f"apis/{slug}", {**settings, **versioned})
    if number % 2:
        value = {"displayName": f"{slug}-us-backend", "value": f"https://us.{slug}.backend.example"}
        put(emulator, f"namedValues/{slug}-us-backend", value)
        put(emulator, f"apis/{slug}/policies/policy", {"format": "rawxml", "value": _API_POLICY % slug})


def document(name: str) -> dict[str, Any]:
    """A small OpenAPI description with two paths."""
    answer = {
        "200": {
            "description": "OK",
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_word(name)}"}}},
        }
    }
    by_id = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    limit = {"name": "limit", "in": "query", "schema": {"type": "integer", "default": 20}}
    word = _word(name)
    return {
        "openapi": "3.0.1",
        "info": {"title": name, "version": "1.2.0"},
        "paths": {
            f"/{name}": {
                "get": {
                    "operationId": f"list{word}",
                    "summary": f"List {name}",
                    "parameters": [limit],
                    "responses": answer,
                },
                "post": {"operationId": f"create{word}", "summary": f"Create {name}", "responses": answer},
            },
            f"/{name}/{{id}}": {
                "get": {
                    "operationId": f"get{word}",
                    "summary": f"Get {name}",
                    "parameters": [by_id],
                    "responses": answer,
                }
            },
        },
        "components": {
            "schemas": {word: {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}},
            "securitySchemes": {"own": {"type": "http", "scheme": "bearer"}},
        },
    }


def put(emulator: AzureEmulator, path: str, properties: Mapping[str, Any] | None) -> None:
    """PUT as the owner; a refusal is a mistake in the seed."""
    body = json.dumps({} if properties is None else {"properties": properties}).encode()
    call = Call("PUT", f"{BASE}/{path}", {"api-version": API_VERSION}, _HEADERS, body, "http://seed.invalid")
    answer = emulator.answer(call)
    if answer.status >= 300:
        raise ValueError(f"PUT {path}: {answer.status} {answer.body}")


def _word(name: str) -> str:
    return "".join(part.title() for part in name.split("-"))
