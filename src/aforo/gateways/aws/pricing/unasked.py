"""Where a stage asks for no key: there a usage plan limits nobody. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_METHODS: Final = frozenset({"get", "put", "post", "delete", "head", "patch"})
_ANY: Final = "x-amazon-apigateway-any-method"


def without_key(document: Mapping[str, Any]) -> list[str]:
    """Operations of a REST stage's export that demand no API key, as `GET /orders`. Preflights are nobody's calls."""
    schemes = (document.get("components") or {}).get("securitySchemes") or {}
    keys = {name for name, scheme in schemes.items() if scheme.get("type") == "apiKey" and not _is_authorizer(scheme)}
    found = []
    for path, item in (document.get("paths") or {}).items():
        for method, operation in item.items():
            if method in _METHODS or method == _ANY:
                asked = operation.get("security", document.get("security")) or []
                if not any(keys & one.keys() for one in asked):
                    found.append(f"{'ANY' if method == _ANY else method.upper()} {path}")
    return sorted(found)


def _is_authorizer(scheme: Mapping[str, Any]) -> bool:
    """AWS exports an authorizer of its own as an apiKey too."""
    return "x-amazon-apigateway-authorizer" in scheme or "x-amazon-apigateway-authtype" in scheme
