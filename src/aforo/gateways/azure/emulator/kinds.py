"""Which resources there are, and what the vendor's description says of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One collection. Where nothing else is said: GET, HEAD, PUT, PATCH and DELETE, all at once, guarded by an ETag.

    long           methods that only start the work; the answer says where to ask for its end
    link           joins two resources that exist; PUT has no body, nothing has an ETag
    required       members of `properties` without which a PUT is refused
    defaults       members that the service fills in
    hidden         members that are taken but never told
    """

    long: frozenset[str] = frozenset()
    link: str = ""
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    patchable: bool = True


_POLICY: Final = Kind(required=("value",), patchable=False)
_PUT: Final = frozenset({"PUT"})

KINDS: Final[Mapping[tuple[str, ...], Kind]] = {
    ("products",): Kind(
        required=("displayName",), defaults={"subscriptionRequired": True, "state": "notPublished"}
    ),
    ("products", "policies"): _POLICY,
    ("products", "apis"): Kind(link="apis"),
    ("products", "tags"): Kind(link="tags"),
    ("apis",): Kind(
        long=frozenset({"PUT", "DELETE"}),
        required=("path",),
        hidden=frozenset({"format", "value"}),
        defaults={
            "apiRevision": "1",
            "isCurrent": True,
            "subscriptionRequired": True,
            "protocols": ["https"],
            "subscriptionKeyParameterNames": {"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"},
        },
    ),
    ("apis", "policies"): _POLICY,
    ("apis", "tags"): Kind(link="tags"),
    ("apis", "schemas"): Kind(long=_PUT, required=("contentType",), patchable=False),
    ("apis", "operations"): Kind(required=("displayName", "method", "urlTemplate")),
    ("apis", "operations", "policies"): _POLICY,
    ("namedValues",): Kind(
        long=frozenset({"PUT", "PATCH"}), required=("displayName",), defaults={"secret": False}
    ),
    ("policies",): _POLICY,
    ("policyFragments",): Kind(long=_PUT, required=("value",), patchable=False),
    ("tags",): Kind(required=("displayName",)),
    ("users",): Kind(
        long=frozenset({"DELETE"}),
        required=("email", "firstName", "lastName"),
        defaults={"state": "active"},
        hidden=frozenset({"password", "confirmation", "appType"}),
    ),
    ("subscriptions",): Kind(
        required=("scope", "displayName"), hidden=frozenset({"primaryKey", "secondaryKey"})
    ),
}  # fmt: skip
