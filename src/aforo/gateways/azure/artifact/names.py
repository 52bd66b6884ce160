"""What stands at the service in Aforo's name, and the texts of the fragments."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.azure.mapping.including import FRAGMENTS
from aforo.kit.jsontree import digest

VERSION: Final = "1"
TAG: Final = "aforo"
SECRETS: Final = ("aforo-key", "aforo-url")
_MOST_BYTES: Final = 32 * 1024
"""Of a fragment; source: the vendor's documentation, the smaller of two figures that it tells."""


def named_values(wiring: Wiring) -> dict[str, str]:
    """Name → value. A name is also the display name."""
    return {"aforo-key": wiring.api_key, "aforo-url": edge(wiring), **switches(wiring)}


def switches(wiring: Wiring) -> dict[str, str]:
    """Those that a change of mode writes. `aforo-excluded` is C#, since no expression can walk a list."""
    path = 'context.Variables.GetValueOrDefault<string>("aforo-path", "")'
    prefixes = [found for prefix in wiring.excluded if (found := prefix.rstrip("/"))]
    paths = [f"({path} == {json.dumps(one)} || {path}.StartsWith({json.dumps(one + '/')}))" for one in prefixes]
    return {
        "aforo-mode": "enforce" if wiring.enforce else "observe",
        "aforo-fail": wiring.fail_mode.value,
        "aforo-excluded": " || ".join(paths) or "false",
    }


def edge(wiring: Wiring) -> str:
    """Where checks go as well."""
    return wiring.ingest_url.removesuffix("/").removesuffix("/v1/ingest")


def fragments(wiring: Wiring, apis: Mapping[str, str]) -> dict[str, str]:
    """Fragment → its text. `apis`: the product's id by the API's name, empty where several products have it."""
    products = {f"product:{one.native_id}": one.id for one in wiring.products}
    told = {**products, **{f"api:{name}": product for name, product in sorted(apis.items())}}
    marks = {
        "__INTEGRATION__": wiring.integration_id,
        "__PRODUCTS__": _in_csharp(told),
        "__METRICS__": _in_csharp(dict(wiring.metrics)),
    }
    found = {name: _written(section, marks) for section, name in FRAGMENTS.items()}
    for name, text in found.items():
        if len(text.encode()) > _MOST_BYTES:
            raise GatewayError(
                f"The fragment {name} would be larger than the 32 KB that Azure takes: {len(told)} products and APIs.",
                next_step="Enforce fewer products at this service.",
            )
    return found


def mark(wiring: Wiring, text: str) -> str:
    """A fragment's description: whose it is, and which text."""
    return f"Made by Aforo, version {VERSION}, for {wiring.integration_id}: {digest(text)[:16]}"


def is_ours(description: object, wiring: Wiring) -> bool:
    return str(description or "").startswith("Made by Aforo, version ") and f"for {wiring.integration_id}:" in str(
        description
    )


def _written(section: str, marks: Mapping[str, str]) -> str:
    text = (resources.files("aforo.gateways.azure") / "templates" / f"{section}.xml").read_text()
    for name, value in marks.items():
        text = text.replace(name, value)
    return text


def _in_csharp(value: Mapping[str, str]) -> str:
    """JSON inside a C# string."""
    return json.dumps(value, separators=(",", ":")).replace("\\", "\\\\").replace('"', '\\"')
