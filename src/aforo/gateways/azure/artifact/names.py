"""What stands at the service in Aforo's name, and the texts of the fragments."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateway_sdk.errors import GatewayError
from aforo.gateways.azure.mapping.including import FRAGMENTS
from aforo.kit.errors import Invalid
from aforo.kit.jsontree import digest

VERSION: Final = "2"
TAG: Final = "aforo"
SECRETS: Final = ("aforo-key", "aforo-url")
_MOST_BYTES: Final = 32 * 1024
"""Of a fragment; source: the vendor's documentation, the smaller of two figures that it tells."""
_MOST_UNITS: Final = 100_000
_SLACK: Final = 1_000_000
"""Added to a lease's units: rate-limit-by-key then counts and never refuses, which nothing could take back."""
_KEPT: Final = 'context.Variables.GetValueOrDefault<string>("aforo-kept", "")'
_MAY_LEASE: Final = f'{_KEPT} == "lease" || {_KEPT}.StartsWith("{{")'
_CACHED: Final = '"aforo:__INTEGRATION__:" + ' + ' + ":" + '.join(
    f'context.Variables.GetValueOrDefault<string>("aforo-{name}", "")' for name in ("native", "product", "metric")
)


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


def fragments(wiring: Wiring, apis: Mapping[str, str], units: int) -> dict[str, str]:
    """Fragment → its text. `apis`: the product's id by the API's name, empty where several products have it.

    `units` of a lease; below 2, each call is checked and nothing is kept at the gateway.
    """
    products = {f"product:{one.native_id}": one.id for one in wiring.products}
    told = {**products, **{f"api:{name}": product for name, product in sorted(apis.items())}}
    marks = {
        **_leasing(units),
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


def lease_units(wiring: Wiring, tier: str) -> int:
    """Units that a key takes in advance where no HARD quota holds; none unless asked for, since what a fragment may
    hold of this was not verified at Azure. The Consumption tier cannot count them."""
    told = wiring.options.get("lease_units", "0").strip()
    if not told.isdecimal() or int(told) > _MOST_UNITS:
        raise Invalid(
            f"lease_units has to be a whole number from 0 to {_MOST_UNITS}.",
            next_step="Leave it out to have each call checked; 100 is a good size.",
        )
    return 0 if tier == "Consumption" else int(told)


def mark(wiring: Wiring, text: str) -> str:
    """A fragment's description: whose it is, and which text."""
    return f"Made by Aforo, version {VERSION}, for {wiring.integration_id}: {digest(text)[:16]}"


def is_ours(description: object, wiring: Wiring) -> bool:
    return str(description or "").startswith("Made by Aforo, version ") and f"for {wiring.integration_id}:" in str(
        description
    )


def _leasing(units: int) -> dict[str, str]:
    """What inbound holds besides, in the order of replacement: the policies first, then what they name."""
    if units < 2:
        return {"__SPEND__": "", "__KEEP__": "", "__ASKED__": "{{aforo-url}}/v1/check", "__WANTED__": ""}
    node = '"azure:" + context.Deployment.ServiceName + ":" + context.Deployment.Region'
    return {
        "__SPEND__": _template("lease-spend"),
        "__KEEP__": _template("lease-keep"),
        "__ASKED__": f'@("{{{{aforo-url}}}}/v1/" + ({_MAY_LEASE} ? "leases" : "check"))',
        "__WANTED__": f', new JProperty("want", {units}), new JProperty("nodeId", {node})',
        "__CACHED__": _CACHED,
        "__SLACK__": str(_SLACK),
    }


def _template(name: str) -> str:
    return (resources.files("aforo.gateways.azure") / "templates" / f"{name}.xml").read_text()


def _written(section: str, marks: Mapping[str, str]) -> str:
    text = _template(section)
    for name, value in marks.items():
        text = text.replace(name, value)
    return text


def _in_csharp(value: Mapping[str, str]) -> str:
    """JSON inside a C# string."""
    return json.dumps(value, separators=(",", ":")).replace("\\", "\\\\").replace('"', '\\"')
