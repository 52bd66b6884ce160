"""Of which type each member of `properties` is, as the vendor's description has it. No name has two types."""

from collections.abc import Mapping
from typing import Any, Final

from aforo.gateways.azure.emulator.wire import invalid

_TEXTS: Final = (
    "displayName", "description", "terms", "state", "path", "serviceUrl", "type", "apiType", "apiRevision",
    "apiVersion", "apiRevisionDescription", "apiVersionDescription", "apiVersionSetId", "sourceApiId",
    "termsOfServiceUrl", "format", "value", "method", "urlTemplate", "policies", "contentType", "email",
    "firstName", "lastName", "note", "password", "confirmation", "appType", "scope", "ownerId", "primaryKey",
    "secondaryKey", "stateComment", "expirationDate",
)  # fmt: skip
_FLAGS: Final = ("subscriptionRequired", "approvalRequired", "isCurrent", "secret", "allowTracing")
_LISTS: Final = ("protocols", "tags", "templateParameters", "responses", "identities")
_OBJECTS: Final = (
    "subscriptionKeyParameterNames", "authenticationSettings", "contact", "license", "keyVault", "request", "document",
)  # fmt: skip
_TYPES: Final[Mapping[str, type]] = {
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_FLAGS, bool),
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(_OBJECTS, dict),
    "subscriptionsLimit": int,
}
_WORDS: Final = {str: "a string", bool: "a boolean", list: "an array", dict: "an object", int: "an integer"}
_SHORT: Final = {"displayName": 300, "description": 1000, "path": 400, "serviceUrl": 2000, "email": 254}


def check(properties: Mapping[str, Any]) -> None:
    """Refuses a member of another type, or one that is too long; members that nobody knows are taken."""
    for name, value in properties.items():
        wanted = _TYPES.get(name)
        if value is None or wanted is None:
            continue
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise invalid(name, f"must be {_WORDS[wanted]}")
        if isinstance(value, str) and len(value) > _SHORT.get(name, 10**6):
            raise invalid(name, f"must not be longer than {_SHORT[name]} characters")
        if isinstance(value, list) and name in ("protocols", "tags") and not all(isinstance(one, str) for one in value):
            raise invalid(name, "must be an array of strings")
