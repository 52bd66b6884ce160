"""The plugin's configuration from what an operator has decided. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateway_sdk.artifact import Wiring
from aforo.gateways.kong.mapping import Row

_NUMBERS: Final = ("lease_units", "timeout_ms", "ring_size", "spool_mb")
_TEXTS: Final = ("spool_dir", "quantity_from", "quantity_header")
_DECIMALS: Final = ("rate_burst_seconds", "quantity_per")
KEY_REFERENCE: Final = "api_key_reference"
"""An option: where Kong finds the key, such as `{vault://env/aforo-key}`, so that the key itself is not in Kong."""


def edge_url(wiring: Wiring) -> str:
    return wiring.ingest_url.rstrip("/").removesuffix("/v1/ingest")


def plugin_config(wiring: Wiring) -> Row:
    """Every member that Aforo sets; the rest is the schema's defaults."""
    config: dict[str, Any] = {
        "edge_url": edge_url(wiring),
        "api_key": wiring.options.get(KEY_REFERENCE) or wiring.api_key,
        "integration_id": wiring.integration_id,
        "enforce": wiring.enforce,
        "fail_mode": wiring.fail_mode.value,
        "products": {one.native_id: one.id for one in wiring.products},
        "metrics": dict(wiring.metrics),
        "key_from": list(wiring.key_from),
        "excluded_paths": list(wiring.excluded),
    }
    return config | dict(_options(wiring.options))


def _options(options: Mapping[str, str]) -> list[tuple[str, Any]]:
    chosen: list[tuple[str, Any]] = [(name, options[name]) for name in _TEXTS if name in options]
    chosen += [(name, int(options[name])) for name in _NUMBERS if name in options]
    return chosen + [(name, float(options[name])) for name in _DECIMALS if name in options]


def differing(wanted: Row, there: Row) -> list[str]:
    """Names of members that are not as Aforo wrote them; a secret's own value is never told."""
    return sorted(name for name, value in wanted.items() if (there.get(name) or None) != (value or None))
